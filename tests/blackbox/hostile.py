"""What the tests of hostile input share: many cases side by side, and what a server must still do meanwhile."""
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import re
import threading
import time
import typing

import badbroker
import harness

# What the server may ever hold, whatever comes over the broker's socket. The largest is a list of jobs.
MEMORY_LIMIT_MIB = 448
# Sanitizers keep freed memory back and pad every allocation.
MEMORY_FACTOR = 6 if os.environ.get("FLUX_METRICS_SLOW") else 1


def peak_memory_mib(program):
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) / 1024


@dataclasses.dataclass
class Case:
    """A bad broker, and what must be read in the 503 of a metric; no words: the metrics stay as they are."""
    name: str
    words: str | None = None  # a regular expression
    rules: dict = dataclasses.field(default_factory=dict)
    greet: typing.Callable | None = None
    metric: str = "node_up_count"
    asks: str | None = None  # a topic that must have been asked for, or the case shows nothing
    logged: str | None = None  # a regular expression
    prepare: dict = dataclasses.field(default_factory=dict)  # rules that lead the server to the topic


def edited(change):
    """The corruption that changes the true reply's JSON in place, or answers what `change` returns."""
    def corrupt(reply):
        if reply.message.payload is None or reply.message.first:
            return [reply.raw]
        value = json.loads(reply.message.payload)
        other = change(value)
        return [reply.encoded(json.dumps(value if other is None else other))]
    return corrupt


def only_for(name, corruption):
    """Spoils attr.get of one attribute."""
    return lambda reply: corruption(reply) if json.loads(reply.asked.payload)["name"] == name else [reply.raw]


class Lane:
    """A server behind a broker that misbehaves; cases run in it one after the other."""

    def __init__(self, simulator, *arguments):
        self.broker = badbroker.BadBroker(simulator.path)
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self.broker)
        try:
            self.server = self._stack.enter_context(
                harness.Server("--max-staleness", "0.3s", *arguments, uri=self.broker.uri))
        except BaseException:
            self._stack.close()
            raise

    def close(self):
        self._stack.close()

    def run(self, case, expected="2"):
        self.broker.behave()
        self.wait_good(case.metric, expected)
        before = len(self.server.log())
        self.broker.behave({**case.prepare, **case.rules}, case.greet)
        if case.asks:
            harness.eventually(lambda: case.asks in self.broker.asked, f"{case.asks} asked for")
        if case.words is not None:
            self._refuses(case)
        if case.logged:
            harness.eventually(lambda: re.search(case.logged, self.server.log()[before:]),
                               f"/{case.logged}/ in the log: {self.server.log()[before:][:2000]!r}")
        if case.words is None:
            end = time.monotonic() + 1
            harness.eventually(lambda: time.monotonic() > end and self.server.metric(case.metric).status == 200,
                               f"the value while {case.name}")
        self._others_are_served()
        peak = peak_memory_mib(self.server)
        if peak > MEMORY_LIMIT_MIB * MEMORY_FACTOR:
            raise AssertionError(f"VmHWM is {peak:.0f} MiB")
        for line in self.server.log()[before:].splitlines():
            if len(line) > 2000:
                raise AssertionError(f"a line of {len(line)} characters in the log: {line[:300]!r}")
            if not re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \w+ ", line):
                raise AssertionError(f"a line in the log that is none: {line[:300]!r}")
        self.broker.behave()
        self.wait_good(case.metric, expected)

    def wait_good(self, metric, expected):
        harness.eventually(lambda: self.server.number(metric) == expected,
                           f"{metric} = {expected} with a good broker; {self.server.get('/readyz/flux').body[:500]}")

    def _refuses(self, case):
        def said():
            answer = self.server.metric(case.metric)
            return answer.status == 503 and re.search(case.words, answer.json()["message"]) and answer
        try:
            harness.eventually(said, f"/{case.words}/")
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.server.metric(case.metric)}") from None
        status = said() and self.server.metric(case.metric).json()
        if status and status["kind"] == "Status" and len(status["message"]) > 1500:
            raise AssertionError(f"a message of {len(status['message'])} characters: {status['message'][:300]}")
        ready = harness.eventually(lambda: (a := self.server.get("/readyz/flux")).status == 500 and a, "/readyz/flux 500")
        if not re.search(case.words, ready.body.decode()):
            harness.eventually(lambda: re.search(case.words, self.server.get("/readyz/flux").body.decode()),
                               f"/{case.words}/ at /readyz/flux")
        harness.eventually(lambda: re.search(case.words, self.server.log()), f"/{case.words}/ in the log")

    def _others_are_served(self):
        for path, status in (("/readyz", 200), (f"{harness.CUSTOM}/v1beta2", 200), ("/apis", 200)):
            answer = self.server.get(path)
            if answer.status != status:
                raise AssertionError(f"{path}: {answer}")


def run_cases(test, simulator, cases, lanes=4, expected="2", arguments=()):
    """Runs `cases` in several lanes at a time; each is a subtest. A lane whose server died is replaced."""
    waiting, results, lock = list(cases), [], threading.Lock()

    def work():
        lane = None
        try:
            while True:
                with lock:
                    if not waiting:
                        return
                    case = waiting.pop(0)
                try:
                    if lane is None or not lane.server.running():
                        if lane:
                            lane.close()
                        lane = None
                        lane = Lane(simulator, *arguments)
                    lane.run(case, expected)
                    outcome = None
                except Exception as error:  # pylint: disable=broad-except
                    died = lane is not None and not lane.server.running()
                    outcome = f"{'THE SERVER DIED: ' + lane.server.log()[-2000:] if died else ''}{error!r}"
                with lock:
                    results.append((case.name, outcome))
        finally:
            if lane:
                lane.close()

    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        for future in [pool.submit(work) for _ in range(min(lanes, len(waiting)))]:
            future.result()
    test.assertEqual(len(results), len(cases))
    for name, outcome in results:
        with test.subTest(name):
            test.assertIsNone(outcome)
