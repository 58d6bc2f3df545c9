#!/usr/bin/env python3
"""Writes the tables of docs/metrics.md and docs/prometheus.md anew: tools/catalogue.py PROGRAM.

They are what `PROGRAM get --catalogue -o markdown` prints; tests compare them.
"""
import pathlib
import re
import subprocess
import sys

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
# A table is known by its head; the second one of the same head comes second.
PLACES = (("metrics.md", 0), ("prometheus.md", 0), ("prometheus.md", 1))


def main():
    if len(sys.argv) != 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    done = subprocess.run([sys.argv[1], "get", "--catalogue", "-o", "markdown"], text=True, capture_output=True, check=True)
    for (name, place), table in zip(PLACES, done.stdout.split("\n\n"), strict=True):
        table = table.rstrip("\n") + "\n"
        head = re.escape(table.splitlines()[0])
        path = DOCS / name
        text = path.read_text(encoding="utf-8")
        found = list(re.finditer(rf"^{head}\n(?:\|.*\n)+", text, re.M))
        if place >= len(found):
            print(f"tools/catalogue.py: docs/{name} has no table {place + 1} with the head {table.splitlines()[0]}", file=sys.stderr)
            return 1
        path.write_text(text[:found[place].start()] + table + text[found[place].end():], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
