"""Fluxion, and `simulate --scheduler fluxion` beside it: after the same actions the same jobs run, wait and fail, in the
same places. Where Flux has no Fluxion these tests are skipped."""
import json
import os
import pathlib
import unittest

import harness
import realflux

MATCH_POLICIES = ("first", "firstnodex", "high", "low", "lonode", "hinode", "lonodex", "hinodex")
QUEUE_POLICIES = ("fcfs", "easy", "hybrid", "conservative")
DENIED = 'alloc denied due to type="unsatisfiable"'
RESOURCES = ["-r", "0-3", "-c", "0-3", "-g", "0", "-H", "node[0-3]"]


def configuration(queue_policy=None, match_policy=None, prune_filters=None):
    lines = ["[sched-fluxion-qmanager]", f'queue-policy = "{queue_policy}"' if queue_policy else "",
             "[sched-fluxion-resource]", f'match-policy = "{match_policy}"' if match_policy else "",
             f'prune-filters = "{prune_filters}"' if prune_filters else ""]
    return "\n".join(line for line in lines if line) + "\n"


def options(**policies):
    return [word for name, value in policies.items() if value for word in (f"--{name.replace('_', '-')}", value)]


class Both:
    """A real Flux with Fluxion and the simulated one, each with 4 nodes of 4 cores and a gpu."""

    def __init__(self, test, **policies):
        self.test = test
        self.real = test.enterContext(realflux.Instance(size=4, config=configuration(**policies), resources=RESOURCES))
        self.simulator = test.enterContext(harness.Simulator("--scheduler", "fluxion", *options(**policies),
                                                             size=4, max_size=4, cores=4, gpus=1))
        self.simulated = realflux.Instance()
        self.simulated.environment, self.simulated.uri = harness.clean_environment(), self.simulator.uri
        self.ids = {self.real: [], self.simulated: []}

    def each(self, *arguments):
        return [flux.flux(*arguments) for flux in self.ids]

    def submit(self, *arguments):
        for flux, ids in self.ids.items():
            ids.append(flux.submit(*arguments, "sleep", "inf"))
        self.agree(" ".join(arguments))

    def cancel_all(self):
        self.each("cancel", "--all")
        for flux, ids in self.ids.items():
            harness.eventually(lambda flux=flux: all(job["state"] == "INACTIVE" for job in flux.jobs()), "all ended")
            ids.clear()

    def kill(self, rank):
        self.real.kill_broker(rank)
        self.simulator.ctl("offline", str(rank), "--lost")
        harness.eventually(lambda: rank in self.simulated.ranks("offline"), f"rank {rank} offline")

    @staticmethod
    def fate(flux, job):
        """[state, what it holds] of a job that runs, [state, selection] of one that waits, [state, why] of one that ended."""
        if job["state"] == "RUN":
            R = json.loads(flux.flux("job", "info", str(job["id"]), "R"))["execution"]
            return ["RUN", R["R_lite"], R["expiration"] - R["starttime"] if R["expiration"] < 9e9 else None,
                    job["annotations"]]
        if job["state"] == "SCHED":
            return ["SCHED", job["annotations"].get("sched", {}).get("selection_type")]
        return [job["state"], job.get("result"), job["exception"].get("note")]

    def fates(self, flux):
        jobs = {job["id"]: job for job in json.loads(flux.flux("jobs", "-A", "-a", "-c0", "--json"))["jobs"]}
        return [self.fate(flux, jobs[number]) for number in self.ids[flux]]

    def agree(self, what):
        """Both say the same of all jobs, twice in a row: neither is about to change its mind."""
        last = []

        def same():
            found = [self.fates(flux) for flux in self.ids]
            repeated = last == found
            last[:] = found
            return repeated and found[0] == found[1] and found[0]
        try:
            return harness.eventually(same, f"{what}: the same fates", 20)
        except AssertionError:
            self.test.assertEqual(last[1], last[0], f"after {what}: simulated != real")
            raise

    def states(self):
        return [fate[0] if fate[0] != "INACTIVE" or fate[-1] != DENIED else "denied" for fate in self.agree("a look")]


