"""Every version of Flux since 0.53: the simulated broker refuses what it lacked, and the numbers stay the same."""
import errno
import unittest

import fluxwire
import harness
from harness import Simulator, eventually

# The newest comes first: what it says is what the others have to say.
VERSIONS = ("0.88", "0.87", "0.86", "0.85", "0.84", "0.82", "0.72", "0.67", "0.66", "0.65", "0.64", "0.62", "0.61", "0.60",
            "0.55", "0.54", "0.53", "0.52")
POLICY = ("--hold", "0s", "--patience", "0s")


def minor(version):
    return int(version.partition(".")[2])


def busy_instance(version, *flags):
    """Four of six ranks, two queues, jobs that run, wait, are held and wait for a stopped queue, and a drained rank."""
    return Simulator("--as-version", version, "--queue", "batch", "--queue", "debug=2-3", *flags, size=4, max_size=6,
                     cores=8, gpus=2)


def fill(simulator):
    simulator.ctl("queue", "start", "batch")
    simulator.ctl("submit", "-N2", "-n2", "-c4", "-g1", "-q", "batch")
    with fluxwire.Broker(simulator.path) as broker:
        def states():
            return broker.rpc("job-list.job-stats", roles=5)["job_states"]
        eventually(lambda: states()["run"] == 1, "a running job")
        simulator.ctl("submit", "-n3", "-c5", "-q", "batch", "--urgency", "0")
        simulator.ctl("submit", "-N1", "-n1", "-g2", "-q", "debug")
        simulator.ctl("submit", "-N5", "--exclusive", "-q", "batch")
        simulator.ctl("submit", "-n20", "-c2", "-g1", "-q", "batch", "--urgency", "8")
        eventually(lambda: states()["sched"] == 4, "waiting jobs")
    simulator.ctl("drain", "3", "broken fan")


class EveryVersion(unittest.TestCase):
    maxDiff = None

    def numbers(self, version, *flags):
        with busy_instance(version, *flags) as simulator:
            fill(simulator)
            document = harness.get_document(simulator.uri, options=POLICY)
            self.assertEqual(document["instance"]["version"], f"{version}.0")
            numbers = harness.reduce_metrics(document)
            self.assertGreater(max(numbers["job_wait_oldest_seconds"].values()), 0, "by t_submit where there is no t_sched")
            # Which scheduler there is, not every version says.
            return {name: value for name, value in numbers.items()
                    if name not in harness.OF_TIME and name != "scheduler_info"}

    def test_the_owner_gets_the_same_numbers(self):
        newest = self.numbers(VERSIONS[0])
        self.assertEqual((newest["node_up_count"], newest["node_allocated_count"]), (3, 2))
        # Twenty gpus are more than there are: that job never starts.
        self.assertEqual(newest["job_eligible_count"], {("batch",): 1, ("debug",): 0})
        self.assertEqual(newest["job_shape_unknown_count"], 0)
        self.assertEqual(newest["gpu_demand_count"], {("batch",): 12, ("debug",): 0})
        self.assertNotIn(None, newest.values())
        for version in VERSIONS[1:]:
            with self.subTest(version=version):
                self.assertEqual(self.numbers(version), newest)

    def test_a_guest_gets_the_same_numbers(self):
        newest = self.numbers(VERSIONS[0], "--as-guest")
        self.assertEqual((newest["node_up_count"], newest["node_allocated_count"]), (3, 2))
        self.assertEqual(newest["job_shape_unknown_count"], 5)
        self.assertIsNone(newest["gpu_demand_count"])
        for version in ("0.84", "0.83", "0.72", "0.61", "0.60", "0.53", "0.52"):
            with self.subTest(version=version):
                self.assertEqual(self.numbers(version, "--as-guest"), newest)

    def test_changes_are_seen_without_streams(self):
        # 0.54 streams no counts, 0.60 has no journal to rely on, 0.71 none of the resources.
        for version in ("0.54", "0.60", "0.71"):
            with self.subTest(version=version), busy_instance(version) as simulator, \
                    harness.Server(*POLICY, uri=simulator.uri) as server:
                server.wait_number("node_up_count", 4)
                simulator.ctl("queue", "start", "--all")
                job = simulator.ctl("submit", "-N3", "-q", "batch")
                server.wait_number("node_allocated_count", 3)
                server.wait_number("gpu_demand_count", 6)
                simulator.ctl("online", "4")
                server.wait_number("node_up_count", 5)
                simulator.ctl("offline", "4", "--lost")
                server.wait_number("node_up_count", 4)
                simulator.ctl("cancel", job)
                server.wait_number("job_queue_state_inactive_count", 1)
                server.wait_number("node_allocated_count", 0)

    def test_who_cannot_tell_says_so(self):
        # Before 0.61 only the scheduler knew what is allocated.
        for version, knows in (("0.61", True), ("0.60", False)):
            with self.subTest(version=version), Simulator("--as-version", version, "--no-scheduler") as simulator, \
                    harness.Server(*POLICY, uri=simulator.uri) as server:
                server.wait_number("node_up_count", 2)
                answers = {name: server.metric(name) for name in
                           ("node_allocated_count", "node_free_count", "node_safe_min_count", "node_wanted_count")}
                if knows:
                    self.assertEqual({answer.status for answer in answers.values()}, {200}, answers)
                    continue
                for name, answer in answers.items():
                    self.assertEqual(answer.status, 503, name)
                    self.assertIn("nothing reports what is allocated on this Flux 0.60.0 instance",
                                  answer.json()["message"])
                self.assertEqual(server.metric("job_pending_count").value()["value"], "0")
                simulator.ctl("scheduler", "load")
                server.wait_number("node_free_count", 2)
                simulator.ctl("submit", "-N1")
                server.wait_number("node_allocated_count", 1)


