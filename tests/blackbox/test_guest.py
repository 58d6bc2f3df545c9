"""A client that does not own the instance: nodes and counts are exact, what it may not know is not made up."""
import errno
import os
import shutil
import subprocess
import tempfile
import unittest

import fluxwire
import harness
from harness import Simulator, eventually

POLICY = ("--hold", "0s", "--patience", "0s")
JOB_METRICS = ("job_pending_count", "job_count", "job_eligible_count", "node_demand_count", "node_wanted_count",
               "node_wanted_all_count", "node_shortage_count", "job_queue_state_run_count", "job_finished_total",
               "job_shape_unknown_count", "job_unsatisfiable_count")
NODE_METRICS = ("node_up_count", "node_total_count", "node_allocated_count", "node_free_count", "node_safe_min_count",
                "node_cores_free_count", "node_gpus_up_count")


class Guest(unittest.TestCase):
    def test_what_a_guest_sees(self):
        with Simulator("--as-guest", size=3, max_size=6, cores=8, gpus=2) as simulator, \
                harness.Server(*POLICY, uri=simulator.uri) as server:
            server.wait_number("node_up_count", 3)
            self.assertIn("as guest", server.log())
            # Without jobs nothing is unknown: nobody asks for a gpu.
            self.assertEqual(server.metric("gpu_demand_count").value()["value"], "0")
            simulator.ctl("submit", "-N2", "-n2", "-c4")
            server.wait_number("node_allocated_count", 2)
            simulator.ctl("submit", "-N4", "-n4", "-c8", "-g1")
            server.wait_number("job_queue_state_sched_count", 1)
            server.wait_number("node_free_count", 3)
            server.wait_number("job_shape_unknown_count", 2)
            # Four whole nodes by their cores; which gpus they need, job-list does not tell.
            server.wait_number("core_demand_count", 8 + 32)
            server.wait_number("node_wanted_all_count", 6)
            refused = server.metric("gpu_demand_count")
            self.assertEqual(refused.status, 503)
            self.assertIn("only the owner of the Flux instance can read them", refused.json()["message"])
            simulator.ctl("online", "3")
            server.wait_number("node_up_count", 4)
            simulator.ctl("drain", "3")
            server.wait_number("node_up_count", 3)

    def test_without_gpus_no_gpus_are_asked_for(self):
        with Simulator("--as-guest", size=2) as simulator:
            simulator.ctl("submit", "-N4")
            def demand():
                got = simulator.get("gpu_demand_count", "job_shape_unknown_count")
                return got["job_shape_unknown_count"] == 1 and got["gpu_demand_count"] == {("",): 0}
            eventually(demand, "a demand of no gpus")

    def test_private_mode(self):
        with Simulator("--as-guest", "--private-mode", size=3, gpus=1) as simulator, \
                harness.Server(*POLICY, uri=simulator.uri) as server:
            simulator.ctl("submit", "-N2", "-n2", "-c2")
            server.wait_number("node_allocated_count", 2)
            for name in NODE_METRICS:
                self.assertEqual(server.metric(name).status, 200, name)
            for name in JOB_METRICS:
                answer = server.metric(name)
                self.assertEqual(answer.status, 503, name)
                self.assertIn("hides other users' jobs from guests (access.private-mode)", answer.json()["message"])
        with Simulator("--private-mode", size=3) as simulator:
            simulator.ctl("submit", "-N2")
            eventually(lambda: simulator.get("job_queue_state_run_count")["job_queue_state_run_count"] == 1,
                       "a job that the owner sees")
        done = harness.run("simulate", "--private-mode", "--as-version", "0.86")
        self.assertEqual(done.returncode, 2)
        self.assertIn("Flux 0.86.0 has no private mode, which came with 0.87", done.stderr)


