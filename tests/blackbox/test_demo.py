"""The demo as a newcomer sees it: it succeeds by itself, and it fails when something is broken."""

import os
import subprocess
import time
import unittest

PROGRAM = os.environ["FLUX_METRICS_API"]


def run(*arguments):
    began = time.monotonic()
    done = subprocess.run([PROGRAM, "demo", *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout.splitlines(), time.monotonic() - began


class Demo(unittest.TestCase):
    def test_the_size_follows_the_queue(self):
        code, lines, took = run()
        self.assertEqual(code, 0, "\n".join(lines))
        self.assertIn("2 -> 4 -> 2", lines[-1])
        self.assertIn("none was killed", lines[-1])
        self.assertLess(took, 45)
        text = "\n".join(lines)
        drained, given_back = text.index("draining ranks 2-3"), text.index("size 4 -> 2")
        self.assertLess(drained, given_back, "first drained, then given back")

    def test_a_refused_port_is_a_failure(self):
        code, lines, _ = run("--inject", "server-refused")
        self.assertEqual(code, 1)
        self.assertIn("refused", lines[-1].lower())
        self.assertNotIn("2 -> 4 -> 2", lines[-1])

    def test_a_killed_job_is_a_failure(self):
        code, lines, _ = run("--inject", "job-killed")
        self.assertEqual(code, 1)
        self.assertIn("1 of 5 jobs did not end well", lines[-1])

    def test_an_unknown_fault_is_misuse(self):
        done = subprocess.run([PROGRAM, "demo", "--inject", "rain"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("server-refused", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()
