"""`explain` of HPAs that an API server refuses, that a controller cannot use, and that run away."""
import json
import pathlib
import unittest

import harness
from test_explain import explain, faults, told

CASES = pathlib.Path(__file__).resolve().parent.parent / "data" / "hpa-manifests" / "cases.jsonl"


def hpa(metric, spec="minReplicas: 1\n  maxReplicas: 8", behavior=""):
    return f"""apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: flux-sample, namespace: flux-operator}}
spec:
  scaleTargetRef: {{apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample}}
  {spec}
  metrics:
    - {metric}
{behavior}"""


def external(name, target='{type: AverageValue, averageValue: "1"}', selector=""):
    return f"{{type: External, external: {{metric: {{name: {name}{selector}}}, target: {target}}}}}"


def on_object(kind, name="node_wanted_count"):
    return (f'{{type: Object, object: {{metric: {{name: {name}}}, describedObject: {kind}, '
            f'target: {{type: AverageValue, averageValue: "1"}}}}}}')


class Refused(unittest.TestCase):
    def test_what_kubernetes_refuses_is_a_fault_and_does_nothing(self):
        for line in CASES.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            done = explain("-", "-o", "json", given=case["text"])
            with self.subTest(case["name"]):
                self.assertEqual(done.returncode, 0, done.stderr)
                document = json.loads(done.stdout)
                texts = " ".join(finding["text"] for finding in document["findings"])
                if case["verdict"] == "accepted":
                    self.assertFalse(faults(document) & {"refused", "unknown-field"}, texts)
                    continue
                for error in case["errors"]:
                    for part in error.split(", unknown field") if error.startswith("unknown field") else [error]:
                        self.assertIn(" ".join(part.split())[:200], " ".join(texts.split()))
                if faults(document) & {"refused", "unknown-field"}:
                    self.assertEqual((document["refused"], document["steps"], document["metrics"]), (True, [], []))

    def test_a_fix_is_never_refused(self):
        made = 0
        for line in CASES.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            if case["verdict"] == "accepted":
                continue
            done = explain("-", "--fix", given=case["text"])
            with self.subTest(case["name"]):
                if done.returncode != 0:
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertIn("cannot be corrected automatically", done.stderr)
                    continue
                made += 1
                again = told("-", given=done.stdout)
                self.assertFalse(faults(again) & {"refused", "unknown-field"}, again["findings"])
        self.assertGreaterEqual(made, 25)

    def test_the_text_says_so_first(self):
        text = explain("-", given=hpa(external("node_wanted_count"), "minReplicas: 9\n  maxReplicas: 8")).stdout
        self.assertIn("HPA flux-sample: the API server of Kubernetes 1.37 refuses it, so it does nothing", text)
        self.assertIn("spec.maxReplicas: Invalid value: 8: must be greater than or equal to `minReplicas`", text)
        self.assertNotIn("What happens", text)

    def test_what_an_older_release_refuses(self):
        zero = hpa(external("node_wanted_count"), "minReplicas: 0\n  maxReplicas: 8")
        self.assertNotIn("refused", faults(told("-", given=zero)))
        self.assertIn("refused", faults(told("-", "--kubernetes-version", "1.36", given=zero)))


class TheTargetBeside(unittest.TestCase):
    def test_its_size_is_that_of_the_file(self):
        deployment = ("\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n")
        cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}"
        text = hpa(cpu).replace("{apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample}",
                                "{apiVersion: apps/v1, kind: Deployment, name: web}")
        self.assertEqual(told("-", given=text + deployment)["replicas"], 3)
        self.assertEqual(told("-", "--replicas", 5, given=text + deployment)["replicas"], 5)
        cluster = ("\n---\napiVersion: flux-framework.org/v1alpha2\nkind: MiniCluster\nmetadata: {name: flux-sample}\n"
                   "spec: {size: 2, maxSize: 4}\n")
        document = told("-", given=hpa(external("node_wanted_count")) + cluster)
        self.assertEqual(document["replicas"], 2)
        self.assertIn("max-above-maxsize", faults(document))


