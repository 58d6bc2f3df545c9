#!/usr/bin/env python3
"""--custom-metric FILE.yaml: expressions over the instance's state as metrics, and what bad ones may not do."""
import contextlib
import json
import os
import pathlib
import re
import signal
import tempfile
import unittest

from harness import (CUSTOM, Program, Server, Simulator, clean_environment, eventually, fetch, free_port, get_document,
                     get_metrics, main, run)

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/held-jobs.yaml"
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"
GOOD = """
metrics:
  - name: job_waiting_count
    help: Jobs that wait.
    unit: jobs
    expression: '[.jobs[] | select(.state == "sched")] | length'
  - name: node_state_count
    help: Nodes by state.
    unit: nodes
    labels: [state]
    expression: '.nodes | group_by(.state) | map({labels: {state: .[0].state}, value: length})'
  - name: state_seen_total
    type: counter
    help: A counter.
    expression: '7'
"""


def metric(name, expression, **more):
    lines = [f"  - name: {name}", "    help: A metric of a test.", f"    expression: {json.dumps(expression)}"]
    lines += [f"    {key}: {value}" for key, value in more.items()]
    return "\n".join(lines)


class UserMetrics(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, text, name="mine.yaml"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def of(self, *metrics):
        return self.file("metrics:\n" + "\n".join(metrics) + "\n")

    def exporter(self, uri, *arguments):
        port = free_port()
        program = Program("exporter", "--host", "127.0.0.1", "--port", port, *arguments,
                          environment=clean_environment(FLUX_URI=uri))
        program.ready = lambda: program.wait_log("serving Prometheus")
        program.port = port
        return program


class Served(UserMetrics):
    def test_what_speaks_of_time_goes_on_without_a_change(self):
        path = self.of(metric("job_oldest_seconds", "[.time - (.jobs[] | .t_submit)] | max"), metric("jobs_here", ".jobs | length"))
        with Simulator(size=1, max_size=1, pending=3) as flux, \
                Server("--custom-metric", path, "--max-staleness", "3s", uri=flux.uri) as server:
            eventually(lambda: server.metric("job_oldest_seconds").status == 200, "a value")
            seen = lambda: float(re.search(r"^flux_user_job_oldest_seconds (\S+)$", server.get("/metrics").body.decode(), re.M)[1])
            first = seen()
            eventually(lambda: seen() >= first + 2, "the oldest job grows older")
            flux.signal(signal.SIGSTOP)
            eventually(lambda: server.metric("job_oldest_seconds").status == 503, "no word of the broker, no value")
            flux.signal(signal.SIGCONT)
            server.wait_number("jobs_here", 3)

    def test_start_serves_them_everywhere(self):
        path = self.file(GOOD)
        with Simulator(size=3, max_size=4, pending=5) as flux, Server("--custom-metric", path, uri=flux.uri) as server:
            server.wait_number("job_waiting_count", 5)
            flux.ctl("submit", "-N4")
            server.wait_number("job_waiting_count", 6)
            server.wait_number("node_state_count", 4)  # the sum of all states
            answer = server.metric("node_state_count?metricLabelSelector=state%3Doffline")
            self.assertEqual((answer.status, answer.value()["value"]), (200, "1"), answer)
            self.assertEqual(server.metric("node_state_count?metricLabelSelector=colour%3Dred").status, 404)

            items = server.get(f"{EXTERNAL}/namespaces/flux-operator/node_state_count").json()["items"]
            self.assertEqual({(item["metricLabels"]["state"], item["value"]) for item in items},
                             {("idle", "3"), ("offline", "1")})

            names = {resource["name"] for resource in server.get(f"{CUSTOM}/v1beta2").json()["resources"]}
            self.assertLessEqual({"services/job_waiting_count", "namespaces/node_state_count",
                                  "services/state_seen_total"}, names)
            self.assertIn("job_waiting_count",
                          {resource["name"] for resource in server.get(EXTERNAL).json()["resources"]})
            aggregated = server.get("/apis", headers={
                "Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"})
            self.assertIn("job_waiting_count", aggregated.body.decode())

            text = server.get("/metrics").body.decode()
            self.assertIn("# HELP flux_user_job_waiting Jobs that wait.\n# TYPE flux_user_job_waiting gauge\n"
                          "flux_user_job_waiting 6\n", text)
            self.assertIn('flux_user_node_state{state="idle"} 3\n', text)
            self.assertIn("# TYPE flux_user_state_seen_total counter\nflux_user_state_seen_total 7\n", text)

    def test_exporter_and_get(self):
        path = self.file(GOOD)
        with Simulator(size=2, max_size=4, pending=3) as flux:
            with self.exporter(flux.uri, "--custom-metric", path) as exporter:
                eventually(lambda: b"\nflux_user_job_waiting 3\n" in fetch(exporter.port, "/metrics").body,
                           "the metric in /metrics")
            values = get_metrics(flux.uri, "job_waiting_count", "node_state_count", options=("--custom-metric", path))
            self.assertEqual(values, {"job_waiting_count": 3, "node_state_count": {("idle",): 2, ("offline",): 2}})

    def test_catalogue_lists_them_without_a_broker(self):
        path = self.file(GOOD)
        done = run("get", "--catalogue", "-o", "json", "--custom-metric", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {each["name"]: each for each in json.loads(done.stdout)["metrics"]}["node_state_count"]
        self.assertEqual(found, {"name": "node_state_count", "type": "gauge", "unit": "nodes", "labels": ["state"],
                                 "aggregation": "sum", "prometheus": ["flux_user_node_state"],
                                 "source": f"{path} line 7", "help": "Nodes by state."})

    def test_the_example_works(self):
        with Simulator(size=2, max_size=2) as flux:
            flux.ctl("submit", "-N2", "--urgency", "0")
            flux.ctl("drain", "1", "test")
            values = get_metrics(flux.uri, "job_held_count", "node_drained_longest_seconds",
                                 options=("--custom-metric", EXAMPLE))
            self.assertEqual(values["job_held_count"], {("",): 1})
            self.assertIsNotNone(values["node_drained_longest_seconds"])


class Refused(UserMetrics):
    def refused(self, path, *says):
        for command in (("start", "--port", "0"), ("exporter", "--port", "0"), ("get",)):
            done = run(*command, "--custom-metric", path, environment=clean_environment(FLUX_URI="local:///nowhere"))
            self.assertEqual(done.returncode, 2, done)
            for part in says:
                self.assertIn(part, done.stderr)

    def test_what_is_wrong_is_named(self):
        path = self.of(metric("fine", "1"), metric("broken", ".jobs | nosuch"))
        self.refused(path, f"{path} line 5", "the expression of broken", "nosuch/0 is not defined", ".jobs | nosuch")
        path = self.of(metric("node_up_count", "1"))
        self.refused(path, f"{path} line 2", "built-in metric node_up_count")
        path = self.of(metric("a-b", "1"))
        self.refused(path, f"{path} line 2", "'a-b' is not a valid metric name")
        path = self.of(metric("twice", "1"), metric("twice", "2"))
        self.refused(path, f"{path} line 5", "twice already", f"{path} line 2")
        self.refused(self.folder / "absent.yaml", "absent.yaml", "No such file")
        self.refused(self.file("x", "metrics.txt"), "metrics.txt")

    def test_no_module_is_found(self):
        (self.folder / "module.jq").write_text("def secret: 42;")
        path = self.of(metric("imports", f'import "{self.folder}/module" as m; m::secret'))
        self.refused(path, "the expression of imports")


class Bad(UserMetrics):
    """Expressions that fail, hang or want too much: each has no value, and the others go on."""

    BAD = {"endless": "[range(1; infinite)] | length", "recursive": "def f: f; f",
           "hog": "[] | .[300000000] = 1 | length", "failing": '.nodes | error("of mine")', "a_text": '"5"',
           "nothing": "empty", "reads": "input", "halts": "halt", "not_a_number": "nan",
           "too_many": "range(0; 20000)", "too_deep": "reduce range(200) as $i (0; [.])"}

    def test_bad_ones_have_no_value_and_say_why(self):
        path = self.of(metric("before", "1"), *(metric(*each) for each in self.BAD.items()), metric("after", "2"))
        with Simulator() as flux:
            document = get_document(flux.uri, "before", "after", *self.BAD,
                                    options=("--custom-metric", path, "--timeout", "60s"))
        found = {each["name"]: each for each in document["metrics"]}
        self.assertEqual(found["before"]["items"][0]["value"], 1)
        self.assertEqual(found["after"]["items"][0]["value"], 2)
        why = {name: found[name].get("missing", "") for name in self.BAD}
        for name, part in (("endless", "200 ms"), ("recursive", "200 ms"), ("failing", "of mine"),
                           ("a_text", 'a finite number: "5"'), ("nothing", "no value now"), ("not_a_number", "no value"),
                           ("reads", "no further input"), ("halts", "it halts"), ("too_many", "10000 results"),
                           ("too_deep", "cannot be read: too deep")):
            self.assertIn(part, why[name], name)
        self.assertRegex(why["hog"], "MB of memory|200 ms|signal")

    def test_a_missing_value_is_503_and_others_follow_the_state(self):
        path = self.of(metric("good", ".jobs | length"), metric("endless", self.BAD["endless"]))
        with Simulator(size=1, max_size=2) as flux, Server("--custom-metric", path, uri=flux.uri) as server:
            eventually(lambda: b"200 ms" in server.metric("endless").body, "the time limit in the answer")
            self.assertEqual(server.metric("endless").status, 503)
            for count in range(1, 4):
                flux.ctl("submit", "-N2")
                server.wait_number("good", count)
            self.assertNotIn("flux_user_endless", server.get("/metrics").body.decode())

    def test_it_sees_no_environment(self):
        path = self.of(metric("seen", "env | length"), metric("variables", "$ENV | length"))
        with Simulator() as flux:
            self.assertEqual(get_metrics(flux.uri, "seen", "variables", options=("--custom-metric", path)),
                             {"seen": 0, "variables": 0})


def children_of(pid):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append((int(path.parent.name), fields[0]))
    return found


class Children(UserMetrics):
    def test_a_killed_child_comes_back(self):
        path = self.of(metric("good", ".jobs | length"))
        with Simulator(size=1, max_size=2) as flux, Server("--custom-metric", path, uri=flux.uri) as server:
            server.wait_number("good", 0)
            (child, _), = children_of(server.process.pid)
            os.kill(child, 9)
            flux.ctl("submit", "-N2")
            server.wait_number("good", 1)
            (another, state), = children_of(server.process.pid)
            self.assertNotEqual(another, child)
            self.assertNotEqual(state, "Z")

    def test_none_outlives_the_program(self):
        path = self.of(metric("good", ".jobs | length"))
        for way in (15, 9):
            with Simulator() as flux, Server("--custom-metric", path, uri=flux.uri) as server:
                server.wait_number("good", 0)
                (child, _), = children_of(server.process.pid)
                os.kill(server.process.pid, way)
                server.process.wait(60)
                if way == 9:
                    server.expected_exit = None
                eventually(lambda: not re.search(r"evaluate-expressions",
                                                 _command_of(child)), "the child's end")

    def test_the_subcommand_is_not_advertised(self):
        self.assertNotIn("evaluate-expressions", run("--help").stdout)


def _command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


if __name__ == "__main__":
    main()
