"""Sizes under a real Fluxion that only its behaviour explains: whole nodes, jobs that stay, jobs that never start."""
import json
import subprocess
import unittest

import harness
import realflux

OURS = "flux-metrics-api: no room yet"  # such a rank counts as usable, and Flux starts nothing there
POLICY = ("--hold", "0s", "--patience", "0s")


def fluxion(match_policy):
    return (f'[sched-fluxion-qmanager]\nqueue-policy = "easy"\n[sched-fluxion-resource]\nmatch-policy = "{match_policy}"\n')


class Sizes(unittest.TestCase):
    def instance(self, size, match_policy="lonode"):
        resources = ("-r", f"0-{size - 1}", "-c", "0-3", "-g", "0", "-H", f"node[0-{size - 1}]")
        flux = self.enterContext(realflux.Instance(size=size, config=fluxion(match_policy), resources=resources))
        if "sched-fluxion" not in flux.flux("module", "list"):
            self.skipTest("Fluxion is not installed")
        return flux

    def wait(self, flux, state, count):
        harness.eventually(lambda: [job["state"] for job in flux.jobs()].count(state) == count, f"{count} jobs in {state}")

    def expect(self, flux, **numbers):
        got = harness.get_metrics(flux.uri, options=POLICY)
        sums = {name: sum(got[name].values()) if isinstance(got[name], dict) else got[name] for name in numbers}
        self.assertEqual(sums, numbers)

    def test_whole_nodes(self):
        for match_policy in ("lonodex", "policy=low node_exclusive=true"):
            with self.subTest(match_policy):
                flux = self.instance(4, match_policy)
                flux.flux("resource", "drain", "1-3", OURS)
                for _ in range(2):
                    flux.submit("-n1", "sleep", "inf")
                flux.submit("-n6", "sleep", "inf")
                self.wait(flux, "RUN", 1)
                self.wait(flux, "SCHED", 2)
                sizes = {"node_demand_count": 4, "core_demand_count": 16, "gpu_demand_count": 4, "node_wanted_count": 4}
                self.expect(flux, node_wanted_all_count=4, **sizes)
                flux.flux("resource", "undrain", "1-3")
                self.wait(flux, "RUN", 3)
                held = [flux.held(int(job["id"])) for job in flux.jobs()]
                self.assertEqual(sorted((room.cores, room.gpus) for room in held), [(4, 1), (4, 1), (8, 2)])
                self.expect(flux, node_safe_min_count=4, **sizes)

    def test_running_jobs_stay(self):
        flux = self.instance(6)
        for job in (("-n1",), ("-N4", "-n4"), ("-n3", "-c2")):
            flux.submit(*job, "sleep", "inf")
        self.wait(flux, "RUN", 3)
        self.expect(flux, node_safe_min_count=4, node_wanted_count=4)
        for job in flux.jobs():
            flux.flux("cancel", job["id"])
        self.wait(flux, "INACTIVE", 3)
        flux.submit("-n1", "sleep", "inf")
        self.wait(flux, "RUN", 1)
        flux.flux("resource", "drain", "0", "broken fan")
        self.expect(flux, node_safe_min_count=1, node_wanted_count=1)

    def test_jobs_that_never_start(self):
        flux = self.instance(4)
        for job in (("-N8",), ("-N1", "--requires=nosuch"), ("-N1", "--requires=rank:7")):
            flux.submit(*job, "true")
        self.wait(flux, "SCHED", 3)
        nothing = {"node_demand_count": 0, "core_demand_count": 0, "gpu_demand_count": 0, "job_eligible_count": 0}
        self.expect(flux, job_unsatisfiable_count=3, node_wanted_count=1, **nothing)

    def test_lists_of_hosts(self):
        flux = self.instance(4)
        for hosts in ({"hostlist": ["node2, node3"]}, {"hostlist": ["node[2-3],"]}, {"hostlist": [",node2\tnode3"]},
                      {"hostlist": ["node2", "", "node3 "]}, {"not": [{"hostlist": ["node0 node1,"]}]},
                      {"and": [{"hostlist": ["node[1-3]"]}, {"not": [{"hostlist": [" node1"]}]}]}):
            with self.subTest(hosts):
                flux.flux("resource", "drain", "2-3", OURS)
                spec = {"version": 1, "tasks": [{"command": ["sleep", "inf"], "slot": "task", "count": {"per_slot": 1}}],
                        "resources": [{"type": "node", "count": 2, "with": [
                            {"type": "slot", "count": 1, "label": "task", "with": [{"type": "core", "count": 1}]}]}],
                        "attributes": {"system": {"duration": 0, "constraints": hosts}}}
                job = subprocess.run(["flux", "job", "submit"], input=json.dumps(spec), text=True, capture_output=True,
                                     check=True, env={**flux.environment, "FLUX_URI": flux.uri}).stdout.strip()
                self.wait(flux, "SCHED", 1)
                self.expect(flux, node_wanted_count=4, node_demand_count=2, job_unsatisfiable_count=0)
                flux.flux("resource", "undrain", "2-3")
                self.wait(flux, "RUN", 1)
                R = json.loads(flux.flux("job", "info", job, "R"))
                self.assertEqual(set(realflux.rooms(R)), {2, 3})
                flux.flux("cancel", job)
                self.wait(flux, "RUN", 0)
                flux.flux("job", "wait-event", "-t20", job, "clean")


if __name__ == "__main__":
    harness.main()
