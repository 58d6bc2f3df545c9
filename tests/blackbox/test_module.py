"""The collector and the broker module: what it takes from one, and what it does when that one lies, stops or goes.

The module itself needs a Flux (tests/interop); here a proxy answers `flux-metrics.get` before a simulated instance.
"""
import json
import time
import unittest

import harness
from badbroker import BadBroker, NONE, fails
from fluxwire import PAYLOAD, ROUTE, STREAMING, TOPIC

ENOSYS = 38
ENODATA = 61
TOPIC_OF_STATE = "flux-metrics.get"


def resources(ranks, cores="0-3"):
    lite = [{"rank": ranks, "children": {"core": cores}}] if ranks else []
    return {"version": 1, "execution": {"R_lite": lite, "starttime": 0, "expiration": 0}}


def whole_state(confirmed, online="0-2"):
    """Eight nodes, the three of `online` up, one waiting job that asks for six whole nodes."""
    states = {"depend": 0, "priority": 0, "sched": 1, "run": 0, "cleanup": 0, "inactive": 0, "total": 1}
    counts = {"job_states": states, "successful": 0, "failed": 0, "canceled": 0, "timeout": 0, "inactive_purged": 0,
              "queues": []}
    return {"generation": 1, "time": confirmed, "format": "flux-metrics-api.state/1",
            "instance": {"size": 8, "level": 0, "version": "0.88.0", "hostname": "n0", "state": "run", "owner": True},
            "scheduler": True, "counts": counts,
            "queues": [{"name": "", "enabled": True, "started": True}],
            "shapes": [{"slots": 1, "cores": 1, "gpus": 0, "exclusive": True, "known": True, "nodes": 6}],
            "jobs": [{"id": "9007199254740993", "state": "sched", "queue": "", "priority": 16, "shape": 0,
                      "t_submit": confirmed - 5, "t_sched": confirmed - 4, "nnodes": 6}],
            "exact": {"started": "1.5", "resources": resources("0-7"), "allocated": resources(""), "online": online,
                      "offline": "3-7", "drains": [], "admits": [{}], "constraints": [{}]}}


def message(reply, document):
    text = document if isinstance(document, str) else json.dumps(document)
    return reply.encoded(text, errnum=0, flags=ROUTE | TOPIC | PAYLOAD | STREAMING)


def module(*steps, end=None):
    """A rule: the documents and pauses of `steps`, then an end with an errno, or silence."""
    def rule(reply):
        for step in steps:
            yield step if isinstance(step, (int, float)) else message(reply, step() if callable(step) else step)
        if end is not None:
            yield reply.encoded(b"it was unloaded", errnum=end)
    return rule