@unittest.skipUnless(realflux.has_fluxion(), "this Flux has no Fluxion")
@unittest.skipIf(realflux.SCHEDULER == "simple", "the scheduler is sched-simple")
class Fluxion(unittest.TestCase):
    maxDiff = None

    def test_placement_by_match_policy(self):
        path = pathlib.Path(__file__).parents[1] / "data" / "fluxion-captures" / "placement.json"
        recorded = json.loads(path.read_text(encoding="utf-8"))
        self.assertEqual(sorted(recorded), sorted(MATCH_POLICIES))
        for policy in os.environ.get("MATCH_POLICIES", " ".join(MATCH_POLICIES)).split():
            with self.subTest(match_policy=policy):
                both = Both(self, queue_policy="conservative", match_policy=policy)
                for step in recorded[policy]:
                    if "cancel" in step:
                        both.cancel_all()
                    else:
                        both.submit(*step["submit"].split())
                self.doCleanups()

    def test_who_waits_and_how(self):
        for policy in QUEUE_POLICIES:
            with self.subTest(queue_policy=policy):
                both = Both(self, queue_policy=policy)
                for text in ("-N3 -t10m", "-N4 -t5m", "-N1 -n1 -t1m", "-N1 -n1 -t1h", "-N2 -n2 -t1h", "-n64", "-n1 -c8"):
                    both.submit(*text.split())
                states = both.states()
                self.assertEqual(states[:2], ["RUN", "SCHED"])
                self.assertEqual(states[2], "SCHED" if policy == "fcfs" else "RUN", "backfill")
                self.doCleanups()

    def test_wider_than_what_is_up(self):
        """The queue policies' answer to a job that asks for more than is up, and to nodes that go."""
        for policy, filters, expected in (("fcfs", None, "denied"), (None, None, "denied"), ("fcfs", "ALL:core", "SCHED"),
                                          ("easy", None, "SCHED"), ("hybrid", None, "SCHED"),
                                          ("conservative", None, "SCHED")):
            with self.subTest(queue_policy=policy, prune_filters=filters):
                both = Both(self, queue_policy=policy, prune_filters=filters)
                both.submit("-N4", "--exclusive", "-t10m")
                both.submit("-N4")
                self.assertEqual(both.states(), ["RUN", "SCHED"], "all are up")
                both.each("resource", "drain", "3", "broken fan")
                both.agree("drain 3")
                self.assertEqual(both.states(), ["RUN", expected], "a node is drained under a job that waits")
                both.cancel_all()
                both.submit("-N4")
                self.assertEqual(both.states(), [expected], "wider than what is up")
                both.cancel_all()
                both.each("resource", "undrain", "3")
                both.submit("-N3", "-t10m")
                both.submit("-N4")
                self.assertEqual(both.states(), ["RUN", "SCHED"])
                idle = ({0, 1, 2, 3} - realflux.idset(both.agree("a look")[0][1][0]["rank"])).pop()
                if idle:  # rank 0 leads
                    both.kill(idle)
                    both.agree("a node lost")
                    self.assertEqual(both.states(), ["RUN", expected])
                self.doCleanups()

    def test_impossible_jobs(self):
        for policy in QUEUE_POLICIES:
            with self.subTest(queue_policy=policy):
                both = Both(self, queue_policy=policy)
                for text in ("-N8", "-N1 --requires=rank:7", "-n1 --requires=rank:7", "-N1 -c5 -n1", "-N2 -t1m"):
                    both.submit(*text.split())
                self.assertEqual(both.states()[0], "denied" if policy == "fcfs" else "SCHED")
                self.doCleanups()

    def test_behind_a_reservation_easy_denies(self):
        for policy in ("easy", "hybrid", "conservative"):
            with self.subTest(queue_policy=policy):
                both = Both(self, queue_policy=policy)
                both.submit("-N3", "-t10m")
                both.each("resource", "drain", "0", "broken fan")
                both.submit("-N3", "-t1m")
                both.submit("-N4", "-t1m")
                self.assertEqual(both.states(), ["RUN", "SCHED", "denied" if policy == "easy" else "SCHED"])
                self.doCleanups()

    def test_constraints_behind_jobs_without_a_limit(self):
        both = Both(self)
        both.submit("-N3")
        both.submit("-N4", "--requires=rank:0-3")
        both.submit("-N4")
        self.assertEqual(both.states(), ["RUN", "denied", "SCHED"])

    def test_replies(self):
        """The RPCs that tell how Fluxion is set, from both."""
        both = Both(self, queue_policy="easy", match_policy="lonode")
        both.submit("-N1", "-n3", "-t10m")
        import fluxwire
        answers = []
        for flux in both.ids:
            with fluxwire.Broker(flux.uri.removeprefix("local://")) as broker:
                found = {topic: broker.rpc(topic) for topic in (
                    "sched-fluxion-qmanager.params", "sched-fluxion-resource.params", "sched.resource-status",
                    "job-manager.alloc-query")}
                config = broker.rpc("config.get")
                found["config"] = [config.get(name) for name in ("sched-fluxion-qmanager", "sched-fluxion-resource")]
                graph = broker.rpc("sched-fluxion-resource.stats-get")
                found["graph"] = [graph[name] for name in ("V", "E", "by_rank")] + [graph["match"]["failed"]["njobs"]]
            answers.append(json.loads(json.dumps(found).replace("flux-sample-", "node")))
        self.assertEqual(answers[1], answers[0])


if __name__ == "__main__":
    harness.main()
