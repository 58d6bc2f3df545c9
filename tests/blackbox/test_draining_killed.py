"""`start --drain` killed at each step: the next server goes on from Flux's drains."""
import concurrent.futures
import contextlib
import unittest

import badbroker
import fluxwire
import harness
from draining import PROMPT, SHRINK, Flux
from harness import Simulator, eventually


class Killed(unittest.TestCase):
    """kill -9 at each step of a shrink and of a growth, at the broker's socket: before a request arrives there, and
    after it was done but before the server heard of it; and between the steps."""
    STEPS = ("before the drain", "after the drain", "drained, before less is published", "less is published",
             "less was read", "more is published", "before the undrain", "after the undrain", "undrained")

    def play(self, step):
        with contextlib.ExitStack() as stack:
            simulator = stack.enter_context(Simulator(size=3, max_size=4))
            flux = stack.enter_context(Flux(simulator.path))
            proxy = stack.enter_context(badbroker.BadBroker(simulator.path))
            jobs = flux.fill(3)
            server = stack.enter_context(harness.Server(*PROMPT, uri=proxy.uri))

            def kill(*_):
                server.kill()
                return [badbroker.HANG_UP]

            def read(from_server, value):
                def now():
                    got = from_server.number("node_wanted_count")
                    beyond = set(range(int(got), 4)) - flux.drains().keys() if got else set()
                    if beyond:
                        raise AssertionError(f"{step}: {got} was handed out before ranks {beyond} were drained")
                    return got == str(value)
                eventually(now, f"{step}: node_wanted_count {value}\n{from_server.log()}", SHRINK)

            read(server, 3)
            if step == "before the drain":
                proxy.before["resource.drain"] = kill
            if step == "after the drain":
                proxy.rules["resource.drain"] = kill
            flux.cancel(*(job for rank, job in jobs.items() if rank != 0))
            if "before the drain" == step or "after the drain" == step:
                eventually(lambda: not server.running(), f"{step}: the kill")
            eventually(lambda: not server.running() or flux.ours() == {1, 2, 3}, f"{step}: drains\n{server.log()}")
            if step == "drained, before less is published":
                kill()
            if server.running():
                server.wait_log("node_wanted_count is 1, after 3", SHRINK)
            if step == "less is published":
                kill()
            if server.running():
                read(server, 1)
            if step == "less was read":
                kill()
            if not server.running():  # the next one makes the shrink
                server = stack.enter_context(harness.Server(*PROMPT, uri=simulator.uri))
                read(server, 1)
                if flux.ours() != {1, 2, 3}:
                    raise AssertionError(f"{step}: {flux.drains()} after the shrink")
            if step == "before the undrain":
                proxy.before["resource.undrain"] = kill
            if step == "after the undrain":
                proxy.rules["resource.undrain"] = kill
            waiting = flux.submit(fluxwire.jobspec(1, exclusive=True))
            server.wait_log("node_wanted_count is 2, after 1")
            if step == "more is published":
                kill()
            else:
                read(server, 2)
            if step.endswith("the undrain"):
                eventually(lambda: not server.running(), f"{step}: the kill\n{server.log()}")
            if server.running():
                eventually(lambda: flux.ours() == {2, 3}, f"{step}: undrained\n{server.log()}")
            if step == "undrained":
                kill()
            if not server.running():
                server = stack.enter_context(harness.Server(*PROMPT, uri=simulator.uri))
                read(server, 2)
            eventually(lambda: flux.ours() == {2, 3}, f"{step}: undrained in the end\n{server.log()}")
            eventually(lambda: flux.running().get(waiting) == {1}, f"{step}: the job that waited")

    def test_the_next_server_ends_what_was_begun(self):
        with concurrent.futures.ThreadPoolExecutor(len(self.STEPS)) as pool:
            plays = {step: pool.submit(self.play, step) for step in self.STEPS}
        for step, play in plays.items():
            with self.subTest(step=step):
                play.result()


if __name__ == "__main__":
    unittest.main()
