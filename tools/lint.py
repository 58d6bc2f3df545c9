#!/usr/bin/env python3
"""The lint gate: tools/lint.py check | format | sources (tools/lint.sh sets the machine up and calls it).

What is linted: the format of all C and C++ files; clang-tidy over the .cpp files of src (headers through them);
that each header of src compiles alone (headers.py); the rules of tests/lint; the syntax of Python and shell scripts.
Apart from that, `sources`: that each .cpp file of src compiles alone, as most builds compile several at once.
clang-tidy's and the compiler's results are remembered in the user's cache by the content of the file, of every header
of src that it reaches, and of the tools' settings: a second run costs seconds, in a clean checkout too.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

import headers

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "lint"))
import rooms  # noqa: E402

SRC = ROOT / "src"
BUILD = ROOT / "build" / "lint"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "flux-metrics-api" / "lint"
KEPT_DAYS = 30
# Those of cmake/Options.cmake that decide what is compiled; which warnings are errors is the build's matter.
FLAGS = ["-std=c++23", '-DFLUXMETRICS_VERSION="lint"', "-DBOOST_ASIO_SEPARATE_COMPILATION",
         "-DBOOST_ASIO_NO_DEPRECATED", "-DBOOST_BEAST_SEPARATE_COMPILATION"]


def run(command, **options):
    """Runs a command quietly; returns (succeeded, what it said)."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **options)
    return done.returncode == 0, done.stdout


def cxx_files(*folders):
    return sorted(path for folder in folders for pattern in ("*.hpp", "*.cpp", "*.h", "*.c")
                  for path in (ROOT / folder).rglob(pattern) if "data" not in path.relative_to(ROOT).parts)


def reached(path, seen=None):
    """The file and all headers of src that it includes, directly or not."""
    seen = {} if seen is None else seen
    if path in seen or not path.is_file():
        return seen
    seen[path] = path.read_bytes()
    for bracket, name in headers.INCLUDE.findall(seen[path].decode(errors="replace")):
        if bracket == '"':
            reached(SRC / name, seen)
    return seen


class Memory:
    """Which files have passed a check: a stamp in the cache for each content and setting."""

    def __init__(self, *settings):
        self.settings = "\n".join(settings).encode()

    def stamp(self, path):
        digest = hashlib.sha256(self.settings)
        for name, content in sorted(reached(path).items()):
            digest.update(f"{name.relative_to(ROOT)} {len(content)} ".encode())
            digest.update(content)
        return CACHE / digest.hexdigest()

    def keep(self, path):
        self.stamp(path).touch()

    def fresh(self, files):
        """Those of the files that have not passed yet."""
        stamps = {path: self.stamp(path) for path in files}
        for stamp in stamps.values():
            if stamp.exists():
                stamp.touch()
        return [path for path, stamp in stamps.items() if not stamp.exists()]


def forget_old_stamps():
    for stamp in CACHE.iterdir():
        if stamp.stat().st_mtime < time.time() - KEPT_DAYS * 86400:
            stamp.unlink(missing_ok=True)


def say(what, path, output):
    print(f"--- {what}: {path.relative_to(ROOT)}\n{output.rstrip()}", flush=True)


def check_alone(what, files, chained=True):
    begin = time.monotonic()
    compiler = ["g++", *FLAGS, "-Wall", "-Wextra", "-Werror", "-Winvalid-pch",
                "--param", "ggc-min-heapsize=1000000"]  # as in cmake/Options.cmake
    if not chained:
        compiler.append("-Wno-subobject-linkage")  # GCC takes whatever is not in the main file for a header
    memory = Memory(what, run(["g++", "--version"])[1], shlex.join(compiler))
    fresh = memory.fresh(files)
    good = True
    for path, output in headers.Headers(SRC, compiler, BUILD).check(fresh, chained).items():
        if output:
            good = False
            say(what, path, output)
        else:
            memory.keep(path)
    report(what, good, begin, f"{len(files)} files, {len(fresh)} not remembered")
    return good


# A name defined at the left margin: what may clash when several files are one translation unit.
DEFINED = re.compile(r"^(?:(?:enum )?(?:class|struct|enum|union) (?!class|struct)(\w+)"
                     r"|(?![}#/ ]|namespace|template|using namespace)[^(={;\n]*?(\w+)\s*(?:[({=;]|$))", re.M)


def batches(files, lines=10000):
    """The files in groups that are compiled as one: about `lines` long, of files whose own names do not clash (as far
    as the text tells)."""
    texts = {path: path.read_text() for path in files}
    groups = [([], set()) for _ in range(round(sum(text.count("\n") for text in texts.values()) / lines) or 1)]
    for path in files:
        names = {(path.parent, "".join(name)) for name in DEFINED.findall(texts[path])}
        fitting = [group for group in groups if not names & group[1]]
        if not fitting:
            fitting = [([], set())]
            groups += fitting
        length = lambda group: sum(texts[member].count("\n") for member in group[0])
        # The first with room for it, since neighbours share headers; else the shortest.
        members, taken = next((group for group in fitting if length(group) < lines), min(fitting, key=length))
        members.append(path)
        taken |= names
    return [members for members, _ in groups if members]