class Selectors(unittest.TestCase):
    def test_one_that_no_controller_can_use(self):
        for selector in (", selector: {matchLabels: {queue: /gpu/large}}",
                         ", selector: {matchExpressions: [{key: queue, operator: Like, values: [gpu]}]}",
                         ", selector: {matchExpressions: [{key: queue, values: [gpu]}]}",
                         ", selector: {matchExpressions: [{key: queue, operator: In, values: []}]}"):
            document = told("-", "--replicas", 2, "--metric", "node_wanted_count=4",
                            given=hpa(external("node_wanted_count", selector=selector)))
            self.assertIn("bad-selector", faults(document), selector)
            self.assertEqual(document["steps"][0]["to"], 2, "the controller fails and keeps the size")


class OwnMetrics(unittest.TestCase):
    def test_they_are_known_on_every_road(self):
        for metric in (external("node_wanted_count"),
                       on_object("{apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample}"),
                       on_object("{apiVersion: v1, kind: Namespace, name: flux-operator}")):
            text = explain("-", given=hpa(metric)).stdout
            self.assertIn("or name the instance with --flux-uri", text)
            self.assertNotIn("unknown-metric", text)

    def test_their_values_come_from_an_instance(self):
        with harness.Simulator(size=2, max_size=4) as instance:
            for metric in (external("node_wanted_count"),
                           on_object("{apiVersion: v1, kind: Namespace, name: flux-operator}")):
                document = told("-", "--replicas", 2, "--flux-uri", instance.uri, given=hpa(metric))
                self.assertEqual(document["metrics"][0]["proposal"], 1)

    def test_a_misspelt_one_is_a_fault(self):
        for metric in (external("node_wanted_cnt"),
                       on_object("{apiVersion: v1, kind: Namespace, name: flux-operator}", "node_wanted_conut")):
            document = told("-", given=hpa(metric))
            finding = next(one for one in document["findings"] if one["id"] == "unknown-metric")
            self.assertIn("did you mean node_wanted_count?", finding["text"])
        self.assertNotIn("unknown-metric", faults(told("-", given=hpa(external("sqs_messages_visible")))))


class Growth(unittest.TestCase):
    def test_a_proposal_that_grows_with_every_sync(self):
        document = told("-", "--replicas", 2, "--metric", "sqs_depth=4",
                        given=hpa(external("sqs_depth", '{type: Value, value: "2"}')))
        self.assertIn("grows-at-every-sync", faults(document))
        document = told("-", "--replicas", 2, "--metric", "sqs_depth=4", given=hpa(external("sqs_depth")))
        self.assertNotIn("grows-at-every-sync", faults(document))

    def test_a_correction_that_does_not_settle_says_so(self):
        text = explain("-", "--replicas", 2, "--metric", "sqs_depth=4",
                       given=hpa(external("sqs_depth", '{type: Value, value: "2"}'), "minReplica: 1\n  maxReplicas: 8")).stdout
        self.assertNotIn("Corrected HPA", text)
        self.assertIn("Corrected in part (print only this with --fix); what remains:", text)

    def test_metrics_that_fall_when_jobs_start(self):
        for metric in (external("job_pending_count", '{type: AverageValue, averageValue: "2"}'),
                       external("job_count", selector=", selector: {matchLabels: {state: sched}}")):
            document = told("-", given=hpa(metric))
            self.assertIn("falls-when-jobs-start", faults(document))
            self.assertIn("name: node_wanted_count", document["better"])
        self.assertNotIn("falls-when-jobs-start", faults(told("-", given=hpa(external("node_wanted_count")))))


class NothingToFix(unittest.TestCase):
    def test_it_says_so(self):
        cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}"
        done = explain("-", "--fix", given=hpa(cpu))
        self.assertEqual(done.returncode, 0)
        self.assertIn("Nothing was corrected automatically", done.stderr)
        self.assertIn("(not-the-queue)", done.stderr, "what is left is named")


if __name__ == "__main__":
    harness.main()
