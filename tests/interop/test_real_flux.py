"""`get` and `start` against a real Flux: counts against Flux's own commands, demand against demand.py."""
import collections
import unittest

import demand
import harness
import realflux

POLICY = ("--hold", "0s", "--patience", "0s")
STATES = ("depend", "priority", "sched", "run", "cleanup", "inactive")


def flux_counts(flux):
    """Every count metric, from what Flux's commands print: {name: number or {labels: number}}."""
    table, jobs, started = flux.resources(), flux.jobs(), flux.queues()
    allocated = realflux.rooms(flux.json("resource", "R", "-s", "allocated"))
    up = realflux.rooms(flux.json("resource", "R", "-s", "up"))
    free = realflux.rooms(flux.json("resource", "R", "-s", "free"))
    counts = {
        "node_total_count": table["all"][0],
        "node_up_count": table["up"][0],
        "node_down_count": table["down"][0],
        "node_allocated_count": table["allocated"][0],
        "node_free_count": sum(room.cores > 0 for room in free.values()),
        "node_idle_count": len(up.keys() - allocated.keys()),
        "node_drained_count": len(flux.drains()),
        "node_draining_count": len({rank for rank, reason in flux.drains().items()
                                    if reason.startswith("flux-metrics-api:")} & allocated.keys()),
        "job_queue_state_new_count": 0,
    }
    for column, kind in ((1, "cores"), (2, "gpus")):
        for state, name in (("all", "total"), ("up", "up"), ("free", "free"), ("allocated", "allocated")):
            counts[f"node_{kind}_{name}_count"] = table[state][column]
    by_state = collections.Counter(job["state"].lower() for job in jobs)
    for state in STATES:
        counts[f"job_queue_state_{state}_count"] = by_state[state]
    counts["job_pending_count"] = by_state["depend"] + by_state["priority"] + by_state["sched"]
    counts["job_running_count"] = by_state["run"] + by_state["cleanup"]
    possible = {job.id for job in demand.possible_jobs(flux.world())}
    eligible = [job for job in jobs if int(job["id"]) in possible]
    waiting = collections.Counter(job["queue"] for job in eligible)
    counts["job_eligible_count"] = {(queue,): waiting[queue] for queue in started}
    unlimited = collections.Counter(job["queue"] for job in eligible if float(job["duration"]) == 0)
    counts["job_unlimited_count"] = {(queue,): unlimited[queue] for queue in started}
    results = collections.Counter((job["queue"], job["result"]) for job in jobs if job["state"] == "INACTIVE")
    for result, name in (("COMPLETED", "successful"), ("FAILED", "failed"), ("CANCELED", "canceled"), ("TIMEOUT", "timeout")):
        counts[f"job_{name}_count"] = {(queue,): results[queue, result] for queue in started}
    if up:
        counts["node_utilization_ratio"] = len(allocated.keys() & up.keys()) / len(up)
        counts["core_utilization_ratio"] = (table["up"][1] - table["free"][1]) / table["up"][1]
    by_queue = collections.Counter((job["queue"], job["state"].lower()) for job in jobs)
    counts["job_count"] = {(queue, state): by_queue[queue, state] for queue in started for state in STATES[:-1]}
    return counts


def sizing(flux):
    """The sizing metrics by demand.py; families with a queue label are {(queue,): number}."""
    return {name: {(queue,): number for queue, number in value.items()} if isinstance(value, dict) else value
            for name, value in demand.calculate(flux.world()).items()}


def flat(value):
    """A family's items without those that are zero: whether a queue without jobs is listed is tested elsewhere."""
    if isinstance(value, dict):
        return {labels: number for labels, number in value.items() if number}
    return value


class Comparison(unittest.TestCase):
    maxDiff = None

    # What an owner sees, and asks; guests have their own.
    def document(self, flux):
        return harness.get_document(flux.uri, options=POLICY)

    def sizing(self, flux):
        return sizing(flux)

    def check_shapes(self, flux, got):
        self.assertEqual(got["job_shape_unknown_count"], 0, "the owner reads every jobspec")

    def compare(self, flux, state):
        """Reads Flux, then the program, then Flux again, until Flux stood still; all numbers must be equal."""
        def attempt():
            before = {**flux_counts(flux), **self.sizing(flux)}
            document = self.document(flux)
            after = {**flux_counts(flux), **self.sizing(flux)}
            return (before, document) if before == after else None

        expected, document = harness.eventually(attempt, f"{state}: Flux standing still", 60)
        got = harness.reduce_metrics(document)
        self.assertEqual(document["instance"]["size"], flux.size)
        missing = sorted(expected.keys() - got.keys())
        self.assertEqual(missing, [], "metrics that the program does not know")
        wrong = {name: {"flux": flat(value), "program": flat(self.by_labels(document, name, got[name], value))}
                 for name, value in expected.items()
                 if flat(self.by_labels(document, name, got[name], value)) != flat(value)}
        self.assertEqual(wrong, {}, f"in state '{state}'")
        self.check_shapes(flux, got)
        print(f"  {state}: {len(expected)} metrics equal", flush=True)
        return got

    @staticmethod
    def by_labels(document, name, got, expected):
        """One unlabelled queue and one item read alike; label order is the metric's own."""
        if isinstance(expected, dict) and not isinstance(got, dict):
            return {next(iter(expected)): got} if len(expected) == 1 else got
        if isinstance(got, dict) and name == "job_count":
            items = next(metric for metric in document["metrics"] if metric["name"] == name)["items"]
            return {(item["labels"]["queue"], item["labels"]["state"]): item["value"] for item in items}
        return got

    def wait_jobs(self, flux, state, count):
        harness.eventually(lambda: sum(job["state"] == state for job in flux.jobs()) == count, f"{count} jobs in {state}")

    def server_says_the_same(self, flux, names):
        with harness.Server(*POLICY, "--insecure-skip-auth", uri=flux.uri) as server:
            for name in names:
                wanted = harness.get_metrics(flux.uri, name, options=POLICY)[name]
                if isinstance(wanted, dict):
                    wanted = sum(wanted.values())
                harness.eventually(lambda: server.number(name) is not None, f"{name} over HTTP")
                answer = server.metric(name, tls=True)
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.value()["value"], str(int(wanted)), name)
                self.assertLess(abs(harness.utc_age(answer.value()["timestamp"])), 20)


