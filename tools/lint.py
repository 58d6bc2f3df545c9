#!/usr/bin/env python3
"""The lint gate: tools/lint.py check | format (tools/lint.sh sets the machine up and calls it).

What is linted: the format of all C and C++ files; clang-tidy over the .cpp files of src (headers through them);
the broker module's files too, where there is a flux-core;
that each header of src compiles alone; the rules of tests/lint; the syntax of Python and shell scripts.
clang-tidy and header results are remembered in build/lint by the content of the file, of every header of src
that it reaches, and of the tools' settings: a second run costs seconds.
"""
import concurrent.futures
import hashlib
import json
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
    return sorted(path for folder in folders for pattern in ("*.hpp", "*.cpp", "*.h", "*.c")
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
            _, _, seconds = job.result()
            fresh += seconds > 0
            if seconds > slowest:
                slowest, slowest_name = seconds, str(jobs[job].relative_to(ROOT))
            good &= say_if_bad(what, jobs[job], job.result())
    note = f", slowest {slowest_name} {slowest:.0f} s" if slowest >= 1 else ""
    report(what, good, begin, f"{len(files)} files, {int(fresh)} not remembered{note}")
    return good


# A name defined at the left margin: what may clash when several files are one translation unit.
DEFINED = re.compile(r"^(?![}#/ ]|namespace|template|using namespace)[^(={;\n]*?(\w+)\s*(?:[({=;]|$)", re.M)


def batches(files, most=10):
    """The files in groups of one room whose own names do not clash (as far as the text tells)."""
    groups = []
    for path in files:
        names = set(DEFINED.findall(path.read_text()))
        for room, members, taken in groups:
            if room == path.parent and len(members) < most and not names & taken:
                members.append(path)
                taken |= names
                break
        else:
            groups.append((path.parent, [path], names))
    return [members for _, members, _ in groups]


def tidy_batch(files, settings, flags):
    """clang-tidy over several files as one translation unit: nine tenths of its time go into the headers they share.
    A batch that does not pass is asked file by file, and only that answer counts."""
    if len(files) > 1:
        unit = CACHE / f"{files[0].parent.name}-{files[0].stem}.cpp"
        unit.write_text("".join(f'#include "{path}"\n' for path in files))
        ok, _ = run(["clang-tidy-19", "--quiet", "--checks=-bugprone-suspicious-include", unit, "--",
                     *flags, "-Wno-unknown-warning-option"])
        if ok:
            for path in files:
                (CACHE / fingerprint(path, *settings)).touch()
            return []
    return [path for path in files
            if not say_if_bad("clang-tidy", path,
                              remembered(path, settings, ["clang-tidy-19", "--quiet", "-p", "build/dev", path]))]


def say_if_bad(what, path, result):
    ok, output, _ = result
    if not ok:
        print(f"--- {what}: {path.relative_to(ROOT)}\n{output.rstrip()}", flush=True)
    return ok


def check_tidy(files, settings):
    begin = time.monotonic()
    flags = {}
    for entry in json.loads((ROOT / "build/dev/compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        flags[pathlib.Path(entry["file"])] = [word for word in words if re.match("-[DIWfs]", word)]
    fresh = [path for path in files if not (CACHE / fingerprint(path, *settings)).exists()]
    groups = sorted(batches(fresh), key=len, reverse=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        bad = sum(pool.map(lambda group: tidy_batch(group, settings, flags[group[0]]), groups), [])
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
        check_tidy(sorted(SRC.rglob("*.cpp")), tidy_settings()),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    if sys.argv[1:] not in (["check"], ["format"]):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
