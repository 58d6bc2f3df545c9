"""`start` as its clients see it: discovery, values, TLS and HTTP on one port, who may ask."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import harness
from harness import CUSTOM

VERSIONS = ("v1beta1", "v1beta2")


class WithBroker(unittest.TestCase):
    def test_requests_cause_no_request_to_the_broker(self):
        with harness.Simulator() as simulator, harness.Server(uri=simulator.uri) as server:
            server.wait_number("node_up_count", 2)

            def asked_within(seconds, meanwhile):
                before = simulator.requests()
                end = time.monotonic() + seconds
                answered = 0
                while time.monotonic() < end:
                    answered += meanwhile()
                return simulator.requests() - before, answered

            def ask():
                self.assertEqual(server.metric("job_pending_count").status, 200)
                return 1

            quiet, _ = asked_within(3, lambda: time.sleep(0.05) or 0)
            busy, answered = asked_within(3, ask)
            self.assertGreater(answered, 20)
            # The polls of three seconds are not always the same few.
            self.assertLessEqual(abs(busy - quiet), 8, f"{answered} requests were answered")


class WithoutBroker(unittest.TestCase):
    def test_discovery_answers_at_once_and_is_never_empty(self):
        with harness.Server(uri="local:///nowhere/flux.sock") as server:
            begin = time.monotonic()
            first = server.get(f"{CUSTOM}/v1beta2")
            took = time.monotonic() - begin
            self.assertEqual(first.status, 200)
            if not os.environ.get("FLUX_METRICS_SLOW"):
                self.assertLess(took, 0.1, "discovery within 100 ms of the bind")
            for version in VERSIONS:
                listed = server.get(f"{CUSTOM}/{version}")
                self.assertEqual(listed.status, 200)
                document = listed.json()
                self.assertEqual(document["kind"], "APIResourceList")
                self.assertEqual(document["groupVersion"], f"custom.metrics.k8s.io/{version}")
                names = [resource["name"] for resource in document["resources"]]
                for metric in ("node_up_count", "job_queue_state_run_count", "node_wanted_count"):
                    self.assertIn(metric, {name.split("/")[1] for name in names})
                for resource in document["resources"]:
                    self.assertEqual(resource["verbs"], ["get"])
                    self.assertEqual(resource["singularName"], "")
                    self.assertEqual(resource["kind"], "MetricValueList")
                    self.assertEqual(resource["namespaced"], not resource["name"].startswith("namespaces/"))
            self.assertEqual(server.get("/apis").status, 200)

    def test_metric_says_why_it_has_no_value(self):
        with harness.Server(uri="local:///nowhere/flux.sock") as server:
            answer = harness.eventually(lambda: (a := server.metric("node_up_count")) and "/nowhere/flux.sock" in
                                        a.body.decode() and a, "the reason in the answer")
            self.assertEqual(answer.status, 503)
            self.assertNotIn("Retry-After", answer.headers)
            status = answer.json()
            self.assertEqual((status["kind"], status["status"], status["code"]), ("Status", "Failure", 503))
            self.assertEqual(server.metric("no_such_metric").status, 404)

    def test_health_does_not_depend_on_flux(self):
        with harness.Server(uri="local:///nowhere/flux.sock") as server:
            for path in ("/healthz", "/livez", "/readyz"):
                self.assertEqual(server.get(path).status, 200, path)
            version = server.get("/version")
            self.assertEqual(version.status, 200)
            self.assertIn("gitVersion", version.json())

    def test_sigterm_makes_it_unready_before_it_stops_listening(self):
        with harness.Server("--shutdown-delay", "60s", uri="local:///nowhere/flux.sock") as server:
            self.assertEqual(server.get("/readyz/shutdown").status, 200)
            server.signal(signal.SIGTERM)
            answer = harness.eventually(lambda: (a := server.get("/readyz")).status == 500 and a, "an unready server")
            self.assertIn("[-]shutdown failed", answer.body.decode())
            self.assertEqual(server.get("/readyz/shutdown").status, 500)
            self.assertEqual(server.get("/readyz?exclude=shutdown").status, 200)
            for path in ("/livez", "/healthz", f"{CUSTOM}/v1beta2"):
                self.assertEqual(server.get(path).status, 200, path)
            # The end of the block sends another SIGTERM, which does not wait.

    def test_shutdown_delay_ends_by_itself(self):
        with harness.Server("--shutdown-delay", "300ms", uri="local:///nowhere/flux.sock") as server:
            server.signal(signal.SIGTERM)
            harness.eventually(lambda: not server.running(), "the end of the server")

    def test_sigint_does_not_wait(self):
        with harness.Server("--shutdown-delay", "10m", uri="local:///nowhere/flux.sock") as server:
            server.signal(signal.SIGINT)
            harness.eventually(lambda: not server.running(), "the end of the server")

    def test_broker_that_comes_later_is_found(self):
        folder = tempfile.mkdtemp(prefix="fma-")
        self.addCleanup(shutil.rmtree, folder, True)
        path = f"{folder}/local"
        with harness.Server(uri=f"local://{path}") as server:
            self.assertEqual(server.metric("node_up_count").status, 503)
            with harness.Simulator(socket_path=path, size=3, max_size=5):
                server.wait_number("node_up_count", 3)
                server.wait_number("node_total_count", 5)


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.enterClassContext(harness.Simulator(size=2, max_size=4, cores=4))
        cls.server = cls.enterClassContext(harness.Server("--api-path", "/mine/v1", "--insecure-skip-auth",
                                                         "--hold", "0s", uri=cls.simulator.uri))
        cls.server.wait_number("node_up_count", 2)

    def test_the_articles_curl_in_both_versions(self):
        for version in VERSIONS:
            path = f"{CUSTOM}/{version}/namespaces/flux-operator/metrics/node_up_count"
            answer = self.server.get(path)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["Content-Type"], "application/json")
            document = answer.json()
            self.assertEqual(document["kind"], "MetricValueList")
            self.assertEqual(document["apiVersion"], f"custom.metrics.k8s.io/{version}")
            item = answer.value()
            self.assertEqual(item["value"], "2")
            name = item["metric"]["name"] if version == "v1beta2" else item["metricName"]
            self.assertEqual(name, "node_up_count")
            self.assertIn("describedObject", item)

    def test_the_objects_that_an_hpa_names(self):
        for tail in ("services/custom-metrics-apiserver/node_up_count", "services/%2A/node_up_count",
                     "services/*/node_up_count"):
            answer = self.server.get(f"{CUSTOM}/v1beta2/namespaces/flux-operator/{tail}")
            self.assertEqual(answer.status, 200, tail)
            self.assertEqual(answer.value()["value"], "2", tail)

    def test_root_metric_of_the_namespace(self):
        answer = self.server.get(f"{CUSTOM}/v1beta2/namespaces/flux-operator/metrics/node_up_count/")
        self.assertEqual(answer.status, 200)

    def test_timestamp_is_utc_and_now(self):
        age = harness.utc_age(self.server.metric("node_up_count").value()["timestamp"])
        self.assertLess(abs(age), 20)

    def test_audit_id_is_echoed_or_fresh(self):
        echoed = self.server.metric("node_up_count", headers={"Audit-Id": "4f9a0a3e-0000-4000-8000-000000000001"})
        self.assertEqual(echoed.headers["Audit-Id"], "4f9a0a3e-0000-4000-8000-000000000001")
        fresh = {self.server.metric("node_up_count").headers["Audit-Id"] for _ in range(3)}
        self.assertEqual(len(fresh), 3)
        for identity in fresh:
            self.assertRegex(identity, r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(self.server.metric("node_up_count").headers["Cache-Control"], "no-cache, private")

    def test_labels_select(self):
        query = "?metricLabelSelector=" + urllib.parse.quote("state=run")
        self.assertEqual(self.server.metric("job_count" + query).value()["value"], "0")
        query = "?metricLabelSelector=" + urllib.parse.quote("queue=nowhere")
        self.assertEqual(self.server.metric("job_count" + query).status, 404)
        query = "?metricLabelSelector=" + urllib.parse.quote("state in (run")
        self.assertEqual(self.server.metric("job_count" + query).status, 400)

    def test_another_namespace_and_another_verb(self):
        self.assertEqual(self.server.metric("node_up_count", namespace="elsewhere").status, 404)
        self.assertEqual(self.server.metric("node_up_count", method="POST").status, 405)

    def test_api_path_is_served_too(self):
        listed = self.server.get("/mine/v1")
        self.assertEqual(listed.status, 200)
        answer = self.server.get("/mine/v1/namespaces/flux-operator/metrics/node_up_count")
        self.assertEqual((answer.status, answer.value()["value"]), (200, "2"))

    def test_tls_and_http_on_one_port(self):
        plain = self.server.metric("node_total_count")
        secure = self.server.metric("node_total_count", tls=True)
        self.assertEqual((plain.status, secure.status), (200, 200))
        self.assertEqual(plain.value()["value"], secure.value()["value"])

    def test_every_metric_that_discovery_names_answers(self):
        names = [resource["name"] for resource in self.server.get(f"{CUSTOM}/v1beta2").json()["resources"]]
        for name in sorted(names):
            resource, metric = name.split("/")
            namespace = "" if resource == "namespaces" else "/namespaces/flux-operator"
            answer = self.server.get(f"{CUSTOM}/v1beta2{namespace}/{resource}/*/{metric}")
            self.assertIn(answer.status, (200, 503), name)
            if answer.status == 200:
                self.assertRegex(answer.value()["value"], r"^-?\d+(\.\d+)?[mkMG]?$", metric)
            else:
                self.assertGreater(len(answer.json()["message"]), 10, metric)

    def test_get_and_start_say_the_same(self):
        values = self.simulator.get("node_free_count", "node_cores_total_count", "node_wanted_count")
        for name, value in values.items():
            self.assertEqual(self.server.number(name), str(int(value)), name)


class Log(unittest.TestCase):
    def test_one_line_a_metric_request(self):
        with harness.Simulator() as simulator, harness.Server(uri=simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            server.metric("node_total_count")
            server.get("/healthz")
            server.get(f"{CUSTOM}/v1beta2")
            server.wait_log(r"node_total_count")
            lines = [line for line in server.log().splitlines() if "node_total_count" in line]
            self.assertEqual(len(lines), 1, lines)
            for part in ("info", "127.0.0.1", "/namespaces/flux-operator/metrics/node_total_count", "200", "4"):
                self.assertIn(part, lines[0])
            self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
            self.assertNotIn("/healthz", server.log())


class Follows(unittest.TestCase):
    def test_no_memory_is_no_reason_to_shrink(self):
        with harness.Simulator(size=3, max_size=4) as simulator, \
                harness.Server("--hold", "4s", "--patience", "0s", uri=simulator.uri) as server:
            first = harness.eventually(lambda: server.number("node_wanted_count"), "a size")
            self.assertEqual(first, "3", "an autoscaler may act on the first value that it reads")
            server.wait_number("node_wanted_count", 1)
            self.assertEqual(simulator.get("node_wanted_count"), {"node_wanted_count": 1}, "a look has no memory, either way")

    def test_nodes_and_jobs_that_come_and_go(self):
        with harness.Simulator(size=2, max_size=4, cores=4) as simulator, \
                harness.Server("--hold", "0s", "--patience", "0s", uri=simulator.uri) as server:
            server.wait_number("node_wanted_count", 1)
            job = simulator.ctl("submit", "-N4")
            server.wait_number("node_wanted_count", 4)
            server.wait_number("node_shortage_count", 2)
            server.wait_number("job_pending_count", 1)
            simulator.ctl("online", "2-3")
            server.wait_number("node_up_count", 4)
            server.wait_number("job_running_count", 1)
            server.wait_number("node_safe_min_count", 4)
            simulator.ctl("cancel", job)
            server.wait_number("node_wanted_count", 1)
            simulator.ctl("offline", "2-3")
            server.wait_number("node_up_count", 2)


class Certificates(unittest.TestCase):
    def test_files_are_served_and_verify(self):
        folder = tempfile.mkdtemp(prefix="fma-")
        self.addCleanup(shutil.rmtree, folder, True)
        certificate, key = harness.make_certificate(folder, "127.0.0.1", "metrics.flux-operator.svc")
        with harness.Server("--ssl-certfile", certificate, "--ssl-keyfile", key) as server:
            answer = server.get("/healthz", tls=True, ca=certificate)
            self.assertEqual(answer.status, 200)

    def test_self_signed_certificate_is_kept_and_names_the_service(self):
        folder = tempfile.mkdtemp(prefix="fma-")
        self.addCleanup(shutil.rmtree, folder, True)
        with harness.Server("--cert-dir", folder) as server:
            name = "custom-metrics-apiserver.flux-operator.svc"
            answer = server.get("/healthz", tls=True, ca=f"{folder}/tls.crt", server_hostname=name)
            self.assertEqual(answer.status, 200)
            with open(f"{folder}/tls.crt", encoding="ascii") as file:
                first = file.read()
            self.assertEqual(os.stat(f"{folder}/tls.key").st_mode & 0o777, 0o600)
        with harness.Server("--cert-dir", folder) as server:
            server.get("/healthz", tls=True, ca=f"{folder}/tls.crt", server_hostname=name)
            with open(f"{folder}/tls.crt", encoding="ascii") as file:
                self.assertEqual(file.read(), first)


class Peers(unittest.TestCase):
    def test_plain_http_from_this_hosts_other_addresses(self):
        done = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False)
        others = re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", done.stdout)
        if not others:
            self.skipTest("this host has no address but loopback")
        with harness.Server(host="0.0.0.0") as server:
            self.assertEqual(server.get("/healthz", host=others[0]).status, 200)

    def test_plain_http_from_a_foreign_host_is_refused(self):
        with harness.ForeignHost() as peer, harness.Server("--insecure-skip-auth", host="0.0.0.0") as server:
            self.assertEqual(server.get("/healthz", host=peer.here).status, 200)
            status, body = peer.fetch(server.port, f"{CUSTOM}/v1beta2")
            self.assertEqual(status, 403)
            self.assertIn("HTTPS", body.upper())
            status, body = peer.fetch(server.port, f"{CUSTOM}/v1beta2", tls=True)
            self.assertEqual(status, 200, body)

    def test_insecure_http_lets_everybody_ask(self):
        with harness.ForeignHost() as peer, \
                harness.Server("--insecure-http", "--insecure-skip-auth", host="0.0.0.0") as server:
            status, body = peer.fetch(server.port, f"{CUSTOM}/v1beta2")
            self.assertEqual(status, 200, body)


if __name__ == "__main__":
    harness.main()