class Refusals(unittest.TestCase):
    """What the simulated broker does not have is what that version did not have."""

    TOPICS = {"resource.sched-status": 61, "job-manager.resource-status": 61, "module.list": 66, "feasibility.check": 66,
              "resource.journal": 72, "job-manager.queue-list": 46, "sched.resource-status": 0, "resource.status": 0,
              "job-list.job-stats": 0, "state-machine.get": 0, "config.get": 0}

    def test_topics(self):
        for version in ("0.88", "0.72", "0.71", "0.66", "0.65", "0.61", "0.60", "0.46", "0.45"):
            with Simulator("--as-version", version) as simulator, fluxwire.Broker(simulator.path) as broker:
                for topic, since in self.TOPICS.items():
                    with self.subTest(version=version, topic=topic):
                        try:
                            broker.rpc(topic)
                            known = True
                        except fluxwire.BrokerError as error:
                            known = error.number != errno.ENOSYS
                        self.assertEqual(known, minor(version) >= since)

    def test_job_list(self):
        request = {"max_entries": 0, "attrs": ["state"], "constraint": {"states": [62]}}
        legacy = {"max_entries": 0, "attrs": ["state"], "userid": 0xFFFFFFFF, "states": 62, "results": 0}
        with Simulator("--as-version", "0.52") as simulator, fluxwire.Broker(simulator.path) as broker:
            simulator.ctl("submit", "-n1")
            eventually(lambda: broker.rpc("job-list.list", legacy)["jobs"], "the job")
            self.assertEqual(broker.error("job-list.list", request).number, errno.EPROTO)
        with Simulator("--as-version", "0.63") as simulator, fluxwire.Broker(simulator.path) as broker:
            self.assertEqual(broker.rpc("job-list.list", request)["jobs"], [])
            ranks = broker.error("job-list.list", {**request, "constraint": {"ranks": ["0"]}})
            self.assertIn("unknown constraint operator: ranks", ranks.text)
            times = broker.error("job-list.list", {**request, "attrs": ["t_sched"]})
            self.assertEqual((times.number, times.text), (errno.EINVAL, "t_sched is not a valid attribute"))

    def test_old_journals(self):
        with Simulator("--as-version", "0.60") as simulator, fluxwire.Broker(simulator.path) as broker:
            job = broker.submit(fluxwire.jobspec())
            eventually(lambda: broker.rpc("job-list.job-stats")["job_states"]["run"], "a running job")
            reply = next(broker.stream("job-manager.events-journal", {}))
            self.assertEqual(set(reply), {"events"})
            self.assertEqual(set(reply["events"][0]), {"id", "eventlog_seq", "entry"})
            self.assertEqual({entry["id"] for entry in reply["events"]}, {job})

    def test_a_version_that_is_none(self):
        for version in ("1.0", "0.5x", "0.99", "0.20", "88", ""):
            with self.subTest(version=version):
                done = harness.run("simulate", "--as-version", version or "0.")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("name one from 0.36 to 0.88", done.stderr)


if __name__ == "__main__":
    harness.main()
