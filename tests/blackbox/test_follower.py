"""Connected to the broker of another rank than 0: what rank 0 alone answers is asked there."""
import errno
import os
import tempfile
import unittest

import fluxwire
import harness
from badbroker import BadBroker, fails

# A broker of another rank answers these itself, or refuses to (flux-core 0.88): a request must name rank 0.
HERE = ("resource.", "groups.", "attr.", "state-machine.", "config.", "overlay.", "module.")


class Follower(BadBroker):
    """The socket of rank 1; the rest of the instance is behind it."""

    def __init__(self, upstream):
        super().__init__(upstream)
        self.misdirected, self.rules = [], self

    def get(self, topic):
        """The rule for the reply to `topic`, as BadBroker asks for it."""
        return self._reply if topic.startswith(HERE) else None

    def _reply(self, reply):
        own = reply.asked.topic == "attr.get" and b"parent-uri" in reply.asked.payload
        if reply.asked.first == 0 or own:
            return [reply.raw]
        self.misdirected.append(reply.asked.topic)
        return fails(errno.EPROTO, b"this RPC only works on rank 0")(reply)


class FromAFollower(unittest.TestCase):
    def setUp(self):
        self.simulator = self.enterContext(harness.Simulator(size=2, max_size=4, cores=4))
        self.follower = self.enterContext(Follower(self.simulator.path))

    def tearDown(self):
        self.assertEqual(self.follower.misdirected, [])

    def test_get(self):
        self.simulator.ctl("submit", "-N3")
        harness.eventually(lambda: harness.get_metrics(self.follower.uri, "node_up_count", "node_wanted_count") ==
                           {"node_up_count": 2, "node_wanted_count": 3}, "the wide job's size")

    def test_start_follows_what_happens(self):
        with harness.Server(uri=self.follower.uri) as server:
            server.wait_number("node_up_count", 2)
            self.simulator.ctl("online", "2")
            server.wait_number("node_up_count", 3)
            self.simulator.ctl("submit", "-N4", "-n4")
            server.wait_number("node_wanted_count", 4)

    def test_drain(self):
        done = harness.run("simulate-ctl", "drain", "1", "a reason",
                           environment=harness.clean_environment(FLUX_URI=self.follower.uri))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(harness.get_metrics(self.follower.uri, "node_drained_count"), {"node_drained_count": 1})

    def test_plan_record(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.jsonl")
            with harness.Program("plan", "record", path, "--flux-uri", self.follower.uri, "--interval", "50ms",
                                 "--jobs", "1") as recorder:
                recorder.wait_log("recording")
                self.simulator.ctl("submit", "-N1", "--duration", "100ms")
                harness.eventually(lambda: not recorder.running(), "its end")
            self.assertTrue(os.path.getsize(path))


class TheStandIn(unittest.TestCase):
    def test_refuses_what_a_follower_refuses(self):
        with harness.Simulator(size=2, max_size=4) as simulator, Follower(simulator.path) as follower, \
                fluxwire.Broker(follower.path) as broker:
            self.assertEqual(broker.error("resource.status").number, errno.EPROTO)
            self.assertIn("R", broker.rpc("resource.status", rank=0))
            self.assertEqual(follower.misdirected, ["resource.status"])


if __name__ == "__main__":
    harness.main()
