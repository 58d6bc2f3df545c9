"""States that an instance goes through, and what the numbers are then."""
import unittest

import fluxwire
import harness
from harness import Simulator, eventually

POLICY = ("--hold", "0s", "--patience", "0s")


def start(simulator, *flags):
    return harness.Server(*POLICY, *flags, uri=simulator.uri)


class Ranks(unittest.TestCase):
    def test_excluded_and_torpid(self):
        with Simulator("--exclude", "0", size=4, max_size=4) as simulator, start(simulator) as server:
            server.wait_number("node_total_count", 3)
            simulator.ctl("submit", "-N2")
            server.wait_number("node_safe_min_count", 3)  # ranks 1 and 2: rank 0 gets no jobs
            simulator.ctl("torpid", "2-3")
            server.wait_number("node_up_count", 1)
            server.wait_number("node_down_count", 2)
            server.wait_number("node_allocated_count", 2)
            simulator.ctl("submit", "-N1")
            server.wait_number("job_unsatisfiable_count", 0)
            server.wait_number("job_queue_state_sched_count", 1)
            simulator.ctl("submit", "-N2")
            server.wait_number("job_unsatisfiable_count", 1)  # one usable rank is left, busy though it is
            simulator.ctl("lively", "2-3")
            server.wait_number("job_unsatisfiable_count", 0)
            server.wait_number("job_queue_state_run_count", 2)
            with fluxwire.Broker(simulator.path) as broker:
                self.assertEqual(broker.error("resource.drain", {"targets": "0"}).text, "rank 0 excluded")

    def test_a_lost_rank_of_an_instance_that_found_its_resources(self):
        with Simulator("--discovery", size=4, max_size=4) as simulator, start(simulator) as server:
            server.wait_number("node_total_count", 4)
            simulator.ctl("offline", "3", "--lost")
            server.wait_number("node_total_count", 3)
            server.wait_number("node_down_count", 0)
            server.wait_number("node_cores_total_count", 12)
            done = harness.run("simulate-ctl", "online", "3", "--flux-uri", simulator.uri)
            self.assertEqual(done.returncode, 1)
            self.assertIn("removed for good", done.stderr)
        # Older versions kept it, as a MiniCluster does.
        with Simulator("--discovery", "--as-version", "0.71", size=4, max_size=4) as simulator, start(simulator) as server:
            server.wait_number("node_up_count", 4)
            simulator.ctl("offline", "3", "--lost")
            server.wait_number("node_down_count", 1)
            server.wait_number("node_total_count", 4)


class Queues(unittest.TestCase):
    def test_constraints_and_priorities(self):
        with Simulator("--queue", "batch", "--queue", "debug=2-3", size=4, max_size=6, cores=8) as simulator, \
                start(simulator) as server, fluxwire.Broker(simulator.path) as broker:
            server.wait_number("node_up_count", 4)
            simulator.ctl("submit", "-N2", "-q", "debug")
            simulator.ctl("submit", "-N6", "-q", "batch", "--urgency", "0")
            server.wait_number("job_queue_state_sched_count", 2)
            server.wait_number("job_eligible_count", 0)  # a stopped queue, and a held job
            server.wait_number("node_wanted_all_count", 1)
            simulator.ctl("queue", "start", "--all")
            server.wait_number("node_allocated_count", 2)
            server.wait_number("node_safe_min_count", 4)  # debug's ranks are 2 and 3
            held = broker.rpc("job-manager.getinfo")["max_jobid"]
            broker.rpc("job-manager.urgency", {"id": held, "urgency": 16})
            server.wait_number("job_eligible_count", 1)
            server.wait_number("node_wanted_all_count", 6)
            server.wait_number("node_shortage_count", 2)
            # A job that may run on one rank only, and one whose property no rank has.
            broker.submit(fluxwire.jobspec(nodes=1, queue="batch", constraints={"ranks": ["4"]}))
            broker.submit(fluxwire.jobspec(nodes=1, queue="batch", constraints={"properties": ["debug"]}), urgency=31)
            broker.rpc("job-manager.urgency", {"id": held, "urgency": 0})
            server.wait_number("job_eligible_count", 2)
            server.wait_number("node_wanted_all_count", 5)

    def test_purged_jobs(self):
        with Simulator(size=2) as simulator, start(simulator) as server:
            simulator.ctl("submit", "-n1", "--duration", "0.05s", "--cc", "5")
            server.wait_number("job_finished_total", 5)
            server.wait_number("job_queue_state_inactive_count", 5)
            self.assertEqual(simulator.ctl("purge", "--keep", "2"), "3")
            server.wait_number("job_queue_state_inactive_count", 2)
            self.assertEqual(server.number("job_finished_total"), "5")
            simulator.ctl("submit", "-n1", "--duration", "0.05s")
            server.wait_number("job_finished_total", 6)
            simulator.ctl("purge")
            server.wait_number("job_queue_state_inactive_count", 0)
            self.assertEqual(server.number("job_finished_total"), "6")


