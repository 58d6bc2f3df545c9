"""`start --drain` on a real Flux: drain, a busy rank, its job's end, a smaller size, brokers that end and come back."""
import time
import unittest

import harness
import realflux

PROMPT = ("--drain", "--hold", "0s", "--patience", "0s", "--drain-handed-out-for", "0s")
PATIENCE = 90.0
OURS = "flux-metrics-api:"


def ours(flux):
    return {rank for rank, reason in flux.drains().items() if reason.startswith(OURS)}


def running(flux):
    """{job: ranks}"""
    lines = flux.flux("jobs", "-n", "-f", "running", "-o", "{id.dec}|{ranks}").splitlines()
    return {int(job): realflux.idset(ranks) for job, _, ranks in (line.partition("|") for line in lines)}


class Draining(unittest.TestCase):
    def read(self, flux, server):
        value = server.number("node_wanted_count")
        if value is not None:
            beyond = set(range(int(value), flux.size)) - flux.drains().keys()
            self.assertFalse(beyond, f"{value} was handed out before these ranks were drained")
        return value and int(value)

    def await_read(self, flux, server, value):
        harness.eventually(lambda: self.read(flux, server) == value, f"node_wanted_count {value}\n{server.log()}", PATIENCE)

    def test_a_shrink_and_a_growth(self):
        with realflux.MiniCluster(size=4) as flux, harness.Server(*PROMPT, uri=flux.uri) as server:
            for _ in range(4):
                flux.submit("-N1", "--exclusive", "sleep", "inf")
            self.await_read(flux, server, 4)
            harness.eventually(lambda: len(running(flux)) == 4, "four jobs that run", PATIENCE)
            flux.flux("cancel", *(str(job) for job, ranks in running(flux).items() if ranks != {3}))
            harness.eventually(lambda: ours(flux) == {1, 2, 3}, "drains", PATIENCE)
            harness.eventually(lambda: "is drained and still in use" in server.get("/readyz/flux?verbose").body.decode(),
                               "what is waited for", PATIENCE)
            flux.submit("-n1", "sleep", "inf")
            harness.eventually(lambda: {0} in running(flux).values(), "a job on the one rank that takes jobs", PATIENCE)
            self.assertEqual(self.read(flux, server), 4)
            flux.flux("cancel", "--all")
            self.await_read(flux, server, 1)
            for rank in (3, 2, 1):
                flux.end_broker(rank)

            waiting = flux.submit("-N3", "--exclusive", "sleep", "inf")
            server.wait_log("node_wanted_count is 3, after 1", PATIENCE)
            self.await_read(flux, server, 3)
            time.sleep(2)
            self.assertEqual(ours(flux), {1, 2, 3}, "no broker is there")
            for rank in (1, 2):
                flux.start_broker(rank)
            harness.eventually(lambda: running(flux).get(waiting) == {0, 1, 2}, f"the job\n{server.log()}", PATIENCE)
            self.assertEqual(ours(flux), {3})

    def test_a_drain_outlives_the_server(self):
        with realflux.Instance(size=3) as flux:
            with harness.Server(*PROMPT, uri=flux.uri) as server:
                harness.eventually(lambda: ours(flux) == {1, 2}, "drains", PATIENCE)
                server.kill()
            with harness.Server(*PROMPT, uri=flux.uri) as server:
                self.await_read(flux, server, 1)
                flux.submit("-N2", "--exclusive", "sleep", "inf")
                server.wait_log("node_wanted_count is 2, after 1", PATIENCE)
                self.await_read(flux, server, 2)
                harness.eventually(lambda: ours(flux) == {2}, "the end of a drain", PATIENCE)
                harness.eventually(lambda: {0, 1} in running(flux).values(), "the job", PATIENCE)

    def test_at_an_orderly_end_no_rank_stays_drained_for_nothing(self):
        with realflux.Instance(size=3) as flux:
            with harness.Server(*PROMPT, uri=flux.uri) as server:
                harness.eventually(lambda: ours(flux) == {1, 2}, "drains", PATIENCE)
                self.assertEqual(server.end(), 0)
            self.assertEqual(flux.drains(), {})


if __name__ == "__main__":
    unittest.main()
