#!/usr/bin/env python3
"""The lint gate: tools/lint.py check | format (tools/lint.sh sets the machine up and calls it).

What is linted: the format of all C++ files; clang-tidy over the .cpp files of src (headers through them);
that each header of src compiles alone; the rules of tests/lint; the syntax of Python and shell scripts.
clang-tidy and header results are remembered in build/lint by the content of the file, of every header of src
that it reaches, and of the tools' settings: a second run costs seconds.
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
CACHE = ROOT / "build" / "lint"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def run(command, **options):
    """Runs a command quietly; returns (succeeded, what it said)."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **options)
    return done.returncode == 0, done.stdout


def cxx_files(*folders):
    return sorted(path for folder in folders for pattern in ("*.hpp", "*.cpp")
                  for path in (ROOT / folder).rglob(pattern) if "data" not in path.relative_to(ROOT).parts)


def reached(path, seen=None):
    """The file and all headers of src that it includes, directly or not."""
    seen = {} if seen is None else seen
    if path in seen or not path.is_file():
        return seen
    seen[path] = path.read_bytes()
    for name in INCLUDE.findall(seen[path].decode(errors="replace")):
        reached(SRC / name, seen)
    return seen


def fingerprint(path, *settings):
    digest = hashlib.sha256()
    for name, content in sorted(reached(path).items()):
        digest.update(f"{name.relative_to(ROOT)} {len(content)} ".encode())
        digest.update(content)
    for setting in settings:
        digest.update(setting.encode())
    return digest.hexdigest()


def remembered(path, settings, command):
    """Runs `command` over `path` unless the same content passed before; returns (ok, output, seconds)."""
    stamp = CACHE / fingerprint(path, *settings)
    if stamp.exists():
        return True, "", 0.0
    begin = time.monotonic()
    ok, output = run(command)
    if ok:
        stamp.touch()
    return ok, output, time.monotonic() - begin


def over_files(what, files, settings, command_for):
    """One check over many files, on all cores; returns whether all passed."""
    begin = time.monotonic()
    fresh = slowest = 0.0
    slowest_name = ""
    good = True
    # Large files first, so that the last one does not run alone.
    files = sorted(files, key=lambda path: -path.stat().st_size)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        jobs = {pool.submit(remembered, path, settings, command_for(path)): path for path in files}
        for job in concurrent.futures.as_completed(jobs):
            ok, output, seconds = job.result()
            fresh += seconds > 0
            if seconds > slowest:
                slowest, slowest_name = seconds, str(jobs[job].relative_to(ROOT))
            if not ok:
                good = False
                print(f"--- {what}: {jobs[job].relative_to(ROOT)}\n{output.rstrip()}", flush=True)
    note = f", slowest {slowest_name} {slowest:.0f} s" if slowest >= 1 else ""
    report(what, good, begin, f"{len(files)} files, {int(fresh)} not remembered{note}")
    return good


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


def tidy_settings():
    _, version = run(["clang-tidy-19", "--version"])
    return [version, (ROOT / ".clang-tidy").read_text(), (ROOT / "cmake" / "Options.cmake").read_text(),
            (ROOT / "src" / "CMakeLists.txt").read_text(), (ROOT / "CMakePresets.json").read_text()]


def main(action):
    cxx = cxx_files("src", "tests")
    if action == "format":
        return 0 if simple("format", [["clang-format-19", "-i", *cxx]], f"{len(cxx)} files") else 1
    CACHE.mkdir(parents=True, exist_ok=True)
    compiler = ["g++", "-std=c++23", "-fsyntax-only", "-x", "c++", "-Wall", "-Wextra", "-Werror", "-Isrc",
                '-DFLUXMETRICS_VERSION="lint"', "-DBOOST_ASIO_SEPARATE_COMPILATION", "-DBOOST_ASIO_NO_DEPRECATED",
                "-DBOOST_BEAST_SEPARATE_COMPILATION"]
    alone = lambda path: [*compiler, "-include", path.relative_to(SRC).as_posix(), os.devnull]
    results = [
        simple("rooms", [[sys.executable, "-B", path, ROOT] for path in sorted(ROOT.glob("tests/lint/*.py"))
                         if not path.name.startswith("test_")], "the rules of the tree"),
        check_scripts(),
        check_format(cxx),
        over_files("headers", sorted(SRC.rglob("*.hpp")), [shlex.join(compiler)], alone),
        over_files("clang-tidy", sorted(SRC.rglob("*.cpp")), tidy_settings(),
                   lambda path: ["clang-tidy-19", "--quiet", "-p", "build/dev", path]),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    if sys.argv[1:] not in (["check"], ["format"]):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
