#include "user/python_bridge.hpp"

namespace fluxmetrics::user {

std::string python_bridge() {
  return R"python(
import fcntl
import importlib.util
import inspect
import json
import math
import numbers
import os
import socket
import sys
import traceback

# The line to the parent: out of the way of what users print, and of the processes they start.
line = socket.socket(fileno=fcntl.fcntl(3, fcntl.F_DUPFD_CLOEXEC, 64))
os.close(3)
path = os.path.abspath(sys.argv[1])  # as code objects know it


home = os.getpid()


def tell(answer):
    line.sendall(json.dumps(answer).encode() + b"\n")


def sendable(text):
    # Whatever users raise: of bounded length, and without halves of characters.
    return text[:1000].encode(errors="replace").decode()


def refuse(sentence, **more):
    tell({"error": sendable(sentence), **more})
    sys.stdout.flush()
    os._exit(0)


def in_words(error):
    # With the last line of the user's file that the error came through.
    words = type(error).__name__ + (": " + str(error) if str(error) else "")
    if isinstance(error, SyntaxError) and error.filename == path:
        return f"line {error.lineno}: {words}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"line {lines[-1]}: {words}" if lines else words


def load():
    spec = importlib.util.spec_from_file_location("custom_metrics", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["custom_metrics"] = sys.modules["cm"] = module  # the second is what the Python server called it
    spec.loader.exec_module(module)
    return module


def functions_of(module):
    # What the Python server took: every function that the file can name, imported ones too.
    found = {}
    for name in dir(module):
        function = getattr(module, name)
        if name.startswith("_") or type(function).__name__ != "function":
            continue
        if not inspect.signature(function).parameters:
            refuse(f"line {function.__code__.co_firstlineno}: function {name} takes no argument; a metric's function "
                   "gets a Flux handle. Begin the name of a helper with _")
        found[name] = function
    return found


def described(name, function):
    code = function.__code__
    return {"name": name, "line": code.co_firstlineno if code.co_filename == path else 0,
            "help": (inspect.getdoc(function) or "").strip().split("\n")[0]}


def number_in(value):
    if value is None:
        return None
    if not isinstance(value, numbers.Real):
        raise TypeError(f"it returned {value!r:.80}, which is not a number")
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"it returned {value}, which is not a finite number")
    return value


class Caller:
    def __init__(self, functions):
        self.functions = functions
        self.handle = None

    def call(self, name):
        if name not in self.functions:
            return {"error": f"the file has no function {name} any more"}
        if self.handle is None:
            try:
                self.handle = flux.Flux()
            except Exception as error:
                return {"error": f"Flux cannot be reached: {error}"}
        try:
            value = self.functions[name](self.handle)
        except OSError as error:
            self.handle = None  # perhaps it is the connection: a new one costs little
            return {"error": in_words(error)}
        except BaseException as error:
            return {"error": in_words(error)}
        try:
            return {"value": number_in(value)}
        except Exception as error:
            return {"error": str(error)}


sys.path[:] = [folder for folder in sys.path if folder]  # what lies about in the directory is not the user's
try:
    import flux
except ImportError as error:
    refuse(str(error), bindings=True)
for part in ("flux.job", "flux.resource"):
    try:
        importlib.import_module(part)
    except ImportError:
        pass
try:
    functions = functions_of(load())
except BaseException as error:
    refuse(in_words(error))
if not functions:
    refuse("it has no public function, so no metric")
caller = Caller(functions)
tell({"functions": [described(*each) for each in functions.items()]})
for name in line.makefile(encoding="utf-8"):
    name = name.rstrip("\n")
    answer = caller.call(name)
    if os.getpid() != home:
        os._exit(0)  # a copy that the function made and did not end: one answers
    if "error" in answer:
        answer["error"] = sendable(answer["error"])
    tell({"name": name, **answer})
)python";
}

}  // namespace fluxmetrics::user
