"""Metrics of the user's own files on a real Flux: the two examples, and functions that ask what the Python server asked."""
import pathlib
import tempfile
import unittest

import harness
import realflux
from harness import eventually

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
# What the Python server asked, as a user's file.
FUNCTIONS = '''
import os

import flux
import flux.job
import flux.resource


def nodes_up(handle):
    return len(flux.resource.list.resource_list(handle).get().up.nodelist)


def cores_free(handle):
    return flux.resource.list.resource_list(handle).get().free.ncores


def jobs_running(handle):
    states = [job["state"] for job in flux.job.job_list(handle).get_jobs()]
    return states.count(flux.constants.FLUX_JOB_STATE_RUN)


def rank_of_us(handle):
    return int(handle.attr_get("rank"))


def leaves(handle):
    os._exit(1)
'''


class UserMetrics(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_a_python_and_a_yaml_file_together(self):
        with realflux.Instance(size=4) as flux:
            flux.flux("submit", "--urgency=hold", "-N2", "true")
            flux.flux("submit", "-N1", "sleep", "600")
            flux.flux("resource", "drain", "3", "user metrics")
            eventually(lambda: flux.flux("jobs", "-no", "{id}", "-f", "running").strip(), "a running job")
            values = harness.get_metrics(
                flux.uri, "job_held_count", "node_drained_longest_seconds", "user_pending_count", "node_largest_free_cores",
                "broker_uptime_seconds",
                options=("--custom-metric", EXAMPLES / "held-jobs.yaml", "--custom-metric", EXAMPLES / "site_metrics.py"))
            self.assertEqual((values["job_held_count"], values["user_pending_count"]), ({("",): 1}, 1))
            self.assertGreaterEqual(values["node_drained_longest_seconds"], 0)
            self.assertGreater(values["broker_uptime_seconds"], 0)
            self.assertEqual(values["node_largest_free_cores"], flux.first_rooms[0].cores)

    def test_functions_follow_the_instance(self):
        path = pathlib.Path(self.folder.name) / "functions.py"
        path.write_text(FUNCTIONS)
        with realflux.Instance(size=4) as flux, \
                harness.Server("--custom-metric", path, uri=flux.uri) as server:
            server.wait_number("nodes_up", 4)
            server.wait_number("rank_of_us", 0)
            server.wait_number("jobs_running", 0)
            eventually(lambda: server.number("cores_free") == server.number("node_cores_free_count"), "equal free cores")
            flux.flux("submit", "--cc=1-2", "-N1", "sleep", "600")
            server.wait_number("jobs_running", 2)
            eventually(lambda: server.number("cores_free") == server.number("node_cores_free_count"), "equal free cores")
            self.assertEqual(server.metric("leaves").status, 503)


if __name__ == "__main__":
    unittest.main()
