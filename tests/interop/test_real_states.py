"""States that a real Flux goes through under a running server."""
import shutil
import tempfile

import harness
import realflux
import test_real_flux
from test_real_flux import POLICY


class States(test_real_flux.Comparison):
    def test_excluded_ranks(self):
        with realflux.Instance(size=4, config='[resource]\nexclude = "0"\n', excluded=1) as flux:
            flux.submit("-N2", "--exclusive", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 1)
            got = harness.get_metrics(flux.uri, options=POLICY)
            self.assertEqual((got["node_total_count"], got["node_up_count"], got["node_free_count"]), (3, 3, 1))
            self.assertEqual(got["node_allocated_count"], flux.resources()["allocated"][0])

    def test_no_scheduler(self):
        with realflux.Instance(size=2) as flux, harness.Server(*POLICY, uri=flux.uri) as server:
            server.wait_number("node_up_count", 2)
            scheduler = next(name for name in ("sched-simple", "sched-fluxion-qmanager")
                             if name in flux.flux("module", "list"))
            flux.flux("module", "remove", scheduler)
            flux.submit("-N2", "--exclusive", "sleep", "inf")
            self.wait_jobs(flux, "SCHED", 1)
            server.wait_number("job_eligible_count", 1)
            server.wait_number("node_wanted_all_count", 2)
            self.assertEqual(server.number("node_allocated_count"), "0")
            flux.flux("module", "load", scheduler)
            server.wait_number("node_allocated_count", 2)

    def test_purged_jobs(self):
        with realflux.Instance(size=1) as flux, harness.Server(*POLICY, uri=flux.uri) as server:
            for _ in range(3):
                flux.flux("submit", "--wait", "true")
            server.wait_number("job_finished_total", 3)
            flux.flux("job", "purge", "--force", "--num-limit=1")
            server.wait_number("job_queue_state_inactive_count", 1)
            self.assertEqual(server.number("job_finished_total"), "3")

    def test_a_sub_instance(self):
        with realflux.Instance(size=4) as flux:
            job = flux.flux("batch", "-N2", "--exclusive", "--wrap", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 1)
            uri = harness.eventually(lambda: flux.flux("uri", "--local", job, check=False), "the sub-instance's URI")
            # Found by FLUX_URI, it leads to its top; named, it is served as it is.
            def seen(options, environment):
                done = harness.run("get", "-o", "json", *options, environment=environment)
                return done.stdout and harness.json.loads(done.stdout)
            top = seen((), harness.clean_environment(FLUX_URI=uri))
            self.assertEqual((top["instance"]["level"], top["instance"]["size"]), (0, 4))
            def named():
                return seen(("--flux-uri", uri), harness.clean_environment())
            def ready():
                found = named()
                if not found or found["instance"]["state"] != "run":
                    return None
                # Its resources may still wait for what the second broker has.
                return found if harness.reduce_metrics(found)["node_up_count"] == 2 else None
            sub = harness.eventually(ready, "the sub-instance in state run with two nodes up")
            self.assertEqual((sub["instance"]["level"], sub["instance"]["size"]), (1, 2))
            self.assertIsNone(harness.reduce_metrics(sub)["node_wanted_count"])

    def test_shutdown_and_another_instance(self):
        folder = tempfile.mkdtemp(prefix="fma-flux-")
        self.addCleanup(shutil.rmtree, folder, True)
        with harness.Server(*POLICY, "--max-staleness", "60s", uri=f"local://{folder}/run/local-0") as server:
            with realflux.Instance(size=3, folder=folder) as flux:
                server.wait_number("node_up_count", 3)
                # Named ranks: which ones a scheduler takes first is its own affair.
                flux.submit("-N2", "--exclusive", "--requires=rank:0-1", "sleep", "inf")
                server.wait_number("node_allocated_count", 2)
                flux.flux("shutdown", check=False)
                names = ("node_up_count", "node_allocated_count", "node_wanted_count")
                while flux.process.poll() is None:
                    numbers = [server.number(name) for name in names]
                    self.assertEqual(numbers, ["3", "2", "2"])
            self.assertEqual([server.number(name) for name in names], ["3", "2", "2"])
            with realflux.Instance(size=2, folder=folder) as flux:
                server.wait_number("node_up_count", 2)
                server.wait_number("node_total_count", 2)
                server.wait_number("node_allocated_count", 0)
                server.wait_number("node_wanted_count", 1)


if __name__ == "__main__":
    harness.main()
