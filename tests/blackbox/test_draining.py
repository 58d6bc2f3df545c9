"""`start --drain`: no rank leaves the size that is published before it is drained and empty, none comes back before a
larger size was read, and at an orderly end none stays drained for nothing."""
import json
import re
import tempfile
import time
import unittest

import badbroker
import fluxwire
import harness
from draining import PROMPT, SHRINK, Flux, WithFlux
from harness import Simulator, eventually, run


class Protocol(WithFlux):
    def test_a_shrink_and_a_growth_step_by_step(self):
        self.size = 6
        self.start(size=4, max_size=6)
        self.simulator.ctl("drain", "5", "a fan")
        jobs = self.flux.fill(4)
        with harness.Server(*PROMPT, uri=self.simulator.uri) as server:
            self.await_read(server, 4)
            self.assertIn("without the cluster's word", server.log())
            self.assertEqual(self.flux.ours(), {4}, "a rank that is not born yet, too, but not one of somebody else's")

            # A job on the highest rank keeps the size, but none comes to the ranks that are to go.
            self.flux.cancel(*(job for rank, job in jobs.items() if rank != 3))
            eventually(lambda: self.flux.ours() == {1, 2, 3, 4}, "drains of all ranks that are not needed")
            told = eventually(lambda: "is drained and still in use" in (text := server.get(
                "/readyz/flux?verbose").body.decode()) and text, "what is waited for", SHRINK)
            self.assertRegex(told, r"rank 3 is drained and still in use: .*, by \S+ \(since 20..-..-..T..:..:..Z\)")
            self.assertEqual(self.simulator.get("node_draining_count")["node_draining_count"], 1)
            self.assertEqual(self.read(server), 4)
            self.flux.submit(fluxwire.jobspec(1))
            eventually(lambda: {0} in self.flux.running().values(), "a job on the one rank that takes jobs")
            time.sleep(2)
            self.assertEqual(self.read(server), 4)

            self.flux.cancel(*self.flux.running())
            self.await_read(server, 1)
            self.assertEqual(self.flux.ours(), {1, 2, 3, 4})

            # The larger size is published first; what a reader was told before it may act on until it reads again.
            waiting = self.flux.submit(fluxwire.jobspec(3, exclusive=True))
            server.wait_log("node_wanted_count is 3, after 1")
            time.sleep(1.5)
            self.assertEqual(self.flux.ours(), {1, 2, 3, 4}, "nobody has read the larger size")
            self.assertIn("until the larger size is read", server.get("/readyz/flux?verbose").body.decode())
            self.assertEqual(self.read(server), 3)
            eventually(lambda: self.flux.ours() == {3, 4}, "the end of the drains that are not needed")
            eventually(lambda: self.flux.running().get(waiting) == {0, 1, 2}, "the job")
            self.assertEqual(self.flux.drains()[5], "a fan")

            page = server.get("/metrics").body.decode()
            for name, at_least in (("drained_ranks_total", 4), ("undrained_ranks_total", 2), ("refused_shrinks_total", 1),
                                   ("drain_idle_seconds_count", 3)):
                value = re.search(rf"^flux_metrics_{name} (\S+)$", page, re.M)
                self.assertGreaterEqual(float(value[1]), at_least, name)

    def test_a_scheduler_that_has_not_heard_of_the_drain(self):
        """Flux acknowledges a drain before the scheduler knows of it; until then that may grant the rank."""
        self.size = 3
        self.start(size=3, max_size=3)
        jobs = self.flux.fill(3)
        proxy = self.enterContext(badbroker.BadBroker(self.simulator.path))
        with harness.Server(*PROMPT, uri=proxy.uri) as server:
            self.await_read(server, 3)
            busy_with_a_long_match = self.flux.rpc("sched.resource-status")
            proxy.rules["sched.resource-status"] = badbroker.says(json.dumps(busy_with_a_long_match))
            self.flux.cancel(*(job for rank, job in jobs.items() if rank != 0))
            eventually(lambda: self.flux.ours() == {1, 2}, "drains")
            eventually(lambda: "not drained yet" in server.get("/readyz/flux?verbose").body.decode(), "what it waits for",
                       SHRINK)
            time.sleep(3)
            self.assertEqual(self.read(server), 3)
            proxy.rules.clear()
            self.await_read(server, 1)

    def test_nobody_drains_without_being_told_to(self):
        self.size = 4
        self.start(size=4, max_size=4)
        with harness.Server("--hold", "0s", "--patience", "0s", uri=self.simulator.uri) as server:
            server.wait_number("node_up_count", 4)
            self.assertEqual(self.flux.drains(), {})
            self.assertIn("flux_metrics_drained_ranks_total 0\n", server.get("/metrics").body.decode())

    def test_a_scrape_is_a_read(self):
        self.size = 3
        self.start(size=1, max_size=3)
        with harness.Server(*PROMPT, uri=self.simulator.uri) as server:
            server.wait_log("node_wanted_count is 1")
            self.flux.submit(fluxwire.jobspec(2, exclusive=True))
            server.wait_log("node_wanted_count is 2, after 1")
            self.simulator.ctl("online", "1")
            time.sleep(1.5)
            self.assertEqual(self.flux.ours(), {1, 2})
            self.assertEqual(server.get("/metrics?name[]=flux_nodes_wanted_all").status, 200)
            time.sleep(0.5)
            self.assertEqual(self.flux.ours(), {1, 2}, "this one did not ask for it")
            self.assertIn("flux_nodes_wanted 2", server.get("/metrics").body.decode())
            eventually(lambda: self.flux.ours() == {2}, "the end of a drain")

    def test_readers_behind_caches_get_their_time(self):
        self.size = 2
        self.start(size=2, max_size=2)
        jobs = self.flux.fill(2)
        # The last one of the same option counts.
        with harness.Server(*PROMPT[:-2], "--drain-handed-out-for", "4s", uri=self.simulator.uri) as server:
            self.await_read(server, 2)
            self.flux.cancel(*jobs.values())
            self.await_read(server, 1)
            before = time.monotonic()
            self.assertEqual(self.read(server), 1)
            self.flux.submit(fluxwire.jobspec(2, exclusive=True))
            self.await_read(server, 2)
            eventually(lambda: self.flux.ours() == set(), "the end of the drain")
            self.assertGreater(time.monotonic() - before, 4, "a cache may have told 1 to somebody until then")

    def test_a_new_server_gives_nothing_back_for_its_hold(self):
        self.size = 4
        self.start(size=3, max_size=4)
        with harness.Server("--drain", uri=self.simulator.uri) as server:
            self.await_read(server, 3)
            self.assertIn("just started", server.get("/readyz/flux?verbose").body.decode())
            self.assertEqual(self.flux.ours(), {3})