class Module(unittest.TestCase):
    def serve(self, *rules, **more):
        simulator = self.enterContext(harness.Simulator(size=2, max_size=4, cores=4))
        proxy = self.enterContext(BadBroker(simulator.path))
        proxy.behave(dict(rules), **more)
        server = self.enterContext(harness.Server(uri=proxy.uri))
        return proxy, server

    def test_tells_the_state_until_it_is_unloaded(self):
        counts = whole_state(0)["counts"]
        confirmation = lambda: {"generation": 2, "time": time.time()}
        change = lambda: {"generation": 3, "time": time.time(), "exact": {"online": "0-4", "offline": "5-7"}}
        gone = lambda: {"generation": 4, "time": time.time(), "gone": ["9007199254740993"],
                        "counts": {**counts, "job_states": {**counts["job_states"], "sched": 0}}}
        proxy, server = self.serve((TOPIC_OF_STATE, module(lambda: whole_state(time.time()), 0.5, confirmation, 0.5, change,
                                                           1.5, gone, 1.5, end=ENODATA)))
        server.wait_number("node_up_count", 3)
        self.assertEqual(server.number("job_count"), "1")
        self.assertEqual(server.number("node_wanted_all_count"), "6")
        self.assertNotIn("resource.status", proxy.asked, "the module tells: nothing is polled")
        self.assertNotIn("job-manager.events-journal", proxy.asked)
        server.wait_number("node_up_count", 5)
        server.wait_number("job_pending_count", 0)
        self.assertNotIn("resource.status", proxy.asked)
        # Unloaded: the instance itself has two nodes.
        server.wait_number("node_up_count", 2)
        self.assertIn("resource.status", proxy.asked)
        self.assertIn("it was unloaded): the broker is polled from now on", server.log())
        self.assertNotIn("trying again", server.log(), "there was no moment without a broker")

    def test_one_that_is_loaded_later(self):
        confirmation = lambda: {"generation": 1, "time": time.time()}
        rules = [fails(ENOSYS)]
        proxy, server = self.serve((TOPIC_OF_STATE, lambda reply: rules[-1](reply)))
        server.wait_number("node_up_count", 2)
        # One whose news are old changes nothing.
        rules.append(module(lambda: whole_state(time.time() - 600)))
        proxy.asked.discard(TOPIC_OF_STATE)
        harness.eventually(lambda: TOPIC_OF_STATE in proxy.asked, "it is looked for", 60)
        self.assertEqual(server.number("node_up_count"), "2")
        rules.append(module(lambda: whole_state(time.time()), *(120 * [0.5, confirmation])))
        harness.eventually(lambda: server.number("node_up_count") == "3", "the module is found", 60)
        self.assertEqual(server.number("job_count"), "1")
        server.wait_log("the broker module flux-metrics reports the state: the broker is not polled")
        proxy.asked.clear()
        time.sleep(2)  # two polls would have come
        self.assertNotIn("resource.status", proxy.asked)
        for word in ("trying again", "polled from now on"):
            self.assertNotIn(word, server.log(), "there was no moment without a broker")

    def test_many_messages_make_one_state(self):
        first = lambda: {**whole_state(time.time()), "more": True}
        rest = {"generation": 1, "jobs": [{**whole_state(9)["jobs"][0], "id": str(n)} for n in range(1, 100)]}
        _, server = self.serve((TOPIC_OF_STATE, module(first, 0.2, rest, 60)))
        server.wait_number("job_eligible_count", 100)

    def test_one_that_cannot_be_used(self):
        good = lambda: whole_state(time.time())
        wrong = {
            "no JSON": (module("{", 60), "is not JSON"),
            "another format": (module(lambda: {**good(), "format": "flux-metrics-api.state/9"}, 60), "format"),
            "no beginning": (module({"generation": 7}, 60), "begin"),
            "a job of no queue": (module(lambda: {**good(), "queues": [{"name": "other"}]}, 60), "queue"),
            "a job of no shape": (module(lambda: {**good(), "shapes": [], "exact": {**good()["exact"], "constraints": []}}, 60), "shape"),
            "ranks that are none": (module(lambda: {**good(), "exact": {**good()["exact"], "online": "3-1"}}, 60), "idset"),
            "no payload": (lambda reply: [reply.encoded(NONE, errnum=0, flags=ROUTE | TOPIC | STREAMING)], "is not JSON"),
            "a failure": (fails(5, b"broken\x1b[2J"), "broken"),
            "silence": (module(60), "did not answer"),
            "half of it": (module(lambda: {k: v for k, v in good().items() if k != "counts"}, 60), "counts is missing"),
            "no jobs": (module(lambda: {k: v for k, v in good().items() if k != "jobs"}, 60), "jobs is missing"),
            "no resources": (module(lambda: {**good(), "exact": {**good()["exact"], "resources": None}}, 60), "resources is missing"),
            "more and more": (module({**whole_state(5), "more": True}, 60), "did not answer"),
        }
        for name, (rule, words) in wrong.items():
            with self.subTest(name):
                _, server = self.serve((TOPIC_OF_STATE, rule))
                server.wait_number("node_up_count", 2)
                server.wait_log(f"flux-metrics .*{words}")
                self.assertNotIn("\x1b", server.log())

    def test_one_that_falls_silent(self):
        proxy, server = self.serve((TOPIC_OF_STATE, module(lambda: whole_state(time.time()), 120)))
        server.wait_number("node_up_count", 3)
        server.wait_number("node_up_count", 2)
        self.assertIn("resource.status", proxy.asked)

    def test_old_news_is_old(self):
        # What lay in a pipe for ten minutes is told with its own time, and is too old to be served.
        _, server = self.serve((TOPIC_OF_STATE, module(lambda: whole_state(time.time() - 600), 60)))
        harness.eventually(lambda: server.metric("node_up_count").status == 503, "too old")

    def test_no_news_is_of_the_future(self):
        _, server = self.serve((TOPIC_OF_STATE, module(lambda: whole_state(1e300), 60)))
        server.wait_number("node_up_count", 3)
        told = server.metric("node_up_count").value()["timestamp"]
        self.assertLessEqual(told, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))

    def test_a_guest_does_not_ask_it(self):
        simulator = self.enterContext(harness.Simulator("--as-guest", size=2, max_size=4, cores=4))
        proxy = self.enterContext(BadBroker(simulator.path))
        server = self.enterContext(harness.Server(uri=proxy.uri))
        server.wait_number("node_up_count", 2)
        self.assertNotIn(TOPIC_OF_STATE, proxy.asked)


if __name__ == "__main__":
    harness.main()
