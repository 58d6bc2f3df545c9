"""What the tests of `start --drain` share: an instance as its owner sees it, and a reader that checks what it gets."""
import unittest

import fluxwire
from harness import Simulator, eventually

# The sizes follow the queue at once, but for the 15 s between two shrinks; readers act at once.
PROMPT = ("--drain", "--hold", "0s", "--patience", "0s", "--drain-handed-out-for", "0s")
SHRINK = 60.0  # seconds until a smaller size must be there: 15 on an idle machine
OURS = "flux-metrics-api:"


def ranks_of(idset):
    found = set()
    for part in filter(None, idset.strip("[]").split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


class Flux(fluxwire.Broker):
    """A simulated instance as its owner sees it."""

    def drains(self):
        """{rank: reason}"""
        drains = self.rpc("resource.status")["drain"]
        return {rank: drain["reason"] for ranks, drain in drains.items() for rank in ranks_of(ranks)}

    def online(self):
        return ranks_of(self.rpc("resource.status")["online"])

    def ours(self):
        return {rank for rank, reason in self.drains().items() if reason.startswith(OURS)}

    def running(self):
        """{job: ranks}"""
        request = {"max_entries": 0, "attrs": ["ranks", "state"], "constraint": {"states": [16]}}
        listed = self.rpc("job-list.list", request)
        return {job["id"]: ranks_of(job["ranks"]) for job in listed["jobs"]}

    def fill(self, count):
        """One job on each of `count` nodes, which run until they are cancelled: {rank: job}."""
        for _ in range(count):
            self.submit(fluxwire.jobspec(1, exclusive=True))
        running = eventually(lambda: (jobs := self.running()) and len(jobs) == count and jobs, f"{count} jobs that run")
        return {min(ranks): job for job, ranks in running.items()}

    def cancel(self, *jobs):
        for job in jobs:
            self.rpc("job-manager.raise", {"id": job, "type": "cancel", "severity": 0})


class WithFlux(unittest.TestCase):
    def start(self, *arguments, **options):
        self.simulator = self.enterContext(Simulator(*arguments, **options))
        self.flux = self.enterContext(Flux(self.simulator.path))

    def read(self, server):
        """What a reader gets now, or None; none of the ranks beyond it may still take jobs."""
        value = server.number("node_wanted_count")
        if value is not None:
            beyond = set(range(int(value), self.size)) - self.flux.drains().keys()
            self.assertFalse(beyond, f"{value} was handed out before these ranks were drained")
        return value and int(value)

    def await_read(self, server, value, deadline=SHRINK):
        eventually(lambda: self.read(server) == value, f"node_wanted_count {value}\n{server.log()}", deadline)
