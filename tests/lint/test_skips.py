#!/usr/bin/env python3
"""What suites print, and what tools/skips.py must find in it."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest
from xml.sax.saxutils import escape

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import skips  # noqa: E402

GTEST = """[ RUN      ] Server.Serves
[       OK ] Server.Serves (3 ms)
[ RUN      ] Server.KnowsItsOwnHost
/x/server_test.cpp:375: Skipped
no IPv6 here,
nor there

[  SKIPPED ] Server.KnowsItsOwnHost (0 ms)
[ RUN      ] Sizes/Fits.Well/0
/x/fits_test.cpp:3: Skipped


[  SKIPPED ] Sizes/Fits.Well/0, where GetParam() = 4 (2 ms)
[----------] 2 tests from Server (3 ms total)

[  PASSED  ] 1 test.
[  SKIPPED ] 2 tests, listed below:
[  SKIPPED ] Server.KnowsItsOwnHost
[  SKIPPED ] Sizes/Fits.Well/0, where GetParam() = 4
"""
UNITTEST = """test_a (__main__.Peers.test_a) ... skipped 'no ip: command here'
test_b (__main__.Peers.test_b) ... ok

OK (skipped=1)
SKIPPED: Peers.test_a: no ip: command here
"""


def junit(*tests):
    cases = "".join(f'<testcase name="{name}" status="{status}">{extra}'
                    f'<system-out>{escape(output)}</system-out></testcase>' for name, status, extra, output in tests)
    return f'<?xml version="1.0"?><testsuite name="x">{cases}</testsuite>'


class Finding(unittest.TestCase):
    def test_googletest(self):
        self.assertEqual(skips.in_text(GTEST), [("Server.KnowsItsOwnHost", "no IPv6 here, nor there"),
                                                ("Sizes/Fits.Well/0", "no reason")])

    def test_lines(self):
        self.assertEqual(skips.in_text(UNITTEST), [("Peers.test_a", "no ip: command here")])
        self.assertEqual(skips.in_text("it said SKIPPED: x: y\nSKIPPED: e2e: there is no go on PATH: Go 1.26\n"),
                         [("e2e", "there is no go on PATH: Go 1.26")])

    def test_unittest_that_does_not_say_which(self):
        self.assertEqual(skips.in_text("..s\nOK (skipped=1)\n"),
                         [("unittest", "1 tests are skipped, of which 0 say why")])
        self.assertEqual(len(skips.in_text("FAILED (failures=1, skipped=2)\nSKIPPED: a: b\n")), 2)

    def test_two_runs_of_unittest_in_one_log(self):
        self.assertEqual(len(skips.in_text(UNITTEST + "OK (skipped=2)\nSKIPPED: c: d\nSKIPPED: e: f\n")), 3)
        self.assertEqual(len(skips.in_text(UNITTEST + "OK (skipped=1)\n")), 2, "the second run keeps one to itself")

    def test_junit(self):
        text = junit(("http", "run", "", GTEST), ("blackbox.start", "run", "", UNITTEST), ("base", "run", "", "fine"),
                     ("gone", "notrun", '<skipped message="Unable to find executable"/>', ""),
                     ("off", "disabled", "", ""))
        self.assertEqual(skips.in_junit(text), [
            ("http.Server.KnowsItsOwnHost", "no IPv6 here, nor there"), ("http.Sizes/Fits.Well/0", "no reason"),
            ("blackbox.start.Peers.test_a", "no ip: command here"), ("gone", "not run: Unable to find executable"),
            ("off", "disabled")])


class Judging(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_with(self, expected, **logs):
        (self.folder / "skips.txt").write_text(expected, encoding="utf-8")
        arguments = []
        for suite, text in logs.items():
            path = self.folder / (f"{suite}.xml" if text.startswith("<?xml") else f"{suite}.log")
            path.write_text(text, encoding="utf-8")
            arguments.append(f"{suite}={path}")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = skips.main(arguments, self.folder / "skips.txt")
        return code, said.getvalue()

    def test_nothing_skipped(self):
        self.assertEqual(self.run_with("a | b | c | never happens\n", release=junit(("x", "run", "", "ok"))),
                         (0, "skips: none\n"))

    def test_expected(self):
        code, said = self.run_with("# a comment\n\n* | blackbox.*.Peers.* | no *: command here | a bare machine\n",
                                   release=junit(("blackbox.start", "run", "", UNITTEST)))
        self.assertEqual(code, 0, said)
        self.assertIn("release: blackbox.start.Peers.test_a: no ip: command here (expected: a bare machine)", said)

    def test_another_suite_test_or_reason_is_not_expected(self):
        for line in ("asan | Peers.* | no ip* | x", "release | Peers | no ip* | x", "release | Peers.* | ip* | x"):
            code, said = self.run_with(line, release=UNITTEST)
            self.assertEqual(code, 1, line)
            self.assertIn("NOT EXPECTED", said)

    def test_log_that_is_missing(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            (self.folder / "skips.txt").write_text("", encoding="utf-8")
            self.assertEqual(skips.main([f"tsan={self.folder}/none.xml"], self.folder / "skips.txt"), 1)
        self.assertIn("tsan: UNKNOWN", said.getvalue())

    def test_line_without_a_why(self):
        for line in ("release | a | b", "release | a | b | "):
            with self.assertRaises(ValueError):
                self.run_with(line)

    def test_the_list_of_this_tree_is_well_formed(self):
        self.assertGreater(len(skips.expected_ones(skips.LIST.read_text(encoding="utf-8"))), 3)


if __name__ == "__main__":
    unittest.main()
