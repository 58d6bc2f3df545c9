"""Prometheus' own tools on what the program says: promtool checks it, a Prometheus scrapes it and answers queries, and
what deploy/ holds is checked by them. tools/prometheus.sh brings both programs."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

import harness
from harness import Simulator, eventually

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNPACKED = ROOT / "build" / "tools" / "usr" / "bin"

USERS_METRICS = r"""
metrics:
  - name: odd_labels
    help: "Help with \\ a backslash, \"quotes\" and a\nsecond line."
    labels: [name]
    expression: '["a\"b", "back\\slash", "new\nline", "\u00e9\u6f22", ""][] | {labels: {name: .}, value: 1.5}'
  - name: things_count
    help: Promtool wants no gauge of this name.
    expression: '[.jobs[]] | length'
"""


def tool(name):
    """The path of promtool or prometheus; SkipTest where there is none."""
    path = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    if not path:
        raise unittest.SkipTest(f"no {name} on PATH, nor in build/tools (tools/prometheus.sh brings it)")
    return path


def promtool(*arguments, text=None, folder=None):
    return subprocess.run([tool("promtool"), *map(str, arguments)], input=text, text=True, capture_output=True, cwd=folder,
                          timeout=harness.DEADLINE * 2, check=False)


class Exporter(harness.Server):
    def __init__(self, *arguments, uri=None):
        super().__init__(*arguments, uri=uri)
        self.arguments[0] = "exporter"


def catalogue():
    return json.loads(harness.run("get", "--catalogue", "-o", "json").stdout)["prometheus"]


def sample_names():
    names = set()
    for family in catalogue():
        suffixes = ("_bucket", "_sum", "_count") if family["type"] == "histogram" else ("",)
        names.update(family["name"] + suffix for suffix in suffixes)
    return names


class Prometheus(harness.Program):
    """A Prometheus of its own on loopback, which scrapes `targets`, and by HTTPS `secured`, twice a second."""

    def __init__(self, *targets, secured=()):
        self.program = tool("prometheus")
        self.port = harness.free_port()
        self.folder = tempfile.mkdtemp(prefix="fma-prometheus-")
        config = {"global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
                  "rule_files": [str(DEPLOY / "prometheus" / "alerts.yaml")],
                  "scrape_configs": [{"job_name": "flux", "static_configs": [{"targets": list(targets)}]},
                                     {"job_name": "secured", "scheme": "https", "tls_config": {"insecure_skip_verify": True},
                                      "static_configs": [{"targets": list(secured)}]}]}
        path = os.path.join(self.folder, "prometheus.json")  # JSON is YAML too
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        super().__init__("--config.file", path, "--storage.tsdb.path", os.path.join(self.folder, "data"),
                         "--web.listen-address", f"127.0.0.1:{self.port}", expected_exit=0)

    def __enter__(self):
        binary, harness.BINARY = harness.BINARY, self.program
        try:
            return super().__enter__()
        finally:
            harness.BINARY = binary

    def ready(self):
        eventually(self._answers, f"a Prometheus at port {self.port}")

    def _answers(self):
        if not self.running():
            raise AssertionError(f"prometheus ended at once:\n{self.log()}")
        try:
            return harness.fetch(self.port, "/-/ready").status == 200
        except OSError:
            return False

    def tidy(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def api(self, path):
        return harness.fetch(self.port, "/api/v1/" + path).json()["data"]

    def query(self, expression):
        """[(labels, number)] of an instant query."""
        result = self.api("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return [(item["metric"], float(item["value"][1])) for item in result]

    def wait(self, expression, wanted):
        eventually(lambda: [value for _, value in self.query(expression)] == [wanted],
                   f"{expression} = {wanted}, last {self.query(expression)}")


class Promtool(unittest.TestCase):
    def test_the_exposition_is_clean(self):
        tool("promtool")
        with Simulator("--queue", "batch", "--queue", "debug", size=3, max_size=6, gpus=2) as simulator, \
                Exporter(uri=simulator.uri) as server:
            simulator.ctl("queue", "start", "--all")
            simulator.ctl("submit", "-N2", "--duration", "1s", "-q", "batch", "--cc", "3")
            server.get("/nonsense")
            simulator.ctl("drain", "2", "broken fan")
            eventually(lambda: b'flux_job_wait_seconds_count{queue="batch"} 1' in server.get("/metrics").body, "a start")
            text = server.get("/metrics").body.decode()
        done = promtool("check", "metrics", text=text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_metrics_of_a_user_are_clean(self):
        tool("promtool")
        with tempfile.TemporaryDirectory() as folder, Simulator(pending=3) as simulator:
            path = pathlib.Path(folder) / "mine.yaml"
            path.write_text(USERS_METRICS, encoding="utf-8")
            with Exporter("--custom-metric", str(path), "--custom-metric", str(ROOT / "examples" / "held-jobs.yaml"),
                          uri=simulator.uri) as server:
                eventually(lambda: b"\nflux_user_things 3\n" in server.get("/metrics").body, "the user's metric")
                text = server.get("/metrics").body.decode()
        for line in (r'flux_user_odd_labels{name="a\"b"} 1.5', r'flux_user_odd_labels{name="back\\slash"} 1.5',
                     'flux_user_odd_labels{name="new line"} 1.5', 'flux_user_odd_labels{name=""} 1.5',
                     'flux_user_job_held{queue=""} 0'):
            self.assertIn(f"\n{line}\n", text)
        done = promtool("check", "metrics", text=text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_the_exposition_without_a_broker_is_clean(self):
        tool("promtool")
        with Exporter(uri="local:///nonexistent/flux") as server:
            done = promtool("check", "metrics", text=server.get("/metrics").body.decode())
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_rules(self):
        rules = DEPLOY / "prometheus" / "alerts.yaml"
        done = promtool("check", "rules", rules)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = promtool("test", "rules", "alerts_test.yaml", folder=rules.parent)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_scrape_configuration(self):
        # The paths in it are those of a pod.
        done = promtool("check", "config", "--syntax-only", DEPLOY / "prometheus" / "scrape.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_queries_of_the_dashboards(self):
        # As recording rules, since promtool checks these.
        rules = [{"record": f"panel{index}", "expr": expression}
                 for index, (_, expression) in enumerate(dashboard_queries())]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
            file.flush()
            done = promtool("check", "rules", file.name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Scrape(unittest.TestCase):
    def test_a_prometheus_scrapes_and_answers(self):
        tool("prometheus")
        with Simulator(size=2, max_size=4) as simulator, Exporter("--patience", "0s", uri=simulator.uri) as exporter, \
                harness.Server("--patience", "0s", "--insecure-skip-auth", uri=simulator.uri) as server, \
                Prometheus(f"127.0.0.1:{exporter.port}", secured=[f"127.0.0.1:{server.port}"]) as prometheus:
            prometheus.wait("count(up == 1)", 2)
            simulator.ctl("submit", "-N2", "--duration", "2s")
            simulator.ctl("submit", "-N4", "--duration", "2s")
            prometheus.wait("count(flux_nodes_wanted == 4)", 2)
            prometheus.wait('sum(flux_nodes{state="offline"})', 4)
            simulator.ctl("online", "2-3")
            prometheus.wait("sum(flux_jobs_finished_total)", 4)
            prometheus.wait("sum(flux_job_wait_seconds_count)", 4)
            prometheus.wait('sum(flux_job_wait_seconds_bucket{le="+Inf"})', 4)
            prometheus.wait("sum(flux_node_arrival_seconds_count)", 4)
            prometheus.wait('count(flux_metrics_instance_state{state="running"} == 1)', 2)
            quantile = prometheus.query("histogram_quantile(0.5, sum by (le) (flux_job_wait_seconds_bucket))")
            self.assertGreaterEqual(quantile[0][1], 0)
            # It asks for OpenMetrics: what it knows of a family is what we told it.
            told = prometheus.api("metadata?metric=flux_jobs_finished")
            self.assertEqual(told["flux_jobs_finished"][0]["type"], "counter")
            for target in prometheus.api("targets")["activeTargets"]:
                self.assertEqual((target["health"], target["lastError"]), ("up", ""))
            for group in prometheus.api("rules")["groups"]:
                for rule in group["rules"]:
                    self.assertEqual(rule.get("lastError", ""), "", rule["name"])
            self.check_dashboards(prometheus)

    def check_dashboards(self, prometheus):
        """Each query of each dashboard is answered; without an error, and where there are numbers, with some."""
        empty = []
        for title, expression in dashboard_queries():
            answer = prometheus.api("query?" + urllib.parse.urlencode({"query": expression}))
            if not answer["result"]:
                empty.append(title)
        self.assertEqual(empty, [])

    def test_a_broker_that_goes(self):
        tool("prometheus")
        with Simulator(size=2, expected_exit=None) as simulator, \
                Exporter("--max-staleness", "1s", uri=simulator.uri) as exporter, \
                Prometheus(f"127.0.0.1:{exporter.port}") as prometheus:
            prometheus.wait("flux_node_counts{state='up'}", 2)
            simulator.kill()
            prometheus.wait("flux_metrics_up", 0)
            # Stale is not zero: the series ends.
            eventually(lambda: prometheus.query("flux_node_counts") == [], "no series of the instance")
            prometheus.wait("up", 1)
            pending = eventually(lambda: [alert["labels"]["alertname"] for alert in prometheus.api("alerts")["alerts"]],
                                 "an alert")
            self.assertIn("FluxSilent", pending)


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in sorted((DEPLOY / "grafana").glob("*.json"))}


def dashboard_queries():
    """(where, expression) with all variables filled in."""
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$instance", ".*").replace("$queue", ".*")
                yield f"{name}: {panel['title']}", expression


class Deploy(unittest.TestCase):
    def names_in(self, expression):
        """The metrics that an expression names: words that are neither labels nor functions."""
        bare = re.sub(r'"[^"]*"', '""', expression)
        bare = re.sub(r"\{[^}]*\}", "", bare)
        bare = re.sub(r"\b(by|on|without)\s*\([^)]*\)", "", bare)
        return set(re.findall(r"\b((?:flux|process)_\w+)\b", bare))

    def test_dashboards_are_whole(self):
        found = dashboards()
        self.assertEqual(set(found), {"overview.json", "queues.json", "exporter.json"})
        self.assertEqual(len({dashboard["uid"] for dashboard in found.values()}), len(found))
        for name, dashboard in found.items():
            self.assertLessEqual({"uid", "title", "schemaVersion", "panels", "templating", "time"}, dashboard.keys(), name)
            variables = {variable["name"] for variable in dashboard["templating"]["list"]}
            self.assertLessEqual({"datasource", "instance"}, variables)
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(set(ids)), len(ids), name)
            taken = set()
            for panel in dashboard["panels"]:
                where = f"{name}: {panel['title']}"
                self.assertTrue(panel["description"].endswith("."), where)
                self.assertIn(panel["type"], {"stat", "timeseries", "heatmap"}, where)
                self.assertTrue(panel["targets"], where)
                self.assertEqual(panel["datasource"]["uid"], "${datasource}", where)
                spot = panel["gridPos"]
                self.assertLessEqual(spot["x"] + spot["w"], 24, where)
                cells = {(x, y) for x in range(spot["x"], spot["x"] + spot["w"])
                         for y in range(spot["y"], spot["y"] + spot["h"])}
                self.assertFalse(cells & taken, f"{where} lies over another panel")
                taken |= cells
                for target in panel["targets"]:
                    used = set(re.findall(r"\$(\w+)", target["expr"]))
                    self.assertLessEqual(used, variables, where)

    def test_dashboards_name_what_exists(self):
        known = sample_names()
        for where, expression in dashboard_queries():
            names = self.names_in(expression)
            self.assertTrue(names, where)
            self.assertLessEqual(names, known, where)

    def test_alerts_name_what_exists(self):
        known = sample_names()
        text = (DEPLOY / "prometheus" / "alerts.yaml").read_text()
        expressions = re.findall(r"^\s+expr: (.*)$", text, re.M)
        self.assertGreater(len(expressions), 10)
        for expression in expressions:
            names = self.names_in(expression)
            self.assertTrue(names, expression)
            self.assertLessEqual(names, known, expression)

    def test_alerts_are_explained(self):
        page = (ROOT / "docs" / "prometheus.md").read_text()
        alerts = re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus" / "alerts.yaml").read_text())
        for alert in alerts:
            self.assertIn(f"| `{alert}` |", page)


if __name__ == "__main__":
    harness.main()