DIAGNOSTIC = re.compile(r"^(/[^:\n]+):\d+:\d+: (?:warning|error): ", re.M)


def tidy(files):
    """clang-tidy over several files as one translation unit: (passed?, what it said)."""
    unit = files[0]
    if len(files) > 1:
        unit = BUILD / f"{files[0].parent.name}-{files[0].stem}-{len(files)}.cpp"
        unit.write_text("".join(f'#include "{path}"\n' for path in files))
    return run(["clang-tidy-19", "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
                *(["--checks=-bugprone-suspicious-include"] if len(files) > 1 else []), unit, "--", f"-I{SRC}", *FLAGS])


def tidy_batch(files, memory):
    """The files of a batch that do not pass. Most of clang-tidy's time goes into the headers that files share; but what
    it says of a batch may be the batch's fault: a file that it names is checked alone, and only that result counts."""
    passed, output = tidy(files)
    named = set(map(pathlib.Path, DIAGNOSTIC.findall(output)))
    if passed:
        suspects = []
    elif len(files) == 1:
        say("clang-tidy", files[0], output)
        return files
    elif not named or "[clang-diagnostic-error" in output:  # these do not compile together
        half = len(files) // 2
        return tidy_batch(files[:half], memory) + tidy_batch(files[half:], memory)
    else:
        suspects = {next((path for path in files if name in reached(path)), files[0]) for name in named}
    for path in files:
        if path not in suspects:
            memory.keep(path)
    return sum((tidy_batch([path], memory) for path in sorted(suspects)), [])


def check_tidy(files):
    begin = time.monotonic()
    memory = Memory("clang-tidy", run(["clang-tidy-19", "--version"])[1], (ROOT / ".clang-tidy").read_text(),
                    shlex.join(FLAGS))
    fresh = memory.fresh(files)
    # Files of one room, and of those below it, share most headers.
    reach, _ = rooms.rooms_of((SRC / "CMakeLists.txt").read_text())
    groups = batches(sorted(fresh, key=lambda path: (len(reach.get(path.parent.name, ())), path)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        bad = sum(pool.map(lambda group: tidy_batch(group, memory), groups), [])
    report("clang-tidy", not bad, begin, f"{len(files)} files, {len(fresh)} not remembered, in {len(groups)} batches")
    return not bad


def report(what, good, begin, note):
    print(f"lint: {what}: {'ok' if good else 'FAILED'} in {time.monotonic() - begin:.0f} s ({note})", flush=True)


def simple(what, commands, note):
    begin = time.monotonic()
    good = True
    for command in commands:
        ok, output = run(command)
        if not ok:
            good = False
            print(f"--- {what}: {shlex.join(map(str, command))}\n{output.rstrip()}", flush=True)
    report(what, good, begin, note)
    return good


def check_scripts():
    begin = time.monotonic()
    python = [path for path in ROOT.rglob("*.py") if "build" not in path.relative_to(ROOT).parts]
    good = True
    for path in python:
        try:
            compile(path.read_text(encoding="utf-8"), str(path), "exec")
        except SyntaxError as error:
            good = False
            print(f"--- scripts: {error}")
    shell = [*ROOT.glob("tools/*.sh"), ROOT / ".ci" / "run"]
    for path in shell:
        ok, output = run(["bash", "-n", path])
        if not ok:
            good = False
            print(f"--- scripts: {output.rstrip()}")
    report("scripts", good, begin, f"{len(python)} Python, {len(shell)} shell")
    return good


def check_format(files):
    begin = time.monotonic()
    _, output = run(["clang-format-19", "--dry-run", "--Werror", "--ferror-limit=1",
                     *(path.relative_to(ROOT) for path in files)])
    # One line a file; `make format` shows and mends the rest.
    bad = sorted({line.split(":")[0] for line in output.splitlines() if "clang-format-violations" in line})
    for name in bad:
        print(f"--- format: {name} is not as clang-format-19 writes it: make format")
    if not bad and output.strip():
        bad = [output]
        print(f"--- format: {output.rstrip()}")
    report("format", not bad, begin, f"{len(files)} files of src and tests")
    return not bad


def main(action):
    cxx = cxx_files("src", "tests")
    if action == "format":
        return 0 if simple("format", [["clang-format-19", "-i", *cxx]], f"{len(cxx)} files") else 1
    CACHE.mkdir(parents=True, exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    sources = sorted(SRC.rglob("*.cpp"))
    if action == "sources":
        # The broker module's bridge needs flux-core's headers.
        return 0 if check_alone("sources", [path for path in sources if path.name != "bridge.cpp"], False) else 1
    results = [
        simple("rooms", [[sys.executable, "-B", path, ROOT] for path in sorted(ROOT.glob("tests/lint/*.py"))
                         if not path.name.startswith("test_")], "the rules of the tree"),
        check_scripts(),
        check_format(cxx),
        check_alone("headers", sorted(SRC.rglob("*.hpp"))),
        check_tidy(sources),
    ]
    forget_old_stamps()
    return 0 if all(results) else 1


if __name__ == "__main__":
    if sys.argv[1:] not in (["check"], ["format"], ["sources"]):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
