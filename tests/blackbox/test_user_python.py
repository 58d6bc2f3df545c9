#!/usr/bin/env python3
"""--custom-metric FILE.py: functions with a Flux handle as metrics, and what bad ones may not do. The module flux is a
stand-in here, for what is tested is how processes are looked after; tests/interop has the real one."""
import json
import pathlib
import sys
import tempfile
import time
import unittest

from harness import DEADLINE, Server, Simulator, clean_environment, eventually, main, reduce_metrics, run
from test_user_metrics import children_of

FLUX = """
import os

class Flux:
    def __init__(self):
        self.uri = os.environ["FLUX_URI"]
"""
GOOD = '''
def fine(handle):
    """A good one.

    With more to say."""
    return 5

def uri_length_count(handle):
    return len(handle.uri)

def _helper():
    return 1

class Other:
    pass

VALUE = 3
'''


class UserPython(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "bindings/flux").mkdir(parents=True)
        (self.folder / "bindings/flux/__init__.py").write_text(FLUX)
        (self.folder / "bin").mkdir()
        (self.folder / "bin/python3").symlink_to(sys.executable)

    def environment(self, bindings=True, **more):
        if bindings:
            more["PYTHONPATH"] = self.folder / "bindings"
        return clean_environment(PATH=f"{self.folder / 'bin'}:/nowhere", PYTHONDONTWRITEBYTECODE=1, **more)

    def file(self, text, name="mine.py"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def get(self, uri, *metrics, files, timeout="60s", **environment):
        files = [text for file in files for text in ("--custom-metric", file)]
        done = run("get", *metrics, *files, "-o", "json", "--timeout", timeout,
                   environment=self.environment(FLUX_URI=uri, **environment), timeout=DEADLINE * 4)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def server(self, uri, path, **environment):
        server = Server("--custom-metric", path)
        server._environment = self.environment(FLUX_URI=uri, **environment)
        return server

    def refused(self, path, *says, bindings=True):
        done = run("get", "--custom-metric", path, environment=self.environment(bindings))
        self.assertEqual(done.returncode, 2, done)
        for part in says:
            self.assertIn(part, done.stderr)


class Functions(UserPython):
    def test_each_public_function_is_a_metric(self):
        path = self.file(GOOD)
        with Simulator() as flux:
            document = self.get(flux.uri, files=[path])
            names = {each["name"] for each in document["metrics"]}
            self.assertLessEqual({"fine", "uri_length_count"}, names)
            self.assertFalse({"_helper", "Other", "VALUE"} & names)
            values = reduce_metrics(document)
            self.assertEqual((values["fine"], values["uri_length_count"]), (5, len(flux.uri)))
        listed = run("get", "--catalogue", "-o", "json", "--custom-metric", path, environment=self.environment())
        found = {each["name"]: each for each in json.loads(listed.stdout)["metrics"]}
        self.assertEqual(found["fine"]["help"], "A good one.")
        self.assertEqual(found["fine"]["source"], f"{path} line 2, function fine")
        self.assertEqual(found["uri_length_count"]["prometheus"], ["flux_user_uri_length"])

    def test_imported_functions_count_as_they_did(self):
        path = self.file("from os.path import getsize\ndef fine(handle): return 1\n")
        with Simulator() as flux:
            values = self.get(flux.uri, "fine", "getsize", files=[path])["metrics"]
            self.assertIn("TypeError", values[1]["missing"])
            self.assertEqual(values[0]["items"][0]["value"], 1)

    def test_served_and_refreshed_without_a_change_of_state(self):
        count = self.folder / "count"
        count.write_text("3")
        path = self.file(f"def from_file(handle): return int(open({str(count)!r}).read())\n")
        with Simulator() as flux, self.server(flux.uri, path) as server:
            server.wait_number("from_file", 3)
            count.write_text("4")
            server.wait_number("from_file", 4)
            self.assertIn("flux_user_from_file 4\n", server.get("/metrics").body.decode())
            count.write_text("x")
            eventually(lambda: server.metric("from_file").status == 503, "503 after an exception")
            self.assertIn("line 1: ValueError", server.metric("from_file").body.decode())
            self.assertNotIn("from_file", server.get("/metrics").body.decode())
            count.write_text("5")
            server.wait_number("from_file", 5)
            server.wait_log("the metric from_file has a value again")

    def test_with_expressions_together(self):
        path = self.file(GOOD)
        yaml = self.file("metrics: [{name: jobs_here, help: x, expression: .jobs | length}]", "mine.yaml")
        with Simulator(pending=2) as flux:
            values = reduce_metrics(self.get(flux.uri, "fine", "jobs_here", files=[path, yaml]))
            self.assertEqual(values, {"fine": 5, "jobs_here": 2})


class Refused(UserPython):
    def test_what_is_wrong_is_named(self):
        path = self.file("def fine(handle): return 1\n\ndef nothing(): return 2\n")
        self.refused(path, path, "line 3: function nothing takes no argument")
        path = self.file("def fine(handle):\n    return 1 +\n")
        self.refused(path, path, "line 2: SyntaxError")
        path = self.file("x = 1\nraise RuntimeError('of mine')\n")
        self.refused(path, path, "line 2: RuntimeError: of mine")
        path = self.file("import sys\nsys.exit(3)\n")
        self.refused(path, path, "line 2: SystemExit")
        path = self.file("import os\nos._exit(3)\n")
        self.refused(path, path, "exit code 3")
        path = self.file("x = 1\n")
        self.refused(path, path, "no public function")
        path = self.file("def node_up_count(handle): return 1\n")
        self.refused(path, f"{path} line 1, function node_up_count", "built-in metric")
        path = self.file("def caf\u00e9(handle): return 1\n")
        self.refused(path, f"{path} line 1, function caf", "is not a valid metric name")
        self.refused(self.folder / "absent.py", "absent.py", "No such file")

    def test_python_or_bindings_that_are_missing(self):
        path = self.file(GOOD)
        self.refused(path, path, "need a Python that can import Flux's bindings", "No module named 'flux'", bindings=False)
        (self.folder / "bin/python3").unlink()
        self.refused(path, path, "there is neither python3 nor flux on PATH")

    def test_flux_python_is_taken_where_python_has_no_bindings(self):
        path = self.file(GOOD)
        flux_command = self.folder / "bin/flux"
        flux_command.write_text(f"#!/bin/sh\n[ \"$1\" = python ] || exit 9\nshift\n"
                                f"PYTHONPATH={self.folder / 'bindings'} exec {sys.executable} \"$@\"\n")
        flux_command.chmod(0o755)
        with Simulator() as flux:
            values = reduce_metrics(self.get(flux.uri, "fine", files=[path], bindings=False))
            self.assertEqual(values, {"fine": 5})


BAD = '''
import os, sys, threading, time

def aa_fine(handle): return 1
def hangs(handle):
    while True: time.sleep(1)
def leaves(handle): os._exit(7)
def raises(handle):
    raise RuntimeError("of mine")
def asks_to_exit(handle): sys.exit(3)
def is_text(handle): return "5"
def is_nan(handle): return float("nan")
def is_infinite(handle): return float("inf")
def is_none(handle): return None
def is_huge(handle): return 10 ** 400
def is_true(handle): return True
def prints(handle):
    for i in range(20000): print("noise", i)
    os.write(2, b"{\\"value\\": 99}\\n" * 1000)
    return 2
def takes_two(handle, other): return 1
def zz_fine(handle): return 3
'''


class Bad(UserPython):
    def test_bad_ones_have_no_value_and_say_why(self):
        path = self.file(BAD)
        with Simulator() as flux:
            found = {each["name"]: each for each in self.get(flux.uri, files=[path])["metrics"]}
        good = {name: found[name]["items"][0]["value"] for name in ("aa_fine", "zz_fine", "prints", "is_true")}
        self.assertEqual(good, {"aa_fine": 1, "zz_fine": 3, "prints": 2, "is_true": 1})
        for name, part in (("hangs", "longer than 5 s"), ("leaves", "exit code 7"), ("raises", "line 9: RuntimeError: of mine"),
                           ("asks_to_exit", "SystemExit: 3"), ("is_text", "'5', which is not a number"),
                           ("is_nan", "not a finite number"), ("is_infinite", "not a finite number"), ("is_none", "no value now"),
                           ("is_huge", "too large"), ("takes_two", "TypeError")):
            self.assertIn(part, found[name].get("missing", ""), name)

    def test_a_function_that_forks_answers_once(self):
        path = self.file("import os\ndef aa_forks(handle): os.fork(); return 1\n"
                         "def bb_fails(handle):\n    os.fork()\n    raise ValueError('of mine')\n"
                         "def cc_fine(handle): return 3\ndef dd_fine(handle): return 4\n")
        with Simulator() as flux, self.server(flux.uri, path) as server:
            for name, value in (("aa_forks", 1), ("cc_fine", 3), ("dd_fine", 4)):
                server.wait_number(name, value)
            self.assertIn("ValueError: of mine", server.metric("bb_fails").body.decode())
            self.assertNotIn("unasked", server.log())

    def test_what_an_exception_says_is_bounded_and_text(self):
        path = self.file("def fine(handle): return 1\ndef long_one(handle): raise ValueError('x' * 5_000_000)\n"
                         "def half(handle): raise ValueError('\\udc80 a half')\n")
        with Simulator() as flux:
            found = {each["name"]: each for each in self.get(flux.uri, files=[path])["metrics"]}
        self.assertIn("line 2: ValueError: xxx", found["long_one"]["missing"])
        self.assertIn("line 3: ValueError: ? a half", found["half"]["missing"])

    def test_the_program_does_not_wait_for_a_function_at_its_end(self):
        begun = self.folder / "begun"
        path = self.file(f"import time\ndef slow(handle):\n    open({str(begun)!r}, 'w').close()\n    time.sleep(1000)\n")
        with Simulator() as flux, self.server(flux.uri, path) as server:
            eventually(begun.exists, "the call")
            before = time.monotonic()
            server.process.terminate()
            server.process.wait(DEADLINE)
            self.assertLess(time.monotonic() - before, 4)

    def test_the_others_go_on_while_one_hangs(self):
        count = self.folder / "count"
        count.write_text("1")
        path = self.file(BAD.replace("return 3", f"return int(open({str(count)!r}).read())"))
        with Simulator() as flux, self.server(flux.uri, path) as server:
            server.wait_number("zz_fine", 1, deadline=DEADLINE * 2)
            for number in (2, 3):
                count.write_text(str(number))
                server.wait_number("zz_fine", number, deadline=DEADLINE * 2)
            self.assertEqual(server.metric("hangs").status, 503)
            # What it printed is in the log, but not all of it.
            server.wait_log("mine.py prints: noise 0")
            server.wait_log("which is not logged for a minute")
            self.assertLess(server.log().count("prints:"), 100)

    def test_no_zombie_and_no_orphan(self):
        path = self.file("import os\ndef leaves(handle): os._exit(7)\ndef fine(handle): return os.getpid()\n")
        with Simulator() as flux, self.server(flux.uri, path) as server:
            eventually(lambda: b"exit code 7" in server.metric("leaves").body, "the end of the first child")
            first = eventually(lambda: server.number("fine"), "a value")
            eventually(lambda: server.number("fine") not in (None, first), "another child")
            dead = [pid for pid, state in children_of(server.process.pid) if state == "Z"]  # one may end just now
            eventually(lambda: not any((pid, "Z") in children_of(server.process.pid) for pid in dead), "their end")
            children = [pid for pid, _ in children_of(server.process.pid)]
            server.kill()
            eventually(lambda: not any(_runs(pid) for pid in children), "the children's end")

    def test_no_value_without_flux(self):
        (self.folder / "bindings/flux/__init__.py").write_text(
            "import os\nclass Flux:\n    def __init__(self):\n"
            f"        if os.path.exists({str(self.folder / 'gone')!r}): raise OSError('no broker')\n")
        (self.folder / "gone").write_text("")
        path = self.file("def fine(handle): return 1\n")
        with Simulator() as flux, self.server(flux.uri, path) as server:
            eventually(lambda: b"Flux cannot be reached: no broker" in server.metric("fine").body, "the reason")
            (self.folder / "gone").unlink()
            server.wait_number("fine", 1)


def _runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    main()