class WithoutQueues(Comparison):
    """Resources found by Flux itself, one anonymous queue."""

    def test_states(self):
        with realflux.Instance(size=4) as flux:
            cores = next(iter(flux.first_rooms.values())).cores
            self.compare(flux, "empty")
            flux.flux("submit", "--wait", "true")
            flux.flux("submit", "--wait", "false", check=False)
            self.compare(flux, "one good and one failed job")
            flux.submit("-n1", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 1)
            self.compare(flux, "one core busy")
            wide = flux.submit("-N4", "--exclusive", "sleep", "inf")
            flux.submit("-n3", f"-c{cores}", "sleep", "inf")
            flux.submit("--urgency=hold", "-N2", "true")
            flux.submit("--dependency=afterok:" + str(wide), "true")
            self.compare(flux, "running, waiting, held and dependent jobs")
            self.server_says_the_same(flux, ["node_up_count", "node_wanted_all_count", "job_pending_count", "node_demand_count"])
            busy = sorted(realflux.rooms(flux.json("resource", "R", "-s", "allocated")))[-1]
            flux.flux("resource", "drain", str(busy), "broken fan")
            self.compare(flux, "drained while busy, a job that can not start any more")
            flux.flux("resource", "undrain", str(busy))
            flux.kill_broker(3)
            self.compare(flux, "one broker killed")


class WithQueues(Comparison):
    """Two queues and configured resources with gpus: as a MiniCluster, a lost rank stays in R."""

    CONFIG = '[queues.batch]\nrequires = ["batch"]\n[queues.debug]\nrequires = ["debug"]\n'
    RESOURCES = ["-r", "0-3", "-c", "0-7", "-g", "0-1", "-H", "node[0-3]", "-p", "batch:0-2", "-p", "debug:3"]

    def test_states(self):
        with realflux.Instance(size=4, config=self.CONFIG, resources=self.RESOURCES) as flux:
            flux.submit("-q", "batch", "-N2", "sleep", "inf")
            self.compare(flux, "stopped queues")
            flux.flux("queue", "start", "--all")
            self.wait_jobs(flux, "RUN", 1)
            self.compare(flux, "running")
            # Before the jobs that must wait: the scheduler looks at no queue behind a job that does.
            flux.submit("-q", "debug", "-n2", "-c2", "-g1", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 2)
            flux.submit("-q", "batch", "-n20", "sleep", "inf")
            flux.submit("-q", "batch", "-N3", "--exclusive", "sleep", "inf")
            flux.submit("-q", "debug", "-n2", "-g1", "sleep", "inf")
            self.wait_jobs(flux, "SCHED", 3)
            self.compare(flux, "pending jobs of several shapes")
            flux.flux("resource", "drain", "3", "flux-metrics-api: given back")
            self.compare(flux, "a busy rank drained by ourselves")
            flux.flux("resource", "drain", "2", "broken fan")
            self.compare(flux, "a rank drained by somebody else")
            flux.kill_broker(3)
            self.compare(flux, "one broker killed under its jobs")
            flux.flux("cancel", "--all")
            harness.eventually(lambda: all(job["state"] == "INACTIVE" for job in flux.jobs()), "all jobs ended")
            self.compare(flux, "all jobs canceled")
            self.server_says_the_same(flux, ["node_up_count", "node_wanted_all_count", "node_gpus_up_count"])


class Simulation(unittest.TestCase):
    """Flux's own commands against the simulated instance: it speaks Flux's protocol to others too."""

    def setUp(self):
        self.simulator = self.enterContext(harness.Simulator(size=2, max_size=4, cores=4, gpus=1))
        self.flux = realflux.Instance()
        self.flux.environment, self.flux.uri = harness.clean_environment(), self.simulator.uri

    def test_resource_list(self):
        self.simulator.ctl("submit", "-N1", "-n2")
        harness.eventually(lambda: self.flux.resources()["allocated"][0] == 1, "a running job")
        table = self.flux.resources()
        self.assertEqual(table["all"], (4, 16, 4))
        self.assertEqual(table["down"][0], 2)
        self.assertEqual(table["allocated"][:2], (1, 2))
        self.assertEqual(table["free"][:2], (2, 6))

    def test_jobs(self):
        done = self.simulator.ctl("submit", "-N1", "--duration", "0.1s")
        self.simulator.ctl("submit", "-N4")
        harness.eventually(lambda: any(job["result"] == "COMPLETED" for job in self.flux.jobs()), "a finished job")
        states = {job["id"]: job["state"] for job in self.flux.jobs()}
        self.assertEqual(sorted(states.values()), ["INACTIVE", "SCHED"])
        self.assertEqual(states[self.flux.flux("job", "id", done)], "INACTIVE")

    def test_queue_status(self):
        self.assertIn("Scheduling is started", self.flux.flux("queue", "status"))
        with harness.Simulator("--queue", "batch") as simulator:
            self.flux.uri = simulator.uri
            self.assertIn("batch: Scheduling is stopped", self.flux.flux("queue", "status"))
            simulator.ctl("queue", "start", "--all")
            self.assertIn("batch: Scheduling is started", self.flux.flux("queue", "status"))


if __name__ == "__main__":
    harness.main()
