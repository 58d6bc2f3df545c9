"""`plan record` of a real Flux, and its lists of jobs: the trace has the times and sizes that Flux tells."""
import csv
import json
import os
import tempfile
import unittest

import harness
import realflux


class Record(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "trace.jsonl")

    def play(self, path, cores):
        done = harness.run("plan", "--trace", path, "--max", 4, "--cores", cores, "--strategy", "static", "-o", "csv")
        self.assertEqual(done.returncode, 0, done)
        return next(csv.DictReader(done.stdout.splitlines())), done.stderr

    def test_jobs_as_flux_tells_them(self):
        with realflux.Instance(size=4) as flux:
            cores = flux.first_rooms[0].cores
            with harness.Program("plan", "record", self.path, "--flux-uri", flux.uri, "--interval", "100ms",
                                 "--jobs", 4) as recorder:
                recorder.wait_log("recording")
                # As many nodes as ranks that have the cores: one after another, so that the times differ.
                flux.flux("submit", "--wait", "-N2", "-n2", "-c1", "sleep", "0.3")
                flux.flux("submit", "--wait", "-N3", "--exclusive", "sleep", "0.2")
                flux.flux("submit", "--wait", "-n1", "false", check=False)
                flux.flux("submit", "--wait", "-t", "1m", "-n1", "sleep", "0.1")
                harness.eventually(lambda: not recorder.running(), "four jobs that ended")
            with open(self.path, encoding="utf-8") as file:
                recorded = sorted(map(json.loads, file), key=lambda job: job["t"])
            text = flux.flux("jobs", "-A", "-a", "-c0", "--json")
        told = sorted(json.loads(text)["jobs"], key=lambda job: job["t_submit"])
        self.assertEqual(len(recorded), 4)
        for job, real in zip(recorded, told):
            self.assertEqual((job["nodes"], job["slots"] * job["cores"]), (real["nnodes"], real["ncores"]))
            self.assertAlmostEqual(job["duration"], real["t_cleanup"] - real["t_run"], delta=0.002)
            self.assertAlmostEqual(job["t"] - recorded[0]["t"], real["t_submit"] - told[0]["t_submit"], delta=0.002)
        self.assertEqual((recorded[1]["nodes"], recorded[1]["cores"]), (3, cores))
        row, _ = self.play(self.path, cores)
        self.assertEqual((row["jobs"], row["finished"]), ("4", "4"))
        # The list of `flux jobs` is a trace as well.
        path = os.path.join(self.folder.name, "jobs.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        row, remark = self.play(path, cores)
        self.assertEqual((row["jobs"], row["finished"]), ("4", "4"))
        self.assertIn("4 jobs ended", remark)


if __name__ == "__main__":
    unittest.main()
