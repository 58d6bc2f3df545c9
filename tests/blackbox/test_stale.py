"""A broker that dies or falls silent: old values with their own timestamp for a while, then 503, never a zero."""
import os
import signal
import time
import unittest

import harness

STALENESS = 4


class Stale(unittest.TestCase):
    def gone(self, server):
        """Waits until the metric is 503; returns the last answer before it and how long values were served."""
        begin, last = time.monotonic(), None
        while True:
            answer = server.metric("node_up_count")
            if answer.status == 503:
                return last, answer, time.monotonic() - begin
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.value()["value"], "2")
            last = answer
            self.assertLess(time.monotonic() - begin, harness.DEADLINE + STALENESS, "the broker is gone for long")
            time.sleep(0.05)

    def refuses_well(self, answer):
        self.assertNotIn("Retry-After", answer.headers)
        status = answer.json()
        self.assertEqual((status["kind"], status["code"]), ("Status", 503))
        self.assertGreater(len(status["message"].split()), 3)

    def test_killed_broker(self):
        with harness.Simulator(size=2) as simulator, \
                harness.Server("--max-staleness", f"{STALENESS}s", uri=simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            simulator.kill()
            last, refused, served = self.gone(server)
            self.assertIsNotNone(last, "the last value is served for a while")
            self.assertGreater(served, 0.5)
            # The timestamp is the one of the snapshot, not of the answer.
            self.assertGreater(harness.utc_age(last.value()["timestamp"]), STALENESS / 2 - 1)
            self.refuses_well(refused)
            self.assertEqual(server.get("/readyz").status, 200)
            self.assertEqual(server.get(f"{harness.CUSTOM}/v1beta2").status, 200)

    def test_restarted_broker(self):
        with harness.Simulator(size=2) as simulator, \
                harness.Server("--max-staleness", "60s", uri=simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            simulator.kill()
            with harness.Simulator(socket_path=simulator.path, size=3):
                server.wait_number("node_up_count", 3)

    def test_silent_broker(self):
        with harness.Simulator(size=2) as simulator, \
                harness.Server("--max-staleness", f"{STALENESS}s", uri=simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            simulator.signal(signal.SIGSTOP)
            try:
                _, refused, _ = self.gone(server)
                self.refuses_well(refused)
                begin = time.monotonic()
            finally:
                simulator.signal(signal.SIGCONT)
            server.wait_number("node_up_count", 2)
            if not os.environ.get("FLUX_METRICS_SLOW"):
                self.assertLess(time.monotonic() - begin, 2, "a value within 2 s of SIGCONT")


if __name__ == "__main__":
    harness.main()