class Refusals(unittest.TestCase):
    """What guests were seen to be refused by a real broker."""

    OWNERS = ("sched.resource-status", "job-manager.resource-status", "resource.get", "heartbeat.stats-get")
    EVERYBODYS = ("resource.sched-status", "resource.status", "job-list.job-stats", "job-list.stats-get",
                  "job-manager.stats-get", "job-manager.alloc-query", "job-manager.getinfo", "job-manager.queue-list",
                  "overlay.health", "attr.list", "config.get", "state-machine.get", "module.list")

    def test_topics(self):
        with Simulator("--as-guest") as simulator, fluxwire.Broker(simulator.path) as broker:
            job = broker_job = simulator.ctl("submit", "-n1")
            self.assertTrue(job)
            broker_job = eventually(lambda: broker.rpc("job-list.list", {"max_entries": 0, "attrs": []})["jobs"],
                                    "the job")[0]["id"]
            for topic in self.EVERYBODYS:
                broker.rpc(topic)
            for topic in self.OWNERS:
                error = broker.error(topic)
                self.assertEqual((error.number, error.text), (errno.EPERM, "Request requires owner credentials"), topic)
                broker.rpc(topic, roles=5)
            for topic, payload, text in (
                    ("job-manager.list", {"max_entries": 1}, "Request requires owner credentials"),
                    ("resource.drain", {"targets": "1"}, "Request requires owner credentials"),
                    ("job-manager.getattr", {"id": broker_job, "attrs": ["jobspec"]},
                     "guests can only access their own jobs"),
                    ("job-info.lookup", {"id": broker_job, "keys": ["jobspec"], "flags": 0},
                     "access is restricted to job/instance owner"),
                    ("kvs.lookup", {"key": "resource.R", "namespace": "primary", "flags": 0}, "")):
                error = broker.error(topic, payload)
                self.assertEqual((error.number, error.text), (errno.EPERM, text), topic)
            for topic in ("job-manager.events-journal", "resource.journal"):
                with self.assertRaises(fluxwire.BrokerError) as refused:
                    next(broker.stream(topic, {}))
                self.assertEqual(refused.exception.number, errno.EPERM)

    def test_private_mode(self):
        with Simulator("--as-guest", "--private-mode") as simulator, fluxwire.Broker(simulator.path) as broker:
            simulator.ctl("submit", "-n1")
            request = {"max_entries": 0, "attrs": ["userid"]}
            owner = eventually(lambda: broker.rpc("job-list.list", request, roles=5)["jobs"], "the job")
            self.assertEqual(broker.rpc("job-list.list", request)["jobs"], [])
            for topic in ("job-list.job-stats", "job-list.stats-get", "job-manager.stats-get", "job-manager.getinfo"):
                self.assertEqual(broker.error(topic).number, errno.EPERM, topic)
                broker.rpc(topic, roles=5)
            one = broker.error("job-list.list-id", {"id": owner[0]["id"], "attrs": []})
            self.assertEqual(one.number, errno.ENOENT)
            self.assertTrue(broker.rpc("config.get")["access"]["private-mode"])


class AnotherUser(unittest.TestCase):
    """A process of another user on the same socket, as far as this machine lets us be one."""

    def test_a_stranger_is_a_guest_whatever_it_says(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("to be another user needs root and setpriv")
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            binary = shutil.copy(harness.BINARY, folder)  # where it was built, others may not look
            with Simulator("--as-guest", socket_path=os.path.join(folder, "s"), size=2) as simulator:
                os.chmod(simulator.path, 0o777)
                as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", binary]
                done = subprocess.run([*as_nobody, "get", "-o", "json", "--flux-uri", simulator.uri], text=True,
                                      capture_output=True, env=harness.clean_environment(), timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn('"owner":false', done.stdout)
                # simulate-ctl asks for the owner's role: a stranger's wish is not heard.
                done = subprocess.run([*as_nobody, "simulate-ctl", "drain", "1", "--flux-uri", simulator.uri], text=True,
                                      capture_output=True, env=harness.clean_environment(), timeout=60, check=False)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("Request requires owner credentials", done.stderr)


if __name__ == "__main__":
    harness.main()
