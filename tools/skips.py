#!/usr/bin/env python3
"""All that was skipped, with the reason: tools/skips.py SUITE=LOG... Exit 1 when a skip is not in tests/skips.txt.

A LOG is ctest's JUnit file (.xml), or what a suite printed. A skip is a line `SKIPPED: NAME: REASON`, what GoogleTest
prints for one, a test that ctest did not run, or a `skipped=N` of Python's unittest that more lines should stand for.
"""
import fnmatch
import pathlib
import re
import sys
import xml.etree.ElementTree

LIST = pathlib.Path(__file__).resolve().parent.parent / "tests" / "skips.txt"
LINE = re.compile(r"^SKIPPED: (.+?): (.*)$", re.M)
GTEST = re.compile(r"(?:: Skipped\n((?:(?!\[).*\n)*))?\[  SKIPPED \] (\S+?)(?:, .*)? \(\d+ ms\)$", re.M)
UNITTEST = re.compile(r"^(?:OK|FAILED) \(.*\bskipped=(\d+)", re.M)


def in_text(text, where=""):
    """(name, reason) of each skip in what a suite printed; `where` names a test of ctest."""
    prefix = f"{where}." if where else ""
    found = LINE.findall(text)
    count = sum(map(int, UNITTEST.findall(text)))
    if count > len(found):
        found.append(("unittest", f"{count} tests are skipped, of which {len(found)} say why"))
    found += [(name, " ".join(reason.split()) or "no reason") for reason, name in GTEST.findall(text)]
    return [(prefix + name, reason) for name, reason in found]


def in_junit(text):
    """The same for ctest's JUnit file: what did not run, and what the tests that ran printed."""
    found = []
    for test in xml.etree.ElementTree.fromstring(text).iter("testcase"):
        name = test.get("name")
        if test.get("status") in ("notrun", "disabled"):
            skipped = test.find("skipped")
            found.append((name, "disabled" if skipped is None else f"not run: {skipped.get('message')}"))
        found += in_text(test.findtext("system-out") or "", name)
    return found


def expected_ones(text):
    """[(suite, name, reason, why)]; the first three may have * and ?."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = [[field.strip() for field in line.split(" | ")] for line in lines]
    for line, row in zip(lines, rows):
        if len(row) != 4 or not all(row):
            raise ValueError(f"not 'SUITE | NAME | REASON | why': {line}")
    return rows


def judge(suite, skips, expected):
    """(name, reason, why it is expected or None) of each skip."""
    for skip in dict.fromkeys(skips):
        why = next((why for *patterns, why in expected
                    if all(map(fnmatch.fnmatchcase, (suite, *skip), patterns))), None)
        yield *skip, why


def main(arguments, expected=LIST):
    expected = expected_ones(expected.read_text(encoding="utf-8"))
    lines, bad = [], 0
    for argument in arguments:
        suite, _, name = argument.partition("=")
        path = pathlib.Path(name)
        if not path.is_file():
            bad += 1
            lines.append(f"{suite}: UNKNOWN, there is no {path}")
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for test, reason, why in judge(suite, (in_junit if path.suffix == ".xml" else in_text)(text), expected):
            bad += why is None
            lines.append(f"{suite}: {test}: {reason} ({f'expected: {why}' if why else 'NOT EXPECTED'})")
    print("skips:", "\n  ".join(["", *lines]) if lines else "none")
    if bad:
        print(f"{bad} not expected or unknown: let the test run here, or say in tests/skips.txt why it cannot")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
