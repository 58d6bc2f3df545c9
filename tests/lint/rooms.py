#!/usr/bin/env python3
"""The rules of the tree that no compiler knows: rooms.py [TREE]. One line a broken rule; exit 1 when there is one.

1. a file of src/ includes only the rooms that src/CMakeLists.txt lets its room use (directly or through another);
2. units (a header and its source) do not include each other in a circle;
3. at most five units of a room share a prefix, the word before the first "_" of their names: more want a room;
4. a source includes the header of its name first, so that compiling it proves that the header stands alone;
5. the headers that are slow to compile stay where they are few: see GUARDED;
6. no source file is longer than 600 lines;
7. no promises left in the text, and no path that exists on one machine only.
"""
import collections
import os
import pathlib
import re
import sys

MAX_LINES = 600
MAX_PREFIX = 5
ROOM = re.compile(r"^\s*fluxmetrics_room\(\s*(\w+)([^)]*)\)", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)

# what may be included, by how many .cpp files at most, of which room (never by a header)
GUARDED = [
    ("Beast and Asio's SSL", re.compile(r"boost/(beast|asio/ssl)(/|\.hpp)"), 3, "http"),
    ("CLI11", re.compile(r"CLI/"), 1, "commands"),
    ("libjq", re.compile(r"^j[qv]\.h$"), 1, "user"),
    ("spdlog", re.compile(r"spdlog/"), None, "base"),
]
# Written so that this file does not break its own rule.
PROMISES = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/(w[o]rk|r[o]ot|f[a]rm|h[o]me/\w+|opt/fl[u]x)(/|\b(?=[\s\"']))")
SKIPPED = {".git", "build", "__pycache__", ".cache"}


def rooms_of(text):
    """src/CMakeLists.txt -> {room: set of rooms it may include, itself too}."""
    direct = {}
    text = re.sub(r"#.*", "", text)
    for name, rest in ROOM.findall(text):
        words = rest.split()
        used = words[words.index("ROOMS") + 1:] if "ROOMS" in words else []
        direct[name] = set(used[:used.index("LIBS")] if "LIBS" in used else used)
    unknown = sorted(set().union(*direct.values()) - direct.keys()) if direct else []
    closed = {}
    for name in direct:
        reach, queue = {name}, [name]
        while queue:
            for other in direct.get(queue.pop(), ()):
                if other not in reach:
                    reach.add(other)
                    queue.append(other)
        closed[name] = reach
    return closed, unknown


def includes(path):
    """(line number, quoted?, name) of each include."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1] == '"', match[2]


def source_files(*folders):
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".h", ".cc", ".hh") and path.is_file():
                yield path


def check_rooms(tree, complain):
    src = tree / "src"
    table = src / "CMakeLists.txt"
    if not table.is_file():
        complain(table, 0, "there is no table of rooms")
        return
    rooms, unknown = rooms_of(table.read_text(encoding="utf-8"))
    if not rooms:
        complain(table, 0, "the table of rooms is empty: no fluxmetrics_room(...) was understood")
    for name in unknown:
        complain(table, 0, f"a room uses '{name}', which is no room")
    folders = {path.name for path in src.iterdir() if path.is_dir()}
    for name in sorted(folders - rooms.keys()):
        complain(src / name, 0, f"the directory '{name}' is no room: add it to src/CMakeLists.txt")
    for path in source_files(src):
        parts = path.relative_to(src).parts
        room = parts[0]
        if len(parts) == 1:
            complain(path, 0, "a source file lives in a room, not in src itself")
            continue
        if room not in rooms:
            continue
        for line, quoted, name in includes(path):
            if not quoted:
                continue
            other = name.split("/")[0]
            if "/" not in name or other.startswith("."):
                complain(path, line, f'write "{name}" as "ROOM/..."')
            elif other not in folders:
                complain(path, line, f'"{name}" is in no room')
            elif other not in rooms[room]:
                complain(path, line, f"room '{room}' may not use room '{other}' (src/CMakeLists.txt)")


def units_of(src):
    """{unit, as "room/name": {unit that it includes: (file, line) of the first include}}."""
    units = collections.defaultdict(dict)
    for path in source_files(src):
        unit = path.relative_to(src).with_suffix("").as_posix()
        for line, quoted, name in includes(path):
            other = name.rpartition(".")[0]
            if quoted and other != unit:
                units[unit].setdefault(other, (path, line))
        units[unit]  # also without an include
    return units


def circles(units):
    """The sets of more than one unit that all reach each other."""
    reached = {}
    for unit in units:
        reached[unit], queue = set(), [unit]
        while queue:
            fresh = [other for other in units[queue.pop()] if other in units and other not in reached[unit]]
            reached[unit].update(fresh)
            queue += fresh
    found = {frozenset(other for other in reached[unit] if unit in reached[other]) for unit in units}
    return sorted(sorted(circle) for circle in found if circle)


def check_units(tree, complain):
    src = tree / "src"
    units = units_of(src)
    for circle in circles(units):
        first = circle[0]
        part = next(unit for unit in circle if first in units[unit])
        complain(*units[part][first], f"{first} includes {part} too, directly or not: a circle of {', '.join(circle)}")
    sharing = collections.defaultdict(list)
    for unit in sorted(units):
        room, _, name = unit.rpartition("/")
        if "_" in name:
            sharing[room, name.split("_")[0]].append(name)
    for (room, prefix), names in sharing.items():
        if len(names) > MAX_PREFIX:
            complain(src / room, 0, f"{len(names)} units begin with '{prefix}_', {MAX_PREFIX} is the most: "
                                    f"give them a room ({', '.join(names)})")


def header_of(source):
    """The header of a source's own name, None without one."""
    return next((path for path in (source.with_suffix(".hpp"), source.with_suffix(".h")) if path.is_file()), None)


def check_own_headers(tree, complain):
    src = tree / "src"
    for source in sorted(src.rglob("*.cpp")):
        if header := header_of(source):
            wanted = header.relative_to(src).as_posix()
            line, _, name = next(includes(source), (0, True, None))
            if name != wanted:
                complain(source, line, f'include "{wanted}" first, so that it is known to stand alone')


def check_guarded(tree, complain):
    for what, pattern, limit, room in GUARDED:
        files = []
        for path in source_files(tree / "src", tree / "tests"):
            lines = [line for line, _, name in includes(path) if pattern.match(name)]
            if not lines:
                continue
            home = path.parent == tree / "src" / room
            if path.suffix in (".hpp", ".h", ".hh"):
                complain(path, lines[0], f"a header includes {what}: everything that includes it pays for it")
            elif not home:
                complain(path, lines[0], f"{what} may be included by .cpp files of src/{room} only")
            else:
                files.append(path)
        if limit is not None:
            for path in files[limit:]:
                complain(path, 0, f"{what} is included by {len(files)} files of src/{room}: {limit} is the most")


def check_lengths(tree, complain):
    for path in source_files(tree / "src", tree / "tests"):
        if "data" in path.relative_to(tree).parts:
            continue
        lines = path.read_bytes().count(b"\n")
        if lines > MAX_LINES:
            complain(path, lines, f"{lines} lines: split it, {MAX_LINES} is the most")


def texts(tree):
    for folder, subfolders, names in os.walk(tree):
        here = pathlib.Path(folder)
        subfolders[:] = sorted(name for name in subfolders if name not in SKIPPED
                               and (here / name) != tree / "tests" / "data")
        for name in sorted(names):
            if name.endswith((".pyc", ".png", ".pem", ".gz")) or name == ".git":  # .git is a file in a worktree
                continue
            path = here / name
            content = path.read_bytes() if path.is_file() else b""
            if b"\0" not in content:
                yield path, content.decode("utf-8", errors="replace")


def check_texts(tree, complain):
    for path, text in texts(tree):
        for number, line in enumerate(text.split("\n"), 1):
            if promise := PROMISES.search(line):
                complain(path, number, f"a promise is left in the tree: {promise[0]}")
            if place := MACHINE_PATHS.search(line):
                complain(path, number, f"{place[0].strip()} names a place of one machine")


def check(tree):
    """All complaints about a tree, as lines of text."""
    found = []

    def complain(path, line, sentence):
        found.append(f"{path.relative_to(tree)}{f':{line}' if line else ''}: {sentence}")

    for rule in (check_rooms, check_units, check_own_headers, check_guarded, check_lengths, check_texts):
        rule(tree, complain)
    return found


def main(arguments):
    tree = pathlib.Path(arguments[0] if arguments else ".").resolve()
    complaints = check(tree)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
