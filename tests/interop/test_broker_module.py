"""The broker module under a real Flux: what it answers, who uses it, and that it leaves nothing behind."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import fluxwire
import harness
import realflux
from harness import eventually
from test_real_prometheus import Exporter

MODULE = os.environ.get("FLUX_METRICS_MODULE", "")
ENODATA, ENOSYS, EPERM, EINVAL = 61, 38, 1, 22
# Seconds since something: the same state at two moments.
AGES = {"flux_job_wait_oldest_seconds", "flux_queue_backlog_seconds", "flux_job_throughput"}


def instance_samples(text):
    """{"name{labels}": number} of what an exposition tells of the instance, not of the program that serves it."""
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines
            if not re.match(r"flux_metrics_|process_|flux_build_", name)}


class Process:
    """What /proc tells of a broker."""

    def __init__(self, pid):
        self.folder = pathlib.Path("/proc") / str(pid)

    def status(self, key):
        return int(re.search(rf"^{key}:\s+(\d+)", (self.folder / "status").read_text(), re.M)[1])

    def descriptors(self):
        return len(list((self.folder / "fd").iterdir()))

    def counts(self):
        return {"threads": self.status("Threads"), "descriptors": self.descriptors()}

    def maps(self, name):
        return name in (self.folder / "maps").read_text()


@unittest.skipUnless(MODULE, "FLUX_METRICS_MODULE names no module: it is built where pkg-config finds flux-core")
class BrokerModule(unittest.TestCase):
    def start(self, size=2, **options):
        self.flux = self.enterContext(realflux.Instance(size=size, **options))
        self.path = self.flux.uri.removeprefix("local://")
        return self.flux

    def load(self, *arguments):
        self.flux.flux("module", "load", MODULE, *arguments)

    def broker(self):
        return self.enterContext(fluxwire.Broker(self.path))

    def streams(self, broker):
        return broker.rpc("flux-metrics.stats-get")["streams"]

    def whole(self, broker, what=lambda state: True):
        """The state, once there is one that is as `what` asks."""
        def ask():
            try:
                state = broker.rpc("flux-metrics.get")
            except fluxwire.BrokerError as error:
                self.assertEqual(error.number, 11, error)
                return None
            return state if what(state) else None
        return eventually(ask, "the module's state")

    def refused(self, *arguments, rank=0, name=()):
        done = subprocess.run(["flux", "exec", "-r", str(rank), "flux", "module", "load", *name, MODULE, *arguments],
                              env={**self.flux.environment, "FLUX_URI": self.flux.uri}, text=True, capture_output=True,
                              check=False, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        return self.flux.flux("exec", "-r", str(rank), "flux", "dmesg")

    def test_answers(self):
        flux = self.start(size=4)
        self.load("size-policy=all", "max-replicas=4")
        broker = self.broker()
        job = flux.submit("-N2", "--exclusive", "sleep", "inf")
        waiting = flux.submit("-N4", "--exclusive", "sleep", "inf")
        # The journal tells of jobs at once, the counts come at most five times a second.
        state = self.whole(broker, lambda state: [job["state"] for job in state["jobs"]] == ["run", "sched"] and
                           state["counts"] == broker.rpc("job-list.job-stats") and
                           sum(node["state"] == "allocated" for node in state["nodes"]) == 2)
        self.assertEqual([int(found["id"]) for found in state["jobs"]], [job, waiting])
        self.assertEqual(len(state["nodes"]), 4)
        self.assertEqual(state["format"], "flux-metrics-api.state/1")
        # As `get --state` prints it, less what only readers of this program need, and the time.
        printed = harness.run("get", "--state", "-o", "json", "--flux-uri", flux.uri)
        theirs = json.loads(printed.stdout)
        for key in ("instance", "scheduler", "counts", "nodes", "queues", "shapes", "jobs"):
            self.assertEqual(state[key], theirs[key], key)
        text = broker.rpc("flux-metrics.exposition")
        self.assertEqual(text["content_type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertIn('flux_nodes{state="allocated"} 2', text["text"])
        opened = broker.rpc("flux-metrics.exposition", {"format": "openmetrics"})
        self.assertTrue(opened["text"].endswith("# EOF\n"))
        self.assertIn("version=1.0.0", opened["content_type"])
        self.assertEqual(broker.error("flux-metrics.exposition", {"format": "xml"}).number, EINVAL)
        self.assertEqual(broker.error("flux-metrics.get", {"window": 1}).number, EINVAL)
        self.assertEqual(broker.error("flux-metrics.other").number, ENOSYS)
        statistics = json.loads(flux.flux("module", "stats", "flux-metrics"))
        self.assertEqual(statistics["jobs"], 2)
        self.assertEqual(statistics["trouble"], "")

    def test_guests_are_refused(self):
        self.start()
        self.load()
        broker = self.broker()
        self.whole(broker)
        for topic in ("flux-metrics.get", "flux-metrics.exposition", "flux-metrics.stats-get"):
            self.assertEqual(broker.error(topic, {}, roles=2).number, EPERM, topic)
        with self.assertRaises(fluxwire.BrokerError) as refusal:
            next(broker.stream("flux-metrics.get", {}, roles=2))
        self.assertEqual(refusal.exception.number, EPERM)

    def test_what_it_refuses(self):
        self.start()
        for words, sentence in (("max-size=3", "is not an option"), ("size-policy=x", "wanted, all, head-of-line"),
                                ("hold=x", "hold=x"), ("max-replicas=0", "whole number"), ("log=loud", "debug, info")):
            self.assertIn(sentence, self.refused(words), words)
        self.assertIn("belongs on rank 0", self.refused(rank=1))
        self.assertIn("load it without --name", self.refused(name=("--name=other",)))
        self.load()
        self.whole(self.broker())

    def test_streams(self):
        flux = self.start()
        self.load("max-streams=2")
        broker = self.broker()
        self.whole(broker)
        follower = self.broker()
        stream = follower.stream("flux-metrics.get", {})
        first = next(stream)
        self.assertEqual((first["jobs"], first["format"]), ([], "flux-metrics-api.state/1"))
        job = str(flux.submit("-N1", "sleep", "inf"))
        runs = lambda told: any(found["id"] == job and found["state"] == "run" for found in told.get("jobs", ()))
        held = lambda told: any(node["state"] == "allocated" for node in told.get("nodes", ()))
        told = [next(stream)]
        while not (any(map(runs, told)) and any(map(held, told))):
            told.append(next(stream))
        self.assertFalse([message for message in told if "format" in message], "only changes")
        generations = [message["generation"] for message in (first, *told)]
        self.assertEqual(generations, sorted(set(generations)))
        quiet = self.until(stream, lambda told: set(told) == {"generation", "timestamp", "time"})
        self.assertGreater(quiet["time"], first["time"])
        flux.flux("cancel", job)
        self.until(stream, lambda told: job in told.get("gone", ()))
        # Another one, and there is no third.
        second = self.broker()
        next(second.stream("flux-metrics.get", {}))
        with self.assertRaises(fluxwire.BrokerError) as refusal:
            next(self.broker().stream("flux-metrics.get", {}))
        self.assertIn("max-streams", str(refusal.exception))
        # Cancelled by its tag; by hanging up.
        follower.send("flux-metrics.cancel", {"matchtag": 1}, flags=fluxwire.NORESPONSE)
        with self.assertRaises(fluxwire.BrokerError) as end:
            self.until(stream, lambda told: False)
        self.assertEqual(end.exception.number, ENODATA)
        eventually(lambda: self.streams(broker) == 1, "one stream is left")
        second.socket.close()
        eventually(lambda: self.streams(broker) == 0, "no stream is left")

    def until(self, stream, wanted):
        for told in stream:
            if wanted(told):
                return told
        raise AssertionError("the stream ended")

    def test_who_reads_nothing_gets_no_more_than_the_window(self):
        flux = self.start()
        self.load()
        broker, slow = self.broker(), self.broker()
        self.whole(broker)
        stream = slow.stream("flux-metrics.get", {"window": 4})
        begun = next(stream)["generation"]
        eventually(lambda: broker.rpc("flux-metrics.stats-get")["generation"] > begun + 8, "eight confirmations")
        job = str(flux.submit("-N1", "sleep", "inf"))
        self.whole(broker, lambda state: state["jobs"] and state["jobs"][0]["state"] == "run")
        for _ in range(3):
            self.assertNotIn("jobs", next(stream), "told before the job came")
        slow.socket.settimeout(2)
        with self.assertRaises(TimeoutError):
            next(stream)
        # It came back: all that happened meanwhile is one message.
        slow.socket.settimeout(harness.DEADLINE)
        slow.send("flux-metrics.ack", {"matchtag": 1}, flags=fluxwire.NORESPONSE)
        told = slow.reply(1).value()
        self.assertEqual([found["id"] for found in told["jobs"]], [job])

    def test_the_same_metrics_by_every_road(self):
        flux = self.start(size=4)
        # One that came before the module polls, one that came after is told.
        polling = self.enterContext(Exporter(flux.uri))
        polling.wait("flux_node_counts", ("up",), 4)
        self.load()
        broker = self.broker()
        self.whole(broker)
        told = self.enterContext(Exporter(flux.uri))
        told.wait("flux_node_counts", ("up",), 4)
        eventually(lambda: self.streams(broker) == 1, "the second exporter follows the module")
        self.assertIn("the broker module flux-metrics reports the state", told.log())
        roads = {"polls": lambda: polling.get("/metrics").body.decode(), "module": lambda: told.get("/metrics").body.decode(),
                 "exposition": lambda: broker.rpc("flux-metrics.exposition")["text"]}

        def agree(condition):
            def ask():
                found = {name: instance_samples(ask()) for name, ask in roads.items()}
                first = found["polls"]
                if not condition(first):
                    return None
                for name, samples in found.items():
                    self.assertEqual(set(samples), set(first), name)
                return self.differences(found) == {} and found
            samples = eventually(ask, lambda: "the same metrics by every road")
            self.assertGreater(len(samples["polls"]), 60)

        agree(lambda samples: samples['flux_nodes{state="idle"}'] == 4)
        running = flux.submit("-N2", "--exclusive", "-t", "1h", "sleep", "inf")
        flux.submit("-N4", "--exclusive", "-t", "10m", "sleep", "inf")
        small = flux.submit("-n3", "-t", "10m", "sleep", "inf")  # a scheduler with backfill lets it go first
        held = flux.submit("--urgency=hold", "true")
        agree(lambda samples: samples['flux_nodes{state="allocated"}'] >= 2)
        flux.flux("resource", "drain", "3", "broken fan")
        flux.flux("cancel", str(held))
        agree(lambda samples: samples['flux_nodes{state="drained"}'] + samples['flux_nodes{state="draining"}'] == 1)
        flux.flux("cancel", str(running), str(small))
        flux.flux("resource", "undrain", "3")
        agree(lambda samples: samples['flux_nodes{state="allocated"}'] == 4)
        flux.flux("cancel", "--all")
        agree(lambda samples: samples['flux_nodes{state="idle"}'] == 4)
        flux.kill_broker(3)
        agree(lambda samples: samples['flux_nodes{state="idle"}'] == 3)
        # Its own requests: it knows who it is, and asks no more.
        topics = told.samples()["flux_metrics_rpc_duration_seconds_count"]
        self.assertNotIn(("resource.status",), topics)
        self.assertGreater(polling.samples()["flux_metrics_rpc_duration_seconds_count"]["resource.status",], 0)

    @staticmethod
    def differences(found):
        first = found["polls"]
        return {name: (first[name], samples[name]) for samples in found.values() for name in first
                if abs(samples[name] - first[name]) > (3 if name.partition("{")[0] in AGES else 1e-9)}

    def test_unloaded_while_it_is_used(self):
        flux = self.start()
        self.load()
        with Exporter(flux.uri) as exporter:
            exporter.wait("flux_node_counts", ("up",), 2)
            eventually(lambda: self.streams(self.broker()) == 1, "it follows the module")
            job = flux.submit("-N1", "--exclusive", "sleep", "inf")
            exporter.wait("flux_nodes", ("allocated",), 1)
            waits = exporter.samples()["flux_job_wait_seconds_count"]["",]
            flux.flux("module", "remove", "flux-metrics")
            flux.flux("cancel", str(job))
            exporter.wait("flux_nodes", ("idle",), 2)
            flux.submit("-N2", "--exclusive", "sleep", "inf")
            exporter.wait("flux_nodes", ("allocated",), 2)
            samples = exporter.samples()
            self.assertEqual(samples["flux_job_wait_seconds_count"]["",], waits + 1, "counts go on")
            self.assertIn("the broker is polled from now on", exporter.log())
            self.load()
            eventually(lambda: self.streams(self.broker()) == 1, "it is found again")
            flux.submit("-N2", "--exclusive", "true")
            exporter.wait("flux_jobs_eligible", ("",), 1)
            samples = exporter.samples()
            self.assertEqual(samples["flux_job_wait_seconds_count"]["",], waits + 1, "counts go on")
            self.assertEqual(samples["flux_metrics_returns_total"][()], 0, "there was no moment without a broker")

    def test_a_hundred_times(self):
        flux = self.start()
        process = Process(flux.pids[0])
        broker = self.broker()

        def once():
            self.load()
            state = self.whole(broker)
            stream = broker.stream("flux-metrics.get", {})
            self.assertEqual(next(stream)["instance"], state["instance"])
            flux.flux("module", "remove", "flux-metrics")
            with self.assertRaises(fluxwire.BrokerError):
                self.until(stream, lambda told: False)

        for _ in range(10):
            once()
        counts, memory = process.counts(), process.status("VmRSS")
        for _ in range(100):
            once()
        eventually(lambda: process.counts() == counts, f"threads and descriptors {counts}, now {process.counts()}")
        grown = process.status("VmRSS") - memory
        print(f"a hundred loads: {counts}, RSS {memory} kB, {grown:+d} kB", file=sys.stderr)
        self.assertLess(grown, 2048, "kB in a hundred loads")
        self.assertFalse(process.maps("flux-metrics.so"), "it is still in the broker")
        self.assertEqual(broker.error("flux-metrics.get").number, ENOSYS)

    def test_the_instance_ends_while_it_is_used(self):
        flux = self.start()
        self.load()
        with Exporter(flux.uri) as exporter:
            exporter.wait("flux_metrics_instance_state", ("running",), 1)
            eventually(lambda: self.streams(self.broker()) == 1, "it follows the module")
            flux.submit("-N1", "sleep", "inf")
            flux.process.stdin.close()
            self.assertEqual(flux.process.wait(60), 0)
            exporter.wait("flux_metrics_instance_state", ("gone",), 1)


if __name__ == "__main__":
    harness.main()
