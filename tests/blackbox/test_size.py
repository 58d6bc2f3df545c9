"""Large instances: they start in the middle of their work, and are followed by asking for changes only."""
import unittest

import fluxwire
import harness
from harness import Program, Server, Simulator, clean_environment, eventually, run

PENDING = 3011  # more than the events journal is read for; written without a suffix


def listing(broker, **constraint):
    return broker.rpc("job-list.list", {"max_entries": 0, "attrs": ["state", "t_submit", "nnodes", "ranks"],
                                        "constraint": constraint})["jobs"]


class TalkativeServer(Server):
    """One that logs everything."""

    def __init__(self, uri):
        self.host, self.port = "127.0.0.1", harness.free_port()
        Program.__init__(self, "--debug", "start", "--host", self.host, "--port", self.port,
                         environment=clean_environment(FLUX_URI=uri))


class MiddleOfWork(unittest.TestCase):
    def test_jobs_are_there_from_the_start(self):
        with Simulator(size=8, max_size=8, pending=50, running=10) as instance, \
                fluxwire.Broker(instance.path) as broker:
            states = broker.rpc("job-list.job-stats")["job_states"]
            self.assertEqual((states["sched"], states["run"], states["total"]), (50, 10, 60))
            running = listing(broker, states=[16])
            self.assertEqual(len(running), 10)
            for job in running:
                self.assertTrue(job["ranks"])
            pending = listing(broker, states=[8])
            self.assertEqual(pending[0]["nnodes"], 8, "the first in line wants all ranks")
            self.assertLess(pending[0]["t_submit"], pending[-1]["t_submit"])
            allocated = broker.rpc("job-manager.resource-status")["allocated"]["execution"]["R_lite"]
            self.assertTrue(allocated)
            self.assertEqual(instance.get("job_running_count", "job_pending_count"),
                             {"job_running_count": 10, "job_pending_count": 50})

    def test_a_full_machine_is_filled_to_the_last_core(self):
        with Simulator(size=3, max_size=3, cores=4, running=12) as instance:
            self.assertEqual(instance.get("node_cores_free_count", "job_running_count"),
                             {"node_cores_free_count": 0, "job_running_count": 12})

    def test_more_jobs_than_cores_are_refused(self):
        done = run("simulate", "--size", "3", "--cores", "4", "--running", "13")
        self.assertEqual(done.returncode, 2)
        self.assertIn("13 running jobs do not fit on 3 ranks with 4 cores each", done.stderr)


class Changes(unittest.TestCase):
    """Each kind of change reaches the metrics, and no full list of jobs is asked for in between."""

    def test_submit_cancel_and_end(self):
        with Simulator(size=4, max_size=4, cores=4, pending=PENDING, running=4) as instance, \
                TalkativeServer(instance.uri) as server, \
                fluxwire.Broker(instance.path) as broker:
            server.wait_number("job_eligible_count", PENDING)
            new = [broker.submit(fluxwire.jobspec(duration=3600)) for _ in range(5)]
            server.wait_number("job_eligible_count", PENDING + 5)
            server.wait_number("job_pending_count", PENDING + 5)

            for job in new[:2]:
                broker.rpc("job-manager.raise", {"id": job, "severity": 0, "type": "cancel"})
            server.wait_number("job_eligible_count", PENDING + 3)

            # The jobs that run make room for the one that wants all ranks.
            for job in listing(broker, states=[16]):
                broker.rpc("job-manager.raise", {"id": job["id"], "severity": 0, "type": "cancel"})
            server.wait_number("job_running_count", 1)
            server.wait_number("job_eligible_count", PENDING + 2)

            # A job that waits for its time is told when it may start.
            waits = fluxwire.jobspec(duration=3600, dependencies=[
                {"scheme": "begin-time", "value": str(broker.rpc("simulate.clock")["now"] + 1.5)}])
            broker.submit(waits)
            server.wait_number("job_pending_count", PENDING + 3)
            server.wait_number("job_eligible_count", PENDING + 3)
            self.assertEqual(server.log().count("a full list of"), 1, server.log())

    def test_the_cost_is_told(self):
        with Simulator(size=4, max_size=4, pending=PENDING, running=4) as instance, \
                Server(uri=instance.uri) as server:
            server.wait_number("job_eligible_count", PENDING)
            self.assertEqual(server.get("/readyz/flux").body, b"ok")
            text = server.get("/readyz/flux?verbose").body.decode()
            self.assertRegex(text, r"^ok\nstate: running\nreturned: 0 times\nbroker time: at most [\d.]+ %\njobs: 3015, last listed in [\d.]+ ms\nscheduler: sched-simple\n$")
        with Simulator() as instance, Server(uri=instance.uri) as server:
            server.wait_number("job_pending_count", 0)
            eventually(lambda: b"reported by the events journal" in server.get("/readyz/flux?verbose").body,
                       "the journal")


if __name__ == "__main__":
    harness.main()
