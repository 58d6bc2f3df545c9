"""`plan record`: the jobs of a running instance become a trace that `plan --trace` plays."""
import csv
import json
import os
import pathlib
import signal
import tempfile
import unittest

import harness


class Record(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "trace.jsonl")

    def lines(self):
        return [json.loads(line) for line in pathlib.Path(self.path).read_text().splitlines()] \
            if os.path.exists(self.path) else []

    def recorder(self, instance, *options, **more):
        return harness.Program("plan", "record", self.path, "--flux-uri", instance.uri, "--interval", "50ms", *options, **more)

    def play(self):
        done = harness.run("plan", "--trace", self.path, "--max", 4, "--cores", 4, "--strategy", "static", "-o", "csv")
        self.assertEqual(done.returncode, 0, done)
        return next(csv.DictReader(done.stdout.splitlines()))

    def test_until_a_number_of_jobs_has_ended(self):
        with harness.Simulator(size=2) as instance, self.recorder(instance, "--jobs", 3) as recorder:
            recorder.wait_log("recording")
            instance.ctl("submit", "-N2", "--duration", "300ms")
            instance.ctl("submit", "-n3", "--duration", "200ms")
            instance.ctl("submit", "-N1", "-n1", "-c2", "--duration", "100ms")
            harness.eventually(lambda: not recorder.running(), "its end")
            self.assertIn("3 jobs ended", recorder.log())
        jobs = sorted(self.lines(), key=lambda job: job["duration"])
        self.assertEqual(len(jobs), 3, jobs)
        for job, (nodes, cores, duration) in zip(jobs, ((1, 2, 0.1), (1, 3, 0.2), (2, 4, 0.3))):
            self.assertEqual((job["nodes"], job["slots"], job["cores"]), (nodes, nodes, cores))
            self.assertAlmostEqual(job["duration"], duration, delta=0.1)
        self.assertEqual(self.play()["finished"], "3")

    def test_until_a_signal_with_what_runs_and_waits(self):
        with harness.Simulator(size=2) as instance:
            instance.ctl("submit", "-N1", "--duration", "1h")  # before anybody watched
            with self.recorder(instance) as recorder:
                recorder.wait_log("recording")
                instance.ctl("submit", "-N4", "--duration", "30m")  # there are two nodes only
                instance.ctl("submit", "-N1", "--urgency", "0", "--duration", "1m")
                instance.ctl("submit", "-N1")
                instance.ctl("online", "2")
                harness.eventually(lambda: self.lines(), "a node's coming")
                instance.ctl("drain", "1", "broken")
                harness.eventually(lambda: len(self.lines()) == 2, "the drain")
                recorder.signal(signal.SIGINT)
                harness.eventually(lambda: not recorder.running(), "its end")
                for says in ("0 jobs ended", "1 job still running, taken to run until the limit",
                             "1 job waiting, taken to run until the limit", "2 jobs waiting, held or without a limit",
                             "2 changes of nodes"):
                    self.assertIn(says, recorder.log())
        events = [(line["event"], line["ranks"]) for line in self.lines() if "event" in line]
        self.assertEqual(events, [("online", "2"), ("drained", "1")])
        running, waiting = sorted((line for line in self.lines() if "event" not in line), key=lambda job: job["t"])
        self.assertEqual((running["t"], running["nodes"]), (0, 1))
        self.assertAlmostEqual(running["duration"], 3600, delta=60)
        self.assertEqual((waiting["nodes"], waiting["duration"]), (4, 1800))
        self.assertEqual(self.play()["jobs"], "2")

    def test_for_a_while_in_the_time_of_the_instance(self):
        """A simulated hour passes in seconds; the trace has the instance's times."""
        with harness.Simulator("--speed", "100", size=2) as instance:
            instance.ctl("submit", "-N2", "--duration", "10m", "--cc", 1000)
            with self.recorder(instance, "--duration", "1s") as recorder:
                harness.eventually(lambda: not recorder.running(), "its end")
        for line in self.lines():
            self.assertGreater(line["duration"], 60)
        # Two ranks, so one job ends every six seconds: those that ended before a slow start are not in it.
        self.assertGreaterEqual(len(self.lines()), 900)

    def test_to_standard_output_of_a_guest_and_of_an_old_flux(self):
        for options in (("--as-guest",), ("--as-version", "0.53"), ("--as-version", "0.40")):
            with self.subTest(options=options), harness.Simulator(*options, size=2) as instance:
                instance.ctl("submit", "-N1", "--duration", "1h")
                done = harness.run("plan", "record", "--flux-uri", instance.uri, "--duration", "200ms")
                self.assertEqual(done.returncode, 0, done)
                self.assertEqual([json.loads(line)["nodes"] for line in done.stdout.splitlines()], [1], done)

    def test_what_goes_wrong(self):
        gone = os.path.join(self.folder.name, "nobody")
        done = harness.run("plan", "record", self.path, "--flux-uri", f"local://{gone}")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(gone, done.stderr)
        self.assertFalse(os.path.exists(self.path), "no file without an instance")
        with harness.Simulator(size=2) as instance:
            pathlib.Path(self.path).write_text("mine")
            done = harness.run("plan", "record", self.path, "--flux-uri", instance.uri)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("is there already", done.stderr)
            self.assertEqual(pathlib.Path(self.path).read_text(), "mine")
            os.unlink(self.path)
            with self.recorder(instance, expected_exit=1) as recorder:
                recorder.wait_log("recording")
                instance.ctl("submit", "-N1", "--duration", "10ms")
                harness.eventually(self.lines, "the job")
                instance.kill()
                harness.eventually(lambda: not recorder.running(), "its end")
                self.assertIn("the recording ends early", recorder.log())
                self.assertIn("1 job ended", recorder.log())
        self.assertEqual(len(self.lines()), 1, "what was recorded stays")


if __name__ == "__main__":
    harness.main()