class Life(unittest.TestCase):
    def test_waiting_for_a_quorum(self):
        with Simulator("--quorum", "3", size=1, max_size=4) as simulator, start(simulator) as server:
            server.wait_number("node_up_count", 1)
            self.assertEqual(harness.get_document(simulator.uri)["instance"]["state"], "quorum")
            simulator.ctl("submit", "-N3")
            server.wait_number("node_wanted_all_count", 3)
            simulator.ctl("online", "1-2")
            server.wait_number("node_allocated_count", 3)
            self.assertEqual(harness.get_document(simulator.uri)["instance"]["state"], "run")

    def test_no_scheduler(self):
        with Simulator("--no-scheduler", size=2) as simulator, start(simulator) as server:
            simulator.ctl("submit", "-N4")
            server.wait_number("job_queue_state_sched_count", 1)
            # Flux shows the queue as stopped; the job is as eligible as it was, and its demand stays.
            server.wait_number("job_eligible_count", 1)
            server.wait_number("node_wanted_all_count", 4)
            simulator.ctl("online", "2-3")
            server.wait_number("node_up_count", 4)
            self.assertEqual(server.number("node_allocated_count"), "0")
            simulator.ctl("scheduler", "load")
            server.wait_number("node_allocated_count", 4)
            simulator.ctl("scheduler", "unload")
            simulator.ctl("submit", "-N1")
            server.wait_number("job_eligible_count", 1)
            with fluxwire.Broker(simulator.path) as broker:
                self.assertEqual(broker.rpc("job-manager.queue-status", {}),
                                 {"enable": True, "start": False, "blocked": "scheduler",
                                  "stop_reason": "Scheduler is offline"})

    def test_shutting_down(self):
        # Jobs are cancelled and ranks leave one by one: nobody should scale by that.
        with Simulator(size=3, max_size=4) as simulator, start(simulator, "--max-staleness", "60s") as server:
            simulator.ctl("submit", "-N2", "-n2")
            simulator.ctl("submit", "-N4")
            server.wait_number("node_wanted_all_count", 4)
            server.wait_number("node_allocated_count", 2)
            simulator.ctl("shutdown")
            names = ("node_up_count", "node_wanted_all_count", "node_allocated_count")
            while simulator.running():
                self.assertEqual([server.number(name) for name in names], ["3", "4", "2"])
            server.wait_log(r"is ending \(its broker is in state '(cleanup|shutdown|finalize)'\)")
            self.assertEqual(simulator.process.returncode, 0)
            self.assertEqual([server.number(name) for name in names], ["3", "4", "2"])
            # Another instance in its place, and nothing is left of the first one.
            with Simulator("--queue", "fresh", socket_path=simulator.path, size=1, max_size=9, cores=2) as other:
                server.wait_number("node_up_count", 1)
                server.wait_number("node_total_count", 9)
                server.wait_number("node_wanted_count", 1)
                self.assertEqual(server.number("node_allocated_count"), "0")
                self.assertEqual(server.number("job_pending_count"), "0")
                other.ctl("submit", "-N2", "-q", "fresh")
                other.ctl("queue", "start", "--all")
                server.wait_number("node_wanted_count", 2)

    def test_another_broker_under_a_running_server(self):
        # With a long hold, too: what the first instance wanted is not the second one's business. Its own size is.
        with Simulator(size=4, max_size=8, gpus=1, expected_exit=None) as first, \
                harness.Server("--hold", "1h", "--patience", "0s", uri=first.uri) as server:
            first.ctl("submit", "-N4", "--cc", "2")
            server.wait_number("node_allocated_count", 4)
            first.ctl("drain", "3", "broken fan")
            server.wait_number("node_wanted_count", 8)
            server.wait_number("gpu_demand_count", 8)
            first.kill()
            for _ in range(2):  # a second time, for what a first restart may have left behind
                with Simulator(socket_path=first.path, size=2, max_size=3, expected_exit=None) as second:
                    server.wait_number("node_total_count", 3)
                    for name, value in (("node_up_count", 2), ("node_drained_count", 0), ("node_allocated_count", 0),
                                        ("gpu_demand_count", 0), ("job_running_count", 0), ("node_wanted_count", 2),
                                        ("job_finished_total", 0)):
                        server.wait_number(name, value)
                    second.ctl("submit", "-N1")
                    server.wait_number("job_running_count", 1)
                    second.kill()
            self.assertTrue(server.running())


class SubInstances(unittest.TestCase):
    """The instance of a batch job: its ranks are no pods."""

    def test_without_a_name_the_way_is_up(self):
        with Simulator(size=3, max_size=6) as top, \
                Simulator("--parent-uri", top.uri, "--discovery", size=2, max_size=2) as middle, \
                Simulator("--parent-uri", middle.uri, "--discovery", size=1, max_size=1) as inner:
            document = harness.get_document(inner.uri)
            self.assertEqual((document["instance"]["size"], document["instance"]["level"]), (6, 0))
            with start(inner) as server:
                server.wait_number("node_total_count", 6)
                server.wait_log("belongs to a sub-instance")
                self.assertEqual(server.metric("node_wanted_count").status, 200)

    def test_a_named_one_has_no_pods(self):
        with Simulator(size=3, max_size=6) as top, \
                Simulator("--parent-uri", top.uri, "--discovery", size=2, max_size=2) as sub, \
                harness.Server("--flux-uri", sub.uri) as server:
            server.wait_number("node_total_count", 2)
            for name in ("node_safe_min_count", "node_wanted_count", "node_wanted_all_count", "node_shortage_count"):
                answer = server.metric(name)
                self.assertEqual(answer.status, 404, name)
                self.assertIn("its ranks are not pod indexes", answer.json()["message"])
            sub.ctl("submit", "-N2")
            server.wait_number("node_demand_count", 2)

    def test_a_parent_out_of_reach(self):
        with Simulator("--parent-uri", "ssh://elsewhere/run/flux/local", "--discovery", size=1, max_size=1) as sub:
            done = harness.run("get", "--timeout", "2s", environment=harness.clean_environment(FLUX_URI=sub.uri))
            self.assertEqual(done.returncode, 1)
            self.assertIn("name the instance to serve with --flux-uri", done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
