"""What people type besides the program itself."""
import pathlib
import re
import subprocess
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]


class EndToEnd(unittest.TestCase):
    def test_a_case_that_is_none_ends_with_the_names_that_are(self):
        done = subprocess.run([ROOT / "tools/e2e.sh", "hpa-article", "no-such-case"], text=True, capture_output=True,
                              timeout=harness.DEADLINE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        first, *names = done.stderr.splitlines()
        self.assertIn("no case has the name 'no-such-case'", first)
        cases = (ROOT / "tests/e2e/cases_test.go").read_text(encoding="utf-8")
        wanted = re.findall(r'^\t\{"([^"]+)", ', cases, re.M)
        self.assertGreater(len(wanted), 25)
        self.assertEqual([name.strip() for name in names], wanted)


if __name__ == "__main__":
    harness.main()
