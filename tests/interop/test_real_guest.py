"""`get` as a guest of a real Flux: another user than the one that runs the brokers."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import demand
import harness
import realflux
import test_real_flux

NOBODY = 65534
ACCESS = "[access]\nallow-guest-user = true\n"


def guest_shape(job, admitted):
    """What job-list tells of a waiting job, as demand.md reads it: no gpus, no slots."""
    ranks = None if admitted is None else frozenset(admitted)
    if not job["nnodes"]:
        return demand.Shape(slots=int(job["ncores"]), cores=1, ranks=ranks)
    nodes = int(job["nnodes"])
    if not job["ncores"]:
        return demand.Shape(nodes=nodes, cores=1, exclusive=True, ranks=ranks)
    return demand.Shape(nodes=nodes, cores=-(-int(job["ncores"]) // nodes), ranks=ranks)


def guest_world(flux):
    world, by_id = flux.world(), {int(job["id"]): job for job in flux.jobs()}
    world.running = [(queue, nodes, cores, 0) for queue, nodes, cores, _ in world.running]
    world.eligible = []
    started = flux.queues()
    for number, job in by_id.items():
        if job["state"] == "SCHED" and int(job["priority"]) > 0 and started[job["queue"]]:
            required = flux.queue_requires.get(job["queue"], {}).get("requires", [])
            admitted = set.intersection(*(flux.properties[name] for name in required)) if required else None
            world.eligible.append(demand.Job(guest_shape(job, admitted), job["queue"], number))
    return world


class AsGuest(test_real_flux.Comparison):
    def setUp(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("to be another user than the owner needs root and setpriv")
        folder = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(folder, 0o755)
        self.binary = shutil.copy(harness.BINARY, folder)  # where it was built, others may not look

    def as_guest(self, *arguments):
        done = subprocess.run(["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", self.binary,
                               *arguments], text=True, capture_output=True, env=harness.clean_environment(), timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def document(self, flux):
        document = json.loads(self.as_guest("get", "-o", "json", "--flux-uri", flux.uri, *test_real_flux.POLICY))
        self.assertFalse(document["instance"]["owner"])
        return document

    def sizing(self, flux):
        numbers = demand.calculate(guest_world(flux))
        active = sum(job["state"] != "INACTIVE" for job in flux.jobs())
        if active and any(room.gpus for room in flux.first_rooms.values()):
            numbers["gpu_demand_count"] = None
        return {name: {(queue,): number for queue, number in value.items()} if isinstance(value, dict) else value
                for name, value in numbers.items()}

    def check_shapes(self, flux, got):
        active = sum(job["state"] != "INACTIVE" for job in flux.jobs())
        self.assertEqual(got["job_shape_unknown_count"], active, "a guest reads no jobspec")

    def test_states(self):
        config = ACCESS + test_real_flux.WithQueues.CONFIG
        with realflux.Instance(size=4, config=config, resources=test_real_flux.WithQueues.RESOURCES, guests=True) as flux:
            self.compare(flux, "guest: empty")
            flux.flux("queue", "start", "--all")
            flux.submit("-q", "batch", "-N2", "-n2", "-c4", "-g1", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 1)
            self.compare(flux, "guest: running")
            # Each queue is full: Fluxion looks at every queue, whatever waits in the others.
            flux.submit("-q", "debug", "-N1", "-n2", "-g1", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 2)
            flux.submit("-q", "batch", "-n20", "sleep", "inf")
            flux.submit("-q", "batch", "-N3", "--exclusive", "sleep", "inf")
            flux.submit("-q", "debug", "-N1", "-n2", "-g1", "sleep", "inf")
            flux.submit("--urgency=hold", "-q", "debug", "-N1", "sleep", "inf")
            self.wait_jobs(flux, "SCHED", 4)
            self.compare(flux, "guest: pending jobs of several shapes")
            flux.flux("resource", "drain", "1", "broken fan")
            flux.kill_broker(3)
            self.compare(flux, "guest: a rank drained, another one lost")
            flux.flux("cancel", "--all")
            harness.eventually(lambda: all(job["state"] == "INACTIVE" for job in flux.jobs()), "all jobs ended")
            self.compare(flux, "guest: all jobs canceled")

    def test_private_mode(self):
        with realflux.Instance(size=2, config=ACCESS + "private-mode = true\n", guests=True) as flux:
            flux.submit("-N1", "-n1", "--requires=rank:0", "sleep", "inf")
            self.wait_jobs(flux, "RUN", 1)
            got = harness.reduce_metrics(self.document(flux))
            self.assertEqual((got["node_up_count"], got["node_allocated_count"], got["node_safe_min_count"]), (2, 1, 1))
            for name in ("job_running_count", "node_wanted_count", "node_demand_count", "job_finished_total"):
                self.assertIsNone(got[name], name)
            self.assertEqual(harness.get_metrics(flux.uri, "job_running_count")["job_running_count"], 1, "the owner")


if __name__ == "__main__":
    harness.main()
