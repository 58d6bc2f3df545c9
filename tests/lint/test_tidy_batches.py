#!/usr/bin/env python3
"""How tools/lint.py groups files for clang-tidy, and what it does with a group that does not pass."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import lint  # noqa: E402


class Batches(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        for name, value in {"ROOT": root, "SRC": root / "src", "CACHE": root / "cache", "tidy": self.tidy}.items():
            self.addCleanup(setattr, lint, name, getattr(lint, name))
            setattr(lint, name, value)
        lint.CACHE.mkdir()
        self.asked = []
        self.complaints = {}  # of a set of file names: what clang-tidy says of it
        self.memory = lint.Memory("a test")

    def tidy(self, files):
        names = "".join(path.stem for path in files)
        self.asked.append(names)
        return names not in self.complaints, self.complaints.get(names, "")

    def write(self, name, text="\n"):
        path = lint.SRC / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def bad(self, files):
        with contextlib.redirect_stdout(io.StringIO()):
            return [path.stem for path in lint.tidy_batch(files, self.memory)]

    def test_names_that_clash_are_apart(self):
        a, b = (self.write(f"one/{name}.cpp", "int count(int x) { return x; }\n") for name in "ab")
        c = self.write("two/c.cpp", "int count(int x) { return x; }\n")  # another room, another namespace
        self.assertEqual(lint.batches([a, b, c]), [[a, c], [b]])

    def test_types_that_clash_are_apart(self):
        a, b, c = (self.write(f"one/{name}.cpp", text) for name, text in {
            "a": "enum class Kind : std::uint8_t { one };\n", "b": "class Kind {\n};\n",
            "c": "struct Other final : Kind {};\nvoid use(Kind kind) {}\n"}.items())
        self.assertEqual(lint.batches([a, b, c]), [[a, c], [b]])

    def test_about_so_many_lines(self):
        files = [self.write(f"one/{name}.cpp", "\n" * 100) for name in "abcdefgh"]
        self.assertEqual([len(group) for group in lint.batches(files, lines=400)], [4, 4])
        self.assertEqual([len(group) for group in lint.batches(files, lines=10000)], [8])

    def test_batch_that_passes_is_remembered(self):
        files = [self.write(f"one/{name}.cpp", name) for name in "ab"]
        self.assertEqual(self.bad(files), [])
        self.assertEqual(self.asked, ["ab"])
        self.assertEqual(self.memory.fresh(files), [])
        files[1].write_text("changed", encoding="utf-8")
        self.assertEqual(self.memory.fresh(files), files[1:])

    def test_who_is_named_is_asked_alone(self):
        files = [self.write(f"one/{name}.cpp", name) for name in "abcd"]
        line = f"{files[1]}:1:2: error: use nullptr [modernize-use-nullptr,-warnings-as-errors]\n"
        self.complaints = {"abcd": line + line.replace("b.cpp", "c.cpp"), "b": line}
        self.assertEqual(self.bad(files), ["b"])
        self.assertEqual(self.asked, ["abcd", "b", "c"])
        self.assertEqual(self.memory.fresh(files), files[1:2])

    def test_header_that_is_named(self):
        self.write("one/x.hpp")
        files = [self.write("one/a.cpp", "a"), self.write("one/b.cpp", '#include "one/x.hpp"\n')]
        line = f"{lint.SRC / 'one/x.hpp'}:1:2: error: use nullptr [modernize-use-nullptr,-warnings-as-errors]\n"
        self.complaints = {"ab": line, "b": line}
        self.assertEqual(self.bad(files), ["b"])

    def test_batch_that_does_not_compile_is_halved(self):
        files = [self.write(f"one/{name}.cpp", name) for name in "abcd"]
        line = f"{files[2]}:1:2: error: redefinition of 'x' [clang-diagnostic-error]\n"
        self.complaints = {"abcd": line, "cd": line}
        self.assertEqual(self.bad(files), [])
        self.assertEqual(self.asked, ["abcd", "ab", "cd", "c", "d"])
        self.complaints["d"] = line
        files[3].write_text("changed", encoding="utf-8")
        self.assertEqual(self.bad(files[3:]), ["d"])

    def test_failure_that_names_nobody(self):
        files = [self.write(f"one/{name}.cpp", name) for name in "ab"]
        self.complaints = {"ab": "Segmentation fault", "a": "Segmentation fault"}
        self.assertEqual(self.bad(files), ["a"])


if __name__ == "__main__":
    unittest.main()
