"""`simulate --scheduler fluxion`: how it is set, how it decides, and what `get` makes of it."""
import json
import unittest

import fluxwire
import harness
from harness import Simulator, eventually, run

DENIED = 'alloc denied due to type="unsatisfiable"'


class CommandLine(unittest.TestCase):
    def test_misuse_is_told_with_a_sentence(self):
        fluxion = ("--scheduler", "fluxion")
        for arguments, words in (
                (("--queue-policy", "easy"), "add --scheduler fluxion"),
                (("--match-policy", "low"), "add --scheduler fluxion"),
                (("--prune-filters", "ALL:core"), "add --scheduler fluxion"),
                ((*fluxion, "--queue-policy", "fifo"), "--queue-policy: Fluxion has no queue policy 'fifo'"),
                ((*fluxion, "--queue-policy", "easy", "--queue-policy", "fcfs"), "given twice"),
                ((*fluxion, "--queue-policy", "batch=easy"), "queue 'batch', which has policy easy, is not configured"),
                ((*fluxion, "--match-policy", "lowest"), "match policy 'lowest' is not imitated"),
                ((*fluxion, "--prune-filters", "core"), "prune filters 'core' are not understood")):
            with self.subTest(arguments=arguments):
                done = run("simulate", *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(words, done.stderr)
        self.assertIn("simple", run("simulate", "--scheduler", "slurm").stderr)


class Fluxion(unittest.TestCase):
    def start(self, *arguments, **options):
        self.simulator = self.enterContext(Simulator("--scheduler", "fluxion", *arguments, **options))
        self.broker = self.enterContext(fluxwire.Broker(self.simulator.path))
        self.submitted = 0
        return self.simulator

    def submit(self, *arguments):
        """Submits, and returns the job when it runs, waits for the scheduler or has ended."""
        self.simulator.ctl("submit", *arguments)
        self.submitted += 1

        def newest():
            jobs = self.broker.rpc("job-list.list", {"max_entries": 0, "attrs": ["all"]})["jobs"]
            found = max(jobs, key=lambda each: each["id"], default=None)
            return found if len(jobs) == self.submitted and found["state"] >= 8 else None
        return eventually(newest, "the job is known")["id"]

    def job(self, number):
        return self.broker.rpc("job-list.list-id", {"id": number, "attrs": ["all"]})["job"]

    def wait(self, number, state, **more):
        wanted = {"sched": 8, "run": 16, "inactive": 64}[state]

        def there():
            found = self.job(number)
            return found["state"] == wanted and all(found.get(key) == value for key, value in more.items()) and found
        return eventually(there, f"job {number} {state} {more}, is {self.job(number)}")

    def test_fcfs_denies_and_get_shows_it(self):
        self.start()
        self.wait(self.submit("-N4"), "inactive", exception_note=DENIED, result=2)
        self.assertEqual(self.simulator.get("job_failed_count", "job_pending_count", "node_wanted_count"),
                         {"job_failed_count": {("",): 1}, "job_pending_count": 0, "node_wanted_count": 1})
        done = run("get", "--state", environment=harness.clean_environment(FLUX_URI=self.simulator.uri))
        scheduling = json.loads(done.stdout)["scheduling"]
        self.assertEqual((scheduling["queue_policy"], scheduling["match_policy"]), ("fcfs", "first"))
        info = self.simulator.get("scheduler_info")["scheduler_info"]
        self.assertEqual(list(info), [("", "Fluxion", "fcfs", "first", "ALL:core,ALL:node")])

    def test_easy_waits_and_is_asked_for(self):
        self.start("--queue-policy", "easy", "--match-policy", "lonode", speed=5)
        wide = self.submit("-N4", "--duration", "60s")
        self.wait(wide, "sched")
        self.assertEqual(self.simulator.get("node_wanted_count"), {"node_wanted_count": 4})
        self.simulator.ctl("online", "2-3")
        found = self.wait(wide, "run", ranks="[0-3]")
        self.assertEqual(found["annotations"], {"sched": {"selection_type": "immediate"}})
        self.assertEqual(found["expiration"] - int(found["t_run"]), 60)

    def test_a_drain_ends_a_job_that_waits(self):
        for policy, ends in (("fcfs", True), ("conservative", False)):
            with self.subTest(policy=policy):
                self.start("--queue-policy", policy, size=4)
                self.wait(self.submit("-N2"), "run", ranks="[2-3]")
                wide = self.submit("-N4")
                self.wait(wide, "sched")
                self.simulator.ctl("drain", "0", "a fan")
                if ends:
                    self.wait(wide, "inactive", exception_note=DENIED)
                eventually(lambda: self.broker.rpc("resource.status")["drain"], "a drain")
                self.assertEqual(self.job(wide)["state"], 64 if ends else 8)

    def test_ranks_by_match_policy(self):
        for policy, ranks in (("first", ["3", "2", "1"]), ("lonode", ["0", "0", "0"]), ("hinodex", ["3", "2", "1"]),
                              ("policy=low node_exclusive=true", ["0", "1", "2"])):
            with self.subTest(policy=policy):
                self.start("--match-policy", policy, size=4)
                got = [self.wait(self.submit("-N1", "-n1"), "run")["ranks"] for _ in ranks]
                self.assertEqual(got, ranks)
        self.assertEqual(self.broker.rpc("config.get")["sched-fluxion-resource"], {"match-policy": policy})

    def test_one_queue_by_another_policy(self):
        self.start("--queue", "batch", "--queue", "debug", "--queue-policy", "hybrid", "--queue-policy", "debug=fcfs")
        self.simulator.ctl("queue", "start", "--all")
        self.wait(self.submit("-N4", "-q", "batch"), "sched")
        self.wait(self.submit("-N4", "-q", "debug"), "inactive", exception_note=DENIED)
        info = self.simulator.get("scheduler_info")["scheduler_info"]
        self.assertEqual({item[0]: item[2] for item in info}, {"batch": "hybrid", "debug": "fcfs"})

    def test_it_can_be_unloaded(self):
        self.start(size=4)
        self.simulator.ctl("scheduler", "unload")
        waits = self.submit("-N1")
        self.assertEqual(self.broker.error("sched-fluxion-qmanager.stats-get").number, 38)
        self.simulator.ctl("scheduler", "load")
        self.wait(waits, "run")
        stats = self.broker.rpc("sched-fluxion-qmanager.stats-get")["queues"]["default"]
        self.assertEqual(len(stats["scheduled_queues"]["running"]), 1)

    def test_in_the_middle_of_its_work(self):
        self.start("--queue-policy", "conservative", "--running", 200, "--pending", 2000, size=64, max_size=64)
        eventually(lambda: self.simulator.get("job_running_count")["job_running_count"] >= 200, "the running jobs")
        self.assertGreater(self.simulator.get("job_pending_count")["job_pending_count"], 1000)


if __name__ == "__main__":
    harness.main()
