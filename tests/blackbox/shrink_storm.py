#!/usr/bin/env python3
"""Shrinks through the real binary: MiniClusters that an HPA shrinks while bursts of jobs aim at the pods that go.

    python3 -B tests/blackbox/shrink_storm.py --worlds 50 --shrinks 20

plays so many MiniClusters at once until each was shrunk so often, with `start --drain` and then without it, and tells
how many jobs were killed. A world is a simulated Flux, a server, and stand-ins for the rest: an HPA that writes what
it read up to 1.5 s ago; an operator and pods that come late; pods that are deleted and die at the end of their grace
period, brokers at work; a pod's script that starts its broker again when another one took its rank over. The server is
killed at random moments, and so is the leader's broker (the jobs that this costs are not counted).
"""
import argparse
import concurrent.futures
import contextlib
import random
import sys
import tempfile
import time

import fluxwire
import harness
import kubeapi
from draining import ranks_of

SIZE = 6
HANDED_OUT_FOR = 3.0  # what the server is told; the HPA below is faster
TICK = 0.2
NAME = "flux-sample"
COMPLETED = 1  # of a job's results


class World:
    """One MiniCluster. A thread plays it; `killed` and `shrinks` are what came of it."""

    def __init__(self, api, kubeconfig, number, drain, grace, faults):
        self.api, self.kubeconfig, self.drain, self.grace, self.faults = api, kubeconfig, drain, grace, faults
        self.namespace = f"storm-{number}-{'drain' if drain else 'plain'}"
        self.random = random.Random(number)
        self.killed, self.jobs, self.shrinks, self.restarts = 0, 0, 0, 0
        self.size = self.parallelism = SIZE
        self.staying = set(range(SIZE))
        self.terminating = {}  # index -> when the pod is gone
        self.later = []  # (when, what)
        self.calm = False  # no job comes any more

    def play(self, shrinks):
        with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory(prefix="fma-") as folder:
            self.stack, self.path = stack, f"{folder}/local"
            self.tell()
            self.start_broker(SIZE)
            self.start_server()
            self.at(0, self.sync)
            self.at(0.5, self.arrive)
            if self.faults:
                self.at(self.random.uniform(5, 60), self.kill_server)
                self.at(self.random.uniform(60, 240), self.restart_leader)
            end = time.monotonic() + 60 + 60 * shrinks
            while self.shrinks < shrinks and time.monotonic() < end:
                self.tick()
            self.calm = True
            self.later = [(when, what) for when, what in self.later if what not in
                          (self.arrive, self.kill_server, self.restart_leader)]
            end = time.monotonic() + 120
            while time.monotonic() < end and not (self.size == 1 and not self.running() and not self.terminating):
                self.tick()
            if self.drain and self.size != 1:
                raise AssertionError(f"{self.namespace}: the size stays {self.size}:\n{self.server.log()[-3000:]}")
            self.count_killed()
        return self

    def at(self, delay, what):
        self.later.append((time.monotonic() + delay, what))

    def tick(self):
        now = time.monotonic()
        due = sorted((item for item in self.later if item[0] <= now), key=lambda item: item[0])
        self.later = [item for item in self.later if item[0] > now]
        for _, what in due:
            what()
        gone = [index for index, when in self.terminating.items() if when <= now]
        for index in gone:
            del self.terminating[index]
        if gone:
            self.tell()
        time.sleep(TICK)

    # Flux

    def start_broker(self, size):
        self.simulator = self.stack.enter_context(
            harness.Simulator(socket_path=self.path, size=size, max_size=SIZE, cores=1, pod_grace=f"{self.grace}s"))
        self.flux = self.stack.enter_context(fluxwire.Broker(self.path))

    def running(self):
        listed = self.flux.rpc("job-list.list", {"max_entries": 0, "attrs": ["state"], "constraint": {"states": ["active"]}})
        return listed["jobs"]

    def count_killed(self):
        ended = self.flux.rpc("job-list.list", {"max_entries": 0, "attrs": ["result"],
                                                "constraint": {"states": ["inactive"]}})["jobs"]
        self.jobs += len(ended)
        self.killed += sum(job["result"] != COMPLETED for job in ended)

    def submit(self, count):
        if self.calm:
            return
        for _ in range(count):
            self.flux.submit(fluxwire.jobspec(1, exclusive=True, duration=self.random.uniform(3, 15)))

    def arrive(self):
        self.submit(self.random.randint(1, SIZE + 2))
        self.at(self.random.uniform(15, 40), self.arrive)

    # The MiniCluster

    def tell(self):
        root = f"namespaces/{self.namespace}"
        pods = [{"metadata": {"name": f"{NAME}-{index}-{kind}", "namespace": self.namespace, "labels": {
            "batch.kubernetes.io/job-name": NAME, "batch.kubernetes.io/job-completion-index": str(index)},
            **({"deletionTimestamp": "2026-11-22T12:00:00Z"} if kind == "old" else {})}}
            for kind, indexes in (("new", self.staying), ("old", self.terminating)) for index in indexes]
        self.api.objects.update({
            f"/apis/flux-framework.org/v1alpha2/{root}/miniclusters/{NAME}": {"spec": {"size": self.size}},
            f"/apis/batch/v1/{root}/jobs/{NAME}": {"spec": {"parallelism": self.parallelism}},
            f"/api/v1/{root}/pods": {"items": pods, "metadata": {"resourceVersion": "1"}}})

    def sync(self):
        """The HPA: reads, and writes what it read a little later."""
        began = time.monotonic()
        try:
            answer = self.server.metric("node_wanted_count", namespace=self.namespace)
            value = answer.value()["value"] if answer.status == 200 else None
        except OSError:  # it was killed
            value = None
        if value is None:
            return self.at(0.5, self.sync)
        wanted = min(max(int(value), 1), SIZE)
        if wanted < self.size and self.random.random() < 0.5:  # aimed at the race
            self.at(self.random.uniform(0, 1.2), lambda: self.submit(self.size))
        self.at(self.random.uniform(0, 1.5), lambda: self.scale(wanted, began))

    def scale(self, wanted, read):
        if time.monotonic() - read > HANDED_OUT_FOR - 0.2:  # this machine is too busy for the promise
            wanted = self.size
        if wanted < self.size:
            self.shrinks += 1
            if self.random.random() < 0.7:  # at the very second
                self.at(self.random.uniform(0, 2), lambda size=self.size: self.submit(size))
        if wanted != self.size:
            self.size = wanted
            self.tell()
            self.at(self.random.uniform(0.1, 0.5), self.reconcile)
        self.at(self.random.uniform(0, 1), self.sync)

    def reconcile(self):
        """The operator gives the Job its size, and its controller deletes and makes pods."""
        self.parallelism = self.size
        leaving = {index for index in self.staying if index >= self.size}
        self.staying -= leaving
        online = {int(rank) for rank in leaving if rank in self.brokers()}
        gone_at = time.monotonic() + self.grace + 0.5
        self.terminating.update({index: gone_at for index in online})
        self.tell()
        if online:
            self.rpc("simulate.offline", {"ranks": ",".join(map(str, online)), "how": "deleted"})
        for index in set(range(self.size)) - self.staying:
            self.staying.add(index)
            self.at(self.random.uniform(0.5, 2), lambda index=index: self.join(index))
        self.tell()

    def brokers(self):
        return ranks_of(self.flux.rpc("resource.status")["online"])

    def rpc(self, topic, payload):
        with contextlib.suppress(fluxwire.BrokerError):
            return self.flux.rpc(topic, payload)

    def join(self, index):
        if index not in self.staying:
            return
        self.rpc("simulate.online", {"ranks": str(index)})
        gone = self.terminating.get(index)
        if gone and gone - time.monotonic() > 15.5:  # the old pod's script starts its broker again
            self.at(15, lambda: self.come_back(index, gone))

    def come_back(self, index, gone):
        if self.terminating.get(index) != gone or index not in self.staying:
            return
        self.rpc("simulate.online", {"ranks": str(index)})
        self.at(gone - time.monotonic() - 0.5, lambda: self.die(index, gone))

    def die(self, index, gone):
        if self.terminating.get(index) != gone:
            return
        self.rpc("simulate.offline", {"ranks": str(index), "how": "lost"})
        self.at(1, lambda: self.join(index))  # the new pod's script starts its broker again, too

    # Faults

    def start_server(self):
        how = ("--drain", "--drain-handed-out-for", f"{HANDED_OUT_FOR:g}s") if self.drain else ()
        self.server = self.stack.enter_context(harness.Server(
            *how, "--hold", "2s", "--patience", "0s", "--insecure-skip-auth", "--kubeconfig", self.kubeconfig,
            "--namespace", self.namespace, "--minicluster", NAME, uri=f"local://{self.path}"))

    def kill_server(self):
        self.server.kill()
        self.restarts += 1
        self.at(self.random.uniform(0, 2), self.start_server)
        self.at(self.random.uniform(20, 60), self.kill_server)

    def restart_leader(self):
        self.count_killed()
        self.simulator.end()
        self.restarts += 1
        self.start_broker(max(self.staying | {0}) + 1)
        for index in set(range(max(self.staying) + 1)) - self.staying:
            self.rpc("simulate.offline", {"ranks": str(index), "how": "lost"})
        self.terminating.clear()
        self.tell()


