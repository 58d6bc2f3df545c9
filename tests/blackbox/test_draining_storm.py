"""Shrinks under bursts of jobs, with pods that die late and servers that are killed: no job dies with `start --drain`,
and some do without. shrink_storm.py plays as many as one likes."""
import unittest

import harness
import shrink_storm


class Storm(unittest.TestCase):
    def test_no_job_dies_with_drains_and_some_do_without(self):
        for drain in (True, False):
            with self.subTest(drain=drain):
                found = shrink_storm.totals(shrink_storm.storm(worlds=4, shrinks=2, drain=drain, grace=6))
                self.assertGreaterEqual(found["shrinks"], 8)
                self.assertGreater(found["jobs"], 20)
                if drain:
                    self.assertEqual(found["killed"], 0)
                else:
                    self.assertGreater(found["killed"], 0, "a test that sees no job die proves nothing")


if __name__ == "__main__":
    harness.main()
