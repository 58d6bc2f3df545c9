#!/usr/bin/env python3
"""Small headers, good and bad, and what tools/headers.py must say of each: a precompiled header must hide nothing."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import headers  # noqa: E402

WITH_VECTOR = "#pragma once\n#include <vector>\ninline std::vector<int> %s() { return {}; }\n"


class StandAlone(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.src = self.folder / "src"

    def write(self, name, text):
        path = self.src / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def bad(self, pattern="*.hpp", chained=True):
        """The names of those that do not stand alone."""
        compiler = ["g++", "-std=c++23", "-Wall", "-Werror", "-Winvalid-pch"]
        self.checked = headers.Headers(self.src, compiler, self.folder / "build")
        said = self.checked.check(sorted(self.src.rglob(pattern)), chained)
        return {path.relative_to(self.src).as_posix() for path, output in said.items() if output}

    def test_missing_standard_header_that_most_others_include(self):
        for name in "abcd":
            self.write(f"one/{name}.hpp", WITH_VECTOR % name)
        self.write("one/lacks.hpp", "#pragma once\n#include <cstddef>\ninline std::vector<std::size_t> lacks();\n")
        self.assertEqual(self.bad(), {"one/lacks.hpp"})
        self.assertTrue(list((self.folder / "build").glob("*.gch")), "something was precompiled")

    def test_missing_header_of_ours(self):
        self.write("one/a.hpp", "#pragma once\n#include <vector>\nstruct A { std::vector<int> x; };\n")
        self.write("one/b.hpp", '#pragma once\n#include <vector>\n#include "one/a.hpp"\nstruct B { A a; };\n')
        self.write("two/lacks.hpp", "#pragma once\n#include <vector>\nstruct C { A a; };\n")
        self.assertEqual(self.bad(), {"two/lacks.hpp"})

    def test_what_another_header_of_ours_brings_is_there(self):
        self.write("one/a.hpp", WITH_VECTOR % "a")
        self.write("one/b.hpp", '#pragma once\n#include "one/a.hpp"\ninline std::vector<int> b() { return a(); }\n')
        self.assertEqual(self.bad(), set())

    def test_one_that_fails_does_not_hide_the_others_of_its_chain(self):
        self.write("one/a.hpp", "#pragma once\n#include <vector>\nstruct A { std::vector<int> x; };\n")
        self.write("one/b.hpp", '#pragma once\n#include "one/a.hpp"\nstruct B { Lacks a; };\n')
        self.write("one/c.hpp", '#pragma once\n#include <map>\n#include "one/a.hpp"\nstruct C { A x; };\n')
        self.write("one/d.hpp", '#pragma once\n#include "one/c.hpp"\nstruct D { B b; };\n')
        self.assertEqual(self.bad(), {"one/b.hpp", "one/d.hpp"})
        chains = self.checked.chains(sorted(self.src.rglob("*.hpp")))
        self.assertEqual([[path.stem for path in chain] for chain in chains], [["a", "b"], ["c", "d"]])

    def test_headers_without_any_include(self):
        self.write("one/a.hpp", "#pragma once\nstruct A {};\n")
        self.write("one/lacks.hpp", "#pragma once\nstruct B { A a; };\n")
        self.assertEqual(self.bad(), {"one/lacks.hpp"})

    def test_warning_is_an_error(self):
        self.write("one/a.hpp", "#pragma once\ninline int a(unsigned x) { int unused; return x > 0; }\n")
        self.assertEqual(self.bad(), {"one/a.hpp"})

    def test_sources_whose_names_clash(self):
        source = "#include <vector>\nnamespace { int size() { return 1; } }\nint %s() { return size(); }\n"
        for name in "abc":
            self.write(f"one/{name}.cpp", source % name)
        self.write("one/lacks.cpp", "namespace { std::vector<int> all; }\nauto lacks() { return all.size(); }\n")
        self.assertEqual(self.bad("*.cpp", chained=False), {"one/lacks.cpp"})

    def test_header_that_is_not_there(self):
        self.write("one/a.hpp", "#pragma once\n#include <no/such/header.hpp>\n")
        self.assertEqual(self.bad(), {"one/a.hpp"})


if __name__ == "__main__":
    unittest.main()
