"""/metrics of `start` and `exporter`: formats, who may read, and that the numbers are those of the instance."""
import gzip
import json
import pathlib
import re
import signal
import unittest

import harness
from harness import Simulator, eventually

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
DOCS = pathlib.Path(__file__).parents[2] / "docs"


def parse(text):
    """{(name, ((label, value), ...)): number} of the text format."""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        if not match:
            raise AssertionError(f"not a sample: {line!r}")
        key = match[1], tuple(sorted(LABEL.findall(match[2] or "")))
        if key in samples:
            raise AssertionError(f"twice: {line!r}")
        samples[key] = float(match[3])
    return samples


class Exporter(harness.Server):
    """`flux-metrics-api exporter` on a free port."""

    def __init__(self, *arguments, uri=None):
        super().__init__(*arguments, uri=uri)
        self.arguments[0] = "exporter"


class Scraped:
    """Asks a server for its metrics as Prometheus would."""

    def __init__(self, server):
        self.server = server

    def all(self):
        answer = self.server.get("/metrics")
        if answer.status != 200:
            raise AssertionError(answer)
        return parse(answer.body.decode())

    def value(self, name, **labels):
        return self.all().get((name, tuple(sorted(labels.items()))))

    def wait(self, name, wanted, **labels):
        eventually(lambda: self.value(name, **labels) == wanted,
                   f"{name} {labels} = {wanted}, last {self.value(name, **labels)}")


