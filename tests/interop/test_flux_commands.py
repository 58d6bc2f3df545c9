"""Flux's own commands against the simulated instance: what Flux prints of it must be what it is."""
import json
import os
import shutil
import subprocess
import sys
import unittest

import fluxwire
import harness
from harness import Simulator, eventually


class Commands(unittest.TestCase):
    """`flux`, talking to `flux-metrics-api simulate`. Without a flux this fails: who runs it decides about that."""

    def setUp(self):
        self.assertIsNotNone(shutil.which("flux"), "no flux on PATH")

    def simulate(self, *arguments, **options):
        self.simulator = self.enterContext(Simulator(*arguments, **options))
        return self.simulator

    def flux(self, *arguments, code=0):
        done = subprocess.run(["flux", *arguments], env={**harness.clean_environment(), "FLUX_URI": self.simulator.uri},
                              text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, f"flux {arguments}: {done.stdout}{done.stderr}")
        return (done.stdout + done.stderr).strip()

    def resources(self):
        """{state: [nodes, cores, gpus, node names]} as `flux resource list` counts."""
        lines = self.flux("resource", "list", "-n", "-o", "{state} {nnodes} {ncores} {ngpus} {nodelist}").splitlines()
        return {words[0]: [*map(int, words[1:4]), "".join(words[4:])] for words in map(str.split, lines)}

    def state(self, job):
        lines = self.flux("jobs", "-an", "-o", "{id.f58} {state} {result}").splitlines()
        return {words[0]: words[1:] for words in map(str.split, lines)}[job]

    def wait_state(self, job, *wanted):
        eventually(lambda: self.state(job) == list(wanted), f"{job} {wanted}")

    def test_resources(self):
        self.simulate(size=2, max_size=4, cores=8, gpus=2)
        self.assertEqual(self.resources(), {"free": [2, 16, 4, "flux-sample-[0-1]"], "allocated": [0, 0, 0, ""],
                                            "down": [2, 16, 4, "flux-sample-[2-3]"]})
        self.assertEqual(self.flux("resource", "info"), "4 Nodes, 32 Cores, 8 GPUs")
        self.assertEqual(self.flux("getattr", "size"), "4")
        self.assertEqual(self.flux("hostlist", "instance"), "flux-sample-[0-3]")
        self.assertEqual(self.flux("hostlist", "avail"), "flux-sample-[0-1]")
        self.assertIn("2 offline", self.flux("uptime"))
        health = self.flux("overlay", "status", "--no-pretty")
        for words in ("flux-sample-0: partial", "flux-sample-1: full", "flux-sample-2: offline"):
            self.assertIn(words, health)
        R = json.loads(self.flux("resource", "R"))
        self.assertEqual(R["execution"]["R_lite"], [{"rank": "0-3", "children": {"core": "0-7", "gpu": "0-1"}}])
        self.assertEqual(json.loads(self.flux("kvs", "get", "resource.R"))["execution"]["R_lite"],
                         R["execution"]["R_lite"])

    def test_a_job_from_submission_to_its_end(self):
        self.simulate(size=2, max_size=4, cores=8, gpus=2, speed=20)
        job = self.flux("submit", "-N2", "-n4", "-c2", "-g1", "-t", "30s", "--job-name=mine", "sleep", "30")
        self.flux("job", "wait-event", "-t", "20", job, "clean")
        self.assertEqual(self.state(job), ["INACTIVE", "COMPLETED"])
        self.assertEqual(self.flux("jobs", "-an", "-o", "{name} {ntasks} {nnodes} {ncores} {ranks} {nodelist}"),
                         "mine 4 2 8 [0-1] flux-sample-[0-1]")
        jobspec = json.loads(self.flux("job", "info", job, "jobspec"))
        self.assertEqual(jobspec["resources"][0]["count"], 2)
        R = json.loads(self.flux("job", "info", job, "R"))
        self.assertEqual(R["execution"]["R_lite"], [{"rank": "0-1", "children": {"core": "0-3", "gpu": "0-1"}}])
        log = self.flux("job", "eventlog", job)
        names = [line.split()[1] for line in log.splitlines()]
        self.assertEqual(names, ["submit", "validate", "depend", "priority", "alloc", "start", "finish", "release",
                                 "free", "clean"])
        self.assertIn("1 completed", self.flux("jobs", "--stats-only", code=1))  # 1: nothing is active

    def test_pending_cancelled_and_failed_jobs(self):
        self.simulate(size=2, max_size=4, cores=8)
        running = self.flux("submit", "-N2", "sleep", "inf")
        waiting = self.flux("submit", "-N4", "sleep", "inf")
        behind = self.flux("submit", "-n1", "sleep", "inf")
        self.wait_state(running, "RUN")
        self.wait_state(waiting, "SCHED")
        self.assertEqual(self.flux("jobs", "-n", "-f", "pending", "-o", "{id.f58}").split(), [waiting, behind])
        self.flux("job", "urgency", behind, "20")
        self.assertEqual(self.flux("jobs", "-n", "-f", "pending", "-o", "{id.f58}").split(), [behind, waiting])
        self.flux("job", "urgency", behind, "hold")
        self.assertEqual(self.resources()["allocated"][:2], [2, 16])
        self.flux("cancel", running)
        self.wait_state(running, "INACTIVE", "CANCELED")
        self.assertIn("Canceled 2 jobs", self.flux("cancel", "--all"))
        never = self.flux("submit", "-N64", "-n64", "true")
        self.wait_state(never, "INACTIVE", "FAILED")
        self.assertIn("need 64 node(s) with 1 cores each, only 4 eligible",
                      self.flux("jobs", "-an", "-o", "{exception.note}", never))
        self.assertIn("inactive", self.flux("cancel", never, code=1))
        self.assertIn("purged 3", self.flux("job", "purge", "-f", "--num-limit=1"))

    def test_queues(self):
        self.simulate("--queue", "batch", "--queue", "debug=2-3", size=4, max_size=4, cores=8)
        self.assertEqual(self.flux("queue", "status").splitlines(),
                         ["batch: Job submission is enabled", "batch: Scheduling is stopped",
                          "debug: Job submission is enabled", "debug: Scheduling is stopped"])
        job = self.flux("submit", "-q", "debug", "-N2", "sleep", "inf")
        self.wait_state(job, "SCHED")
        self.flux("queue", "start", "debug")
        self.wait_state(job, "RUN")
        self.assertEqual(self.flux("jobs", "-n", "-o", "{queue} {ranks}"), "debug [2-3]")
        self.flux("queue", "disable", "-m", "no more", "batch")
        self.assertIn("batch: Job submission is disabled: no more", self.flux("queue", "status"))
        self.assertIn("disabled: no more", self.flux("submit", "-q", "batch", "true", code=1))
        self.assertIn("Invalid queue", self.flux("submit", "-q", "nosuch", "true", code=1))
        self.assertIn("no queue", self.flux("submit", "true", code=1))
        self.flux("queue", "stop", "--all")
        self.assertNotIn("started", self.flux("queue", "status"))
        names = self.flux("resource", "list", "-q", "debug", "-n", "-s", "all", "-o", "{nodelist}")
        self.assertEqual(names, "flux-sample-[2-3]")

    def test_drains(self):
        self.simulate(size=4, max_size=4, cores=8)
        self.flux("resource", "drain", "3", "scale down")
        self.assertEqual(self.flux("resource", "drain", "-n", "-o", "{ranks} {state} {reason}"), "3 drained scale down")
        self.assertEqual(self.resources()["down"], [1, 8, 0, "flux-sample-3"])
        self.assertIn("already drained", self.flux("resource", "drain", "3", "again", code=1))
        self.flux("resource", "drain", "-u", "2-3", "update")
        self.assertEqual(sorted(self.flux("resource", "drain", "-n", "-o", "{ranks} {reason}").splitlines()),
                         ["2 update", "3 scale down"])
        self.flux("resource", "undrain", "flux-sample-[2-3]")
        self.assertEqual(self.flux("resource", "drain", "-n"), "")
        self.assertIn("not drained", self.flux("resource", "undrain", "3", code=1))
        log = self.flux("resource", "eventlog")
        for words in ("resource-define", 'drain idset="3"', 'undrain idset="2-3"'):
            self.assertIn(words, log)

    def test_ranks_that_come_and_go(self):
        simulator = self.simulate(size=2, max_size=4, cores=8, speed=5)
        wide = self.flux("submit", "-N4", "sleep", "inf")
        self.wait_state(wide, "SCHED")
        simulator.ctl("online", "2-3")
        self.wait_state(wide, "RUN")
        simulator.ctl("offline", "3", "--lost")
        self.wait_state(wide, "INACTIVE", "FAILED")
        eventually(lambda: self.resources()["down"][0] == 1, "a lost rank")
        self.assertIn("flux-sample-3: lost", self.flux("overlay", "status", "--no-pretty"))

    def test_the_same_commands_say_the_same_of_a_real_flux(self):
        """Errors that Flux's commands print come from the broker: the simulated one's must read alike."""
        questions = (("job", "info", "12345", "jobspec"), ("cancel", "12345"), ("job", "urgency", "12345", "3"),
                     ("job", "kill", "12345"), ("resource", "drain", "99", "x"), ("resource", "drain", "nosuch", "x"),
                     ("resource", "undrain", "1"), ("getattr", "no.such"), ("kvs", "get", "no.such"),
                     ("queue", "start", "nosuch"), ("jobs", "-q", "nosuch"), ("submit", "-q", "nosuch", "true"),
                     ("job", "wait-event", "12345", "clean"))
        script = ("import json, subprocess, sys\n"
                  "print(json.dumps([(d.returncode, d.stderr) for d in (subprocess.run(['flux', *q], text=True,"
                  " capture_output=True) for q in json.loads(sys.argv[1]))]))")
        arguments = [sys.executable, "-c", script, json.dumps(questions)]
        real = subprocess.run(["flux", "start", "--test-size=2", *arguments], env=harness.clean_environment(), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True)
        simulator = self.simulate(size=2, max_size=2)
        ours = subprocess.run(arguments, env={**harness.clean_environment(), "FLUX_URI": simulator.uri}, text=True,
                              capture_output=True, timeout=120, check=True)
        for question, theirs, mine in zip(questions, json.loads(real.stdout), json.loads(ours.stdout)):
            with self.subTest(question=question):
                self.assertEqual(mine, theirs)

    def test_a_thousand_jobs(self):
        simulator = self.simulate(size=4, max_size=4, cores=8, speed=10)
        with fluxwire.Broker(simulator.path) as broker:
            ids = self.flux("submit", "--cc=1-1000", "-n1", "-t", "1s", "true").split()
            self.assertEqual(len(set(ids)), 1000)
            eventually(lambda: broker.rpc("job-list.job-stats")["successful"] == 1000, "all jobs done", 120)
        self.assertEqual(len(self.flux("jobs", "-an", "-c", "0", "-o", "{id}").split()), 1000)


if __name__ == "__main__":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))
    harness.main()