def storm(worlds, shrinks, drain, grace=30, faults=True):
    """Plays them all at once: the worlds, as they were in the end."""
    with tempfile.TemporaryDirectory(prefix="fma-storm-") as folder:
        pki = kubeapi.Pki(folder)
        pki.ca("cluster")
        pki.leaf("apiserver", "cluster", "/CN=apiserver", uses="serverAuth", names=["IP:127.0.0.1"])
        with kubeapi.KubeApi(pki, {}) as api, concurrent.futures.ThreadPoolExecutor(worlds) as pool:
            kubeconfig = api.kubeconfig(folder)
            plays = [pool.submit(World(api, kubeconfig, number, drain, grace, faults).play, shrinks)
                     for number in range(worlds)]
            return [play.result() for play in plays]


def totals(worlds):
    return {name: sum(getattr(world, name) for world in worlds) for name in ("shrinks", "jobs", "killed", "restarts")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--shrinks", type=int, default=20, help="of each world")
    parser.add_argument("--grace", type=float, default=30, help="seconds from a pod's deletion to its death")
    options = parser.parse_args()
    killed = {}
    for drain in (True, False):
        began = time.monotonic()
        found = totals(storm(options.worlds, options.shrinks, drain, options.grace))
        killed[drain] = found["killed"]
        print(f"{'start --drain' if drain else 'start':14}: {found['shrinks']} shrinks, {found['jobs']} jobs, "
              f"{found['restarts']} servers and leaders killed: {found['killed']} jobs killed "
              f"({time.monotonic() - began:.0f} s)", flush=True)
    sys.exit(0 if killed[True] == 0 < killed[False] else 1)


if __name__ == "__main__":
    main()