class Ends(WithFlux):
    """However a server ends, the next one, or nobody, goes on without a job lost or a rank drained for nothing."""

    def setUp(self):
        self.size = 4

    def test_at_an_orderly_end_no_rank_stays_drained_for_nothing(self):
        self.start(size=3, max_size=4)
        with harness.Server(*PROMPT, uri=self.simulator.uri) as server:
            eventually(lambda: self.flux.ours() == {1, 2, 3}, "drains")
            self.assertEqual(server.end(), 0)
        self.assertEqual(self.flux.drains(), {}, "nobody has read anything: nobody takes a rank away")

    def test_at_an_orderly_end_what_a_reader_takes_away_stays_drained(self):
        self.start(size=3, max_size=4)
        with harness.Server(*PROMPT, uri=self.simulator.uri) as server:
            self.await_read(server, 1)
            self.assertEqual(server.end(), 0)
        self.assertEqual(self.flux.ours(), {1, 2, 3})

    def test_a_broker_that_begins_anew_is_drained_anew(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = f"{folder}/local"
        with Simulator(size=2, max_size=3, socket_path=path) as first, harness.Server(*PROMPT, uri=first.uri) as server:
            server.wait_log("drained ranks 1-2")
            first.end()
            server.wait_log("trying again")
            with Simulator(size=2, max_size=3, socket_path=path), Flux(path) as flux:
                eventually(lambda: flux.ours() == {1, 2}, "drains in the new instance", SHRINK)


class Refused(unittest.TestCase):
    def refused(self, simulator, words):
        done = run("start", "--drain", "--port", "0", "--flux-uri", simulator.uri)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--drain: ", done.stderr)
        self.assertIn(words, done.stderr)

    def test_a_guest(self):
        with Simulator("--as-guest") as simulator:
            self.refused(simulator, "needs the owner of the Flux instance")

    def test_a_scheduler_that_would_deny_jobs_that_wait(self):
        with Simulator("--scheduler", "fluxion", "--queue-policy", "fcfs") as simulator:
            self.refused(simulator, "nothing is drained")
        with Simulator("--scheduler", "fluxion", "--queue-policy", "easy") as simulator, Flux(simulator.path) as flux, \
                harness.Server("--drain", uri=simulator.uri):
            eventually(lambda: flux.ours() == {2, 3}, "drains of unborn ranks")

    def test_a_scheduler_that_comes_later(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = f"{folder}/local"
        with harness.Server(*PROMPT, uri=f"local://{path}") as server:
            with Simulator("--scheduler", "fluxion", "--queue-policy", "fcfs", socket_path=path), Flux(path) as flux:
                answer = eventually(lambda: (a := server.get("/readyz/flux")).status == 500 and
                                    b"nothing is drained" in a.body and a, "why nothing is drained")
                self.assertIn(b"Fluxion", answer.body)
                self.assertEqual(flux.drains(), {})
                self.assertEqual(server.number("node_wanted_count"), "2", "a size that takes nothing away")
        with harness.Server(*PROMPT, uri=f"local://{path}") as server:
            with Simulator("--as-guest", socket_path=path):
                answer = eventually(lambda: (a := server.metric("node_wanted_count")).status == 503 and
                                    b"owner of the Flux instance" in a.body and a, "why there is no value")
                self.assertEqual(server.metric("node_up_count").status, 200)


if __name__ == "__main__":
    unittest.main()