class Formats(unittest.TestCase):
    def test_both_and_compressed(self):
        with Simulator(size=3, max_size=6, gpus=1) as simulator, harness.Server(uri=simulator.uri) as server:
            server.wait_number("node_up_count", 3)
            plain = server.get("/metrics")
            self.assertEqual(plain.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            self.assertEqual(int(plain.headers["Content-Length"]), len(plain.body))
            samples = parse(plain.body.decode())
            self.assertEqual(samples["flux_nodes", (("state", "offline"),)], 3)
            self.assertEqual(samples["flux_node_cores_counts", (("state", "free"),)], 12)
            open_metrics = server.get("/metrics/", headers={"Accept": OPENMETRICS})
            self.assertEqual(open_metrics.headers["Content-Type"],
                             "application/openmetrics-text; version=1.0.0; charset=utf-8")
            self.assertTrue(open_metrics.body.endswith(b"# EOF\n"))
            self.assertIn(b"# TYPE flux_jobs_finished counter\n", open_metrics.body)
            packed = server.get("/metrics", headers={"Accept-Encoding": "gzip"})
            self.assertEqual(packed.headers["Content-Encoding"], "gzip")
            self.assertLess(len(packed.body), len(plain.body) / 2)
            self.assertEqual({name for name, _ in parse(gzip.decompress(packed.body).decode())},
                             {name for name, _ in samples})
            named = server.get("/metrics?name[]=flux_nodes&name[]=flux_metrics_up", headers={"Accept-Encoding": "gzip"})
            self.assertEqual({name for name, _ in parse(gzip.decompress(named.body).decode())},
                             {"flux_nodes", "flux_metrics_up"})
            self.assertEqual(server.get("/metrics", method="DELETE").status, 405)
            over_http2 = server.get("/metrics", tls=True)
            self.assertEqual(over_http2.status, 401, "there is no cluster here that says who may read")

    def test_head_has_no_body(self):
        with Simulator() as simulator, harness.Server(uri=simulator.uri) as server:
            answer = server.get("/metrics", method="HEAD")
            self.assertEqual((answer.status, answer.body), (200, b""))


class TheExporter(unittest.TestCase):
    def test_everybody_reads_and_nothing_else_is_there(self):
        with Simulator(size=2) as simulator, Exporter("--verbose", uri=simulator.uri) as server:
            server.wait_log(r"plain HTTP: anyone who can reach the port can read everything")
            Scraped(server).wait("flux_node_counts", 2, state="up")
            self.assertEqual(server.get("/metrics/").status, 200)
            self.assertEqual(server.get("/healthz").body, b"ok")
            self.assertEqual(server.get("/apis").status, 404)
            self.assertEqual(server.metric("node_up_count").status, 404)
            self.assertNotIn(b"/apis", server.get("/").body)
            server.wait_log(r"GET /metrics/ 200")

    def test_another_host_reads_too(self):
        with harness.ForeignHost() as there, Simulator(size=2) as simulator:
            port = harness.free_port()
            with harness.Program("exporter", "--host", there.here, "--port", port,
                                 environment=harness.clean_environment(FLUX_URI=simulator.uri)) as server:
                server.wait_log("serving Prometheus metrics")
                status, body = there.fetch(port, "/metrics")
                self.assertEqual(status, 200)
                self.assertIn("flux_metrics_up", body)
            with harness.Server(uri=simulator.uri, host="0.0.0.0") as server:
                status, body = there.fetch(server.port, "/metrics")
                self.assertEqual(status, 403, body)

    def test_misuse(self):
        for arguments in (("--host", ""), ("--port", "many"), ("--flux-uri", "ssh://elsewhere"), ("--size-policy", "most")):
            self.assertEqual(harness.run("exporter", *arguments).returncode, 2, arguments)

    def test_without_a_broker(self):
        with Exporter(uri="local:///nonexistent/flux") as server:
            scraped = Scraped(server)
            scraped.wait("flux_metrics_instance_state", 1, state="gone")
            samples = scraped.all()
            self.assertEqual(samples["flux_metrics_up", ()], 0)
            self.assertFalse([name for name, _ in samples if name.startswith("flux_nodes")])


class Numbers(unittest.TestCase):
    def test_waits_are_counted_once(self):
        for role in ((), ("--as-guest",)):
            with self.subTest(role=role), Simulator(*role, size=2, max_size=2) as simulator, \
                    Exporter(uri=simulator.uri) as server:
                scraped = Scraped(server)
                scraped.wait("flux_metrics_up", 1)
                scraped.wait("flux_job_wait_seconds_count", 0, queue="")
                simulator.ctl("submit", "-N2", "--duration", "3s", "--cc", "2")
                scraped.wait("flux_jobs_eligible", 1, queue="")
                scraped.wait("flux_job_wait_seconds_count", 2, queue="")
                scraped.wait("flux_jobs_finished_total", 2, queue="")
                samples = scraped.all()
                self.assertEqual(samples["flux_job_wait_seconds_bucket", (("le", "+Inf"), ("queue", ""))], 2)
                self.assertEqual(samples["flux_job_wait_seconds_bucket", (("le", "2.0"), ("queue", ""))], 1)
                self.assertGreater(samples["flux_job_wait_seconds_sum", (("queue", ""),)], 2)
                self.assertEqual(samples["flux_jobs_inactive", (("queue", ""), ("result", "successful"))], 2)

    def test_what_waits_by_queue(self):
        with Simulator("--queue", "batch=0-1", "--queue", "debug=2-3", size=4, max_size=4) as simulator, \
                harness.Server(uri=simulator.uri) as server:
            simulator.ctl("queue", "start", "--all")
            simulator.ctl("submit", "-N2", "-q", "batch")
            server.wait_number("job_running_count", 1)
            simulator.ctl("submit", "-N2", "-q", "batch", "--duration", "60s", "--cc", "3")
            simulator.ctl("submit", "-N1", "-q", "batch")
            server.wait_number("job_eligible_count", 4)
            values = simulator.get("queue_backlog_seconds", "job_unlimited_count", "job_largest_nodes_count",
                                   "job_largest_cores_count", "node_utilization_ratio")
            self.assertEqual(values, {"queue_backlog_seconds": {("batch",): 180, ("debug",): 0},
                                      "job_unlimited_count": {("batch",): 1, ("debug",): 0},
                                      "job_largest_nodes_count": {("batch",): 2, ("debug",): 0},
                                      "job_largest_cores_count": {("batch",): 8, ("debug",): 0},
                                      "node_utilization_ratio": 0.5})
            # Of several queues a custom metric is the largest one, or that of the queue that is chosen.
            self.assertEqual(server.number("queue_backlog_seconds"), "180")
            chosen = server.metric("queue_backlog_seconds?metricLabelSelector=queue%3Ddebug")
            self.assertEqual(chosen.value()["value"], "0")
            self.assertEqual(server.number("node_utilization_ratio"), "500m")
            eventually(lambda: float(server.number("job_wait_oldest_seconds").rstrip("m")) > 0, "a wait that grows")
            scraped = Scraped(server)
            self.assertEqual(scraped.value("flux_queue_backlog_seconds", queue="batch"), 180)
            # Without a core that is up the work has no end, and a made-up number would be worse than none.
            simulator.ctl("drain", "0-1")
            scraped.wait("flux_queue_backlog_seconds", float("inf"), queue="batch")
            self.assertEqual(server.metric("queue_backlog_seconds").status, 503)

    def test_nodes_that_come(self):
        with Simulator(size=2, max_size=4) as simulator, harness.Server("--patience", "0s", uri=simulator.uri) as server:
            scraped = Scraped(server)
            scraped.wait("flux_nodes_wanted", 2)  # the server does not know yet that fewer would do
            self.assertEqual(server.metric("node_arrival_seconds").status, 503)
            simulator.ctl("submit", "-N4")
            scraped.wait("flux_nodes_wanted", 4)
            simulator.ctl("online", "2-3")
            scraped.wait("flux_node_arrival_seconds_count", 2)
            self.assertEqual(server.metric("node_arrival_seconds").status, 200)
            self.assertGreater(scraped.value("flux_node_arrival_seconds_sum"), 0)

    def test_size_policies(self):
        with Simulator(size=2, max_size=16) as simulator:
            simulator.ctl("submit", "-N1", "--duration", "1h", "--cc", "2")
            eventually(lambda: simulator.get("job_running_count")["job_running_count"] == 2, "two jobs that run")
            simulator.ctl("drain", "0-1")  # so that nothing else starts
            for _ in range(4):
                simulator.ctl("submit", "-N1", "--duration", "1h")
            simulator.ctl("submit", "-N3", "--duration", "1h")
            eventually(lambda: simulator.get("job_eligible_count")["job_eligible_count"] == {("",): 5}, "five that wait")
            sizes = {policy: harness.get_metrics(simulator.uri, "node_wanted_count",
                                                 options=("--size-policy", policy, "--hold", "0s"))["node_wanted_count"]
                     for policy in ("wanted", "all", "head-of-line")}
            self.assertEqual(sizes["all"], 9)  # ranks 2 to 8
            self.assertEqual(sizes["wanted"], 9)  # an hour outlasts any patience
            self.assertEqual(sizes["head-of-line"], 3)  # rank 2 for the first; what runs on 0 and 1 stays there

    def test_requests_are_counted(self):
        with Simulator(size=2) as simulator, harness.Server(uri=simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            scraped = Scraped(server)
            before = scraped.value("flux_metrics_http_requests_total", route="metric", code="200")
            for _ in range(5):
                server.metric("node_up_count")
            server.metric("no_such_metric")
            samples = scraped.all()
            self.assertEqual(samples["flux_metrics_http_requests_total", (("code", "200"), ("route", "metric"))], before + 5)
            self.assertEqual(samples["flux_metrics_http_requests_total", (("code", "404"), ("route", "metric"))], 1)
            self.assertGreater(samples["flux_metrics_rpc_duration_seconds_count", (("topic", "resource.status"),)], 0)
            self.assertGreater(samples["process_resident_memory_bytes", ()], 1e6)
            self.assertGreater(samples["process_open_fds", ()], 5)
            self.assertLess(samples["flux_metrics_snapshot_age_seconds", ()], harness.DEADLINE)


class States(unittest.TestCase):
    """Where an instance is in its life, in words and as a metric."""

    def expect(self, server, state):
        scraped = Scraped(server)
        scraped.wait("flux_metrics_instance_state", 1, state=state)
        told = {dict(labels)["state"]: value for (name, labels), value in scraped.all().items()
                if name == "flux_metrics_instance_state"}
        self.assertEqual(sum(told.values()), 1, told)
        answer = server.get("/readyz/flux?verbose")
        self.assertIn(f"state: {state}\n", answer.body.decode())

    def wait_status(self, server, status):
        eventually(lambda: server.get("/readyz/flux").status == status, f"{status} of /readyz/flux")

    def test_quorum_then_running(self):
        with Simulator("--quorum", "3", size=1) as simulator, harness.Server(uri=simulator.uri) as server:
            self.expect(server, "quorum")
            simulator.ctl("online", "1-2")
            self.expect(server, "running")

    def test_no_scheduler(self):
        with Simulator("--no-scheduler", size=2) as simulator, harness.Server(uri=simulator.uri) as server:
            self.expect(server, "no-scheduler")
            simulator.ctl("scheduler", "load")
            self.expect(server, "running")

    def test_gone_and_back(self):
        with Simulator(size=2, expected_exit=None) as first, \
                harness.Server("--max-staleness", "1s", uri=first.uri) as server:
            self.expect(server, "running")
            self.assertIn(b"returned: 0 times\n", server.get("/readyz/flux?verbose").body)
            first.kill()
            self.wait_status(server, 500)
            self.expect(server, "gone")
            with Simulator(socket_path=first.path, size=2):
                self.expect(server, "running")
                self.assertIn(b"returned: 1 times\n", server.get("/readyz/flux?verbose").body)
                self.assertEqual(Scraped(server).value("flux_metrics_returns_total"), 1)

    def test_silent_and_back(self):
        with Simulator(size=2) as simulator, harness.Server("--max-staleness", "2s", uri=simulator.uri) as server:
            self.expect(server, "running")
            simulator.signal(signal.SIGSTOP)
            try:
                self.wait_status(server, 500)
                self.expect(server, "silent")
            finally:
                simulator.signal(signal.SIGCONT)
            self.expect(server, "running")

    def test_shutdown(self):
        with Simulator(size=3, max_size=4) as simulator, harness.Server(uri=simulator.uri) as server:
            simulator.ctl("submit", "-N2", "--cc", "2")
            server.wait_number("node_allocated_count", 2)
            self.expect(server, "running")
            simulator.ctl("shutdown")
            seen = []
            while simulator.running():
                states = [dict(labels)["state"] for (name, labels), value in Scraped(server).all().items()
                          if name == "flux_metrics_instance_state" and value]
                if states != seen[-1:]:
                    seen += states
            self.assertIn("shutdown", seen)

    def test_nothing_was_heard_yet(self):
        # A broker that accepts and says nothing: until its deadline nobody can tell.
        with Simulator(size=2) as simulator:
            simulator.signal(signal.SIGSTOP)
            try:
                with harness.Server(uri=simulator.uri) as server:
                    self.expect(server, "starting")
                    self.expect(server, "silent")
            finally:
                simulator.signal(signal.SIGCONT)


class Reference(unittest.TestCase):
    def test_the_documentation_is_the_catalogue(self):
        done = harness.run("get", "--catalogue", "-o", "markdown")
        self.assertEqual(done.returncode, 0)
        metrics, instance, own = done.stdout.split("\n\n")
        self.assertIn(metrics + "\n", (DOCS / "metrics.md").read_text())
        self.assertIn(instance + "\n", (DOCS / "prometheus.md").read_text())
        self.assertIn(own.rstrip("\n") + "\n", (DOCS / "prometheus.md").read_text())

    def test_as_json(self):
        document = json.loads(harness.run("get", "--catalogue", "-o", "json").stdout)
        names = {family["name"] for family in document["prometheus"]}
        for metric in document["metrics"]:
            self.assertLessEqual(set(metric["prometheus"]), names)
        with Simulator(size=2) as simulator, Exporter(uri=simulator.uri) as server:
            Scraped(server).wait("flux_metrics_up", 1)
            shown = set(re.findall(r"^# TYPE (\w+)", server.get("/metrics").body.decode(), re.M))
        # Those of Fluxion are there where Fluxion is.
        self.assertEqual({name for name in names if not name.startswith("flux_fluxion_")}, shown)

    def test_markdown_is_no_form_of_values(self):
        self.assertEqual(harness.run("get", "-o", "markdown").returncode, 2)
        self.assertEqual(harness.run("get", "--catalogue", "node_up_count").returncode, 2)


if __name__ == "__main__":
    harness.main()
