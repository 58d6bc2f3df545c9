"""`explain`: what is said of HPAs in files, and of one in a cluster."""
import http.server
import json
import pathlib
import subprocess
import tempfile
import threading
import unittest

import harness
from harness import Simulator

MANIFESTS = pathlib.Path(__file__).resolve().parent.parent / "e2e" / "manifests"
ARTICLE = MANIFESTS / "article-hpa.yaml"


def explain(*arguments, given=None):
    return subprocess.run([harness.BINARY, "explain", *map(str, arguments)], input=given, text=True,
                          stdin=None if given is not None else subprocess.DEVNULL, capture_output=True, timeout=60,
                          check=False, env=harness.clean_environment())


def told(*arguments, given=None):
    done = explain(*arguments, "-o", "json", given=given)
    if done.returncode != 0:
        raise AssertionError(f"explain {arguments}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def faults(document):
    return {finding["id"] for finding in document["findings"] if finding["severity"] == "fault"}


class Article(unittest.TestCase):
    def test_it_says_that_it_cannot_scale_up_and_shows_one_that_does(self):
        done = explain(ARTICLE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("this HPA cannot scale up", done.stdout)
        self.assertIn("minReplicas 2 decides [ReadyForNewScale, TooFewReplicas]", done.stdout)
        self.assertIn("name: node_wanted_count", done.stdout)
        self.assertIn("over 4.4 up to 6", done.stdout)

    def test_the_correction_scales(self):
        fixed = explain(ARTICLE, "--fix")
        self.assertEqual(fixed.returncode, 0, fixed)
        self.assertIn("# changed:", fixed.stdout)
        document = told("-", "--replicas", 2, "--metric", "node_wanted_count=4", given=fixed.stdout)
        self.assertEqual(faults(document), set())
        self.assertEqual((document["steps"][0]["from"], document["steps"][0]["to"]), (2, 4))
        self.assertEqual(document["steps"][0]["events"][0]["message"],
                         "New size: 4; reason: external metric node_wanted_count(nil) above target")

    def test_an_external_metric_is_found_whatever_its_case(self):
        hpa = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: flux-sample}
spec:
  scaleTargetRef: {apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample}
  maxReplicas: 4
  metrics:
  - type: External
    external:
      metric: {name: Node_Wanted_Count}
      target: {type: AverageValue, averageValue: "1"}
"""
        with Simulator(size=2, max_size=4, pending=1) as simulator:
            document = told("-", "--replicas", 2, "--flux-uri", simulator.uri, given=hpa)
        self.assertNotIn("unknown-metric", {finding["id"] for finding in document["findings"]})
        self.assertEqual((document["steps"][0]["from"], document["steps"][0]["to"]), (2, 4))

    def test_json_and_yaml(self):
        document = told(ARTICLE, "--replicas", 2)
        self.assertEqual(document["format"], "flux-metrics-api.explain/1")
        self.assertEqual(document["metrics"][0]["proposal"], 1)
        self.assertEqual(document["metrics"][0]["values"][1], {"size": 3, "above": 4.4, "upTo": 6.0})
        self.assertIn("cannot-scale-up", faults(document))
        done = explain(ARTICLE, "-o", "yaml")
        self.assertIn('format: flux-metrics-api.explain/1', done.stdout)


class Options(unittest.TestCase):
    def test_a_value_that_nobody_told_is_no_failure(self):
        fixed = explain(ARTICLE, "--fix").stdout
        text = explain("-", given=fixed).stdout
        self.assertIn("depends on node_wanted_count, which is not known", text)
        self.assertNotIn("FailedGetObjectMetric", text)
        document = told("-", given=fixed)
        self.assertEqual((document["metrics"][0]["known"], document["metrics"][0]["proposal"], document["steps"]),
                         (False, None, []))
        again = explain("-", "--fix", given=fixed).stdout
        self.assertNotIn("# changed:", again, "what --fix made needs no fix")

    def test_a_kubeconfig_that_is_not_there_is_told_at_once(self):
        done = explain("-n", "flux-operator", "flux-sample", "--kubeconfig", "/nowhere/config")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("the kubeconfig file '/nowhere/config' does not exist", done.stderr)

    def test_values_come_from_an_instance(self):
        fixed = explain(ARTICLE, "--fix").stdout
        with Simulator(size=2, max_size=4) as instance:
            document = told("-", "--replicas", 2, "--flux-uri", instance.uri, given=fixed)
        self.assertEqual(document["metrics"][0]["proposal"], 1)
        self.assertEqual(document["assumptions"], [])

    def test_metrics_of_the_user_are_known(self):
        article = ARTICLE.read_text(encoding="utf-8").replace("node_up_count", "job_here_count")
        self.assertIn("unknown-metric", faults(told("-", given=article)))
        with tempfile.TemporaryDirectory() as folder, Simulator(pending=3) as instance:
            path = pathlib.Path(folder) / "mine.yaml"
            path.write_text("metrics: [{name: job_here_count, help: Jobs., expression: .jobs | length}]")
            document = told("-", "--flux-uri", instance.uri, "--custom-metric", path, given=article)
            self.assertNotIn("unknown-metric", faults(document))
            self.assertNotIn("job_here_count", " ".join(document["assumptions"]))

    def test_scale_as_given(self):
        document = told(ARTICLE, "--replicas", 3, "--ready", 0, "--status", 0, "--max-size", 3, "--metric",
                        "node_up_count=9")
        self.assertLessEqual({"pods-not-ready", "max-above-maxsize", "feedback"}, faults(document))
        self.assertEqual((document["replicas"], document["statusReplicas"], document["readyPods"]), (3, 0, 0))

    def test_a_misspelt_field_and_an_old_version(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "hpa.yaml"
            path.write_text(ARTICLE.read_text().replace("minReplicas", "minreplicas"))
            self.assertIn("no spec.minreplicas (did you mean minReplicas?)", explain(path).stdout)
            self.assertIn("unknown-field", faults(json.loads(explain(path, "-o", "json").stdout)))
            self.assertIn("# changed: was minreplicas\n  minReplicas: 2\n", explain(path, "--fix").stdout)
            path.write_text(ARTICLE.read_text().replace("autoscaling/v2", "autoscaling/v2beta2"))
            self.assertIn("Kubernetes 1.26 and later do not accept it", explain(path).stdout)
        for whole in ARTICLE, ARTICLE.parent / "live-hpa.yaml":
            self.assertNotIn("unknown-field", explain(whole).stdout)

    def test_misuse(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "hpa.yaml"
            for text, says in (("kind: Service\n", "no object of kind HorizontalPodAutoscaler"),
                               ("a: [", "not YAML"),
                               ("kind: HorizontalPodAutoscaler\napiVersion: autoscaling/v1\n", "kubectl get hpa.v2.autoscaling"),
                               (ARTICLE.read_text() + "\n---\n" + ARTICLE.read_text(), "one at a time")):
                path.write_text(text)
                done = explain(path)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done)
                self.assertIn(says, done.stderr)
        for arguments, says in (((folder + "/none.yaml",), "none.yaml"),
                                (("/dev/zero",), "larger than an HPA can be"),
                                ((ARTICLE, "--metric", "node_up_count"), "NAME=VALUE"),
                                ((ARTICLE, "--metric", "node_up_count=many"), "not a number"),
                                ((ARTICLE, "--metric", "other=1"), "has no metric 'other'"),
                                ((), "hpa")):
            done = explain(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done)
            self.assertIn(says, done.stderr)


class Api(http.server.BaseHTTPRequestHandler):
    """An API server that knows one HPA, its MiniCluster, two pods and one metric."""
    answers = {}

    def do_GET(self):  # noqa: N802 (the name is the library's)
        found = self.answers.get(self.path.split("?")[0])
        body = json.dumps(found if found is not None else {"kind": "Status", "message": f"no {self.path}"}).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def pod(name, ready):
    return {"metadata": {"name": name, "labels": {"hpa-selector": "flux-sample"}},
            "spec": {"containers": [{"name": "flux", "resources": {"requests": {"cpu": "1"}}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}}


class Cluster(unittest.TestCase):
    def test_an_hpa_of_a_cluster(self):
        group = "flux-framework.org/v1alpha1"
        mine = f"/apis/{group}/namespaces/flux-operator/miniclusters/flux-sample"
        hpa = json.loads(explain(ARTICLE, "--fix", "-o", "json").stdout)
        hpa["spec"]["metrics"][0]["object"]["metric"]["name"] = "node_up_count"
        hpa["spec"]["metrics"][0]["object"]["target"] = {"type": "Value", "value": "4"}
        Api.answers = {
            "/apis/autoscaling/v2/namespaces/flux-operator/horizontalpodautoscalers/flux-sample-hpa": hpa,
            f"/apis/{group}": {"resources": [{"name": "miniclusters/scale", "kind": "Scale"},
                                             {"name": "miniclusters", "kind": "MiniCluster"}]},
            mine: {"spec": {"maxSize": 3}},
            mine + "/scale": {"spec": {"replicas": 2}, "status": {"replicas": 0, "selector": "hpa-selector=flux-sample"}},
            "/api/v1": {"resources": [{"name": "services", "kind": "Service"}]},
            "/api/v1/namespaces/flux-operator/pods": {"items": [pod("a", "True"), pod("b", "False")]},
            "/apis/custom.metrics.k8s.io": {"preferredVersion": {"version": "v1beta2"}},
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/custom-metrics-apiserver/node_up_count":
                {"items": [{"value": "2"}]},
        }
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write(json.dumps({
                "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k"}}],
                "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}]}))
            config.flush()
            document = told("-n", "flux-operator", "flux-sample-hpa", "--kubeconfig", config.name)
            self.assertEqual((document["replicas"], document["statusReplicas"], document["readyPods"]), (2, 0, 1))
            self.assertEqual(document["metrics"][0]["proposal"], 1)
            self.assertLessEqual({"cannot-scale-up", "max-above-maxsize"}, faults(document))
            self.assertIn("status-zero", {finding["id"] for finding in document["findings"]})
            self.assertNotIn("ambiguous-selector", faults(document))
            # What the cluster's API has not, the controller has not either.
            path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/custom-metrics-apiserver/node_up_count"
            answer = Api.answers.pop(path)
            document = told("-n", "flux-operator", "flux-sample-hpa", "--kubeconfig", config.name)
            self.assertEqual(document["steps"][0]["conditions"]["ScalingActive"]["reason"], "FailedGetObjectMetric")
            self.assertNotIn("one node per replica", str(document["assumptions"]))
            Api.answers[path] = answer
            # Of a namespace the controller asks for its own metrics, whatever name the HPA gives.
            described = hpa["spec"]["metrics"][0]["object"]
            service = described["describedObject"]
            described["describedObject"] = {"apiVersion": "v1", "kind": "Namespace", "name": "another"}
            Api.answers["/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/metrics/node_up_count"] = {
                "items": [{"value": "8"}]}
            document = told("-n", "flux-operator", "flux-sample-hpa", "--kubeconfig", config.name)
            self.assertEqual(document["metrics"][0]["proposal"], 2)
            described["describedObject"] = service
            # One more HPA on other pods is no matter; one on the same pods stops both.
            def rival(name, target):
                return {"metadata": {"name": name}, "spec": {"scaleTargetRef": {
                    "apiVersion": group, "kind": "MiniCluster", "name": target}}}
            other = f"/apis/{group}/namespaces/flux-operator/miniclusters/other/scale"
            Api.answers["/apis/autoscaling/v2/namespaces/flux-operator/horizontalpodautoscalers"] = {"items": [
                rival("flux-sample-hpa", "flux-sample"), rival("elsewhere", "other"), rival("gone", "nowhere")]}
            Api.answers[other] = {"spec": {}, "status": {"selector": "hpa-selector=other"}}
            document = told("-n", "flux-operator", "flux-sample-hpa", "--kubeconfig", config.name)
            self.assertNotIn("ambiguous-selector", faults(document))
            Api.answers[other] = {"spec": {}, "status": {"selector": "hpa-selector in (other, flux-sample)"}}
            document = told("-n", "flux-operator", "flux-sample-hpa", "--kubeconfig", config.name)
            self.assertIn("ambiguous-selector", faults(document))
            active = document["steps"][0]["conditions"]["ScalingActive"]
            self.assertEqual((active["status"], active["reason"]), ("False", "AmbiguousSelector"))
            self.assertIn("elsewhere", active["message"])
            done = explain("-n", "flux-operator", "none", "--kubeconfig", config.name)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("404", done.stderr)


if __name__ == "__main__":
    unittest.main()
