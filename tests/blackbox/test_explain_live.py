"""`explain -n`: what is said of an HPA of a cluster, where something else than its text is wrong or old. The answers of the
stand-in are those of Kubernetes 1.37.2."""
import datetime
import json
import os
import re
import subprocess
import tempfile
import time
import unittest

import harness
from kubeapi import KubeApi, Pki

NS = "flux-operator"
GROUP = "flux-framework.org"
SCALE = f"/apis/{GROUP}/v1alpha2/namespaces/{NS}/miniclusters/flux-sample/scale"
MINE = SCALE.removesuffix("/scale")
HPAS = f"/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers"
HPA = HPAS + "/sample"
PODS = f"/api/v1/namespaces/{NS}/pods"
CUSTOM = "/apis/custom.metrics.k8s.io/v1beta2"
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"
WANTED = f"{CUSTOM}/namespaces/{NS}/services/custom-metrics-apiserver/node_wanted_count"


def status(code, message):
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


def ago(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(kind, value, reason):
    return {"type": kind, "status": value, "reason": reason, "message": f"{reason} it is", "lastTransitionTime": ago(60)}


def conditions(able="ReadyForNewScale", limited="DesiredWithinRange"):
    return [condition("AbleToScale", "True", able), condition("ScalingActive", "True", "ValidMetricFound"),
            condition("ScalingLimited", "False" if limited == "DesiredWithinRange" else "True", limited)]


def rules(window, size=64):
    return {"tolerance": "0", "stabilizationWindowSeconds": window, "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": size, "periodSeconds": 15}]}


def object_metric(name="node_wanted_count", target=None):
    return {"type": "Object", "object": {
        "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "custom-metrics-apiserver"},
        "metric": {"name": name}, "target": target or {"type": "AverageValue", "averageValue": "1"}}}


def hpa(name="sample", target="flux-sample", **spec):
    return {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2",
            "metadata": {"name": name, "namespace": NS, "uid": "6d0f", "resourceVersion": "77", "generation": 3,
                         "creationTimestamp": ago(86400), "labels": {"mine": "yes"},
                         "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}\n"},
                         "managedFields": [{"manager": "kubectl", "operation": "Update"}]},
            "spec": {"scaleTargetRef": {"apiVersion": f"{GROUP}/v1alpha2", "kind": "MiniCluster", "name": target},
                     "minReplicas": 1, "maxReplicas": 8, "metrics": [object_metric()],
                     "behavior": {"scaleUp": rules(0), "scaleDown": rules(0)}, **spec},
            "status": {"currentReplicas": 2, "desiredReplicas": 2, "observedGeneration": 3, "conditions": conditions()}}


def pod(name, ready="True", requests=None, label="flux-sample"):
    return {"metadata": {"name": name, "labels": {"hpa-selector": label}},
            "spec": {"containers": [{"name": "flux", "resources": {"requests": {"cpu": "1"} if requests is None else requests}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}}


def value(number):
    return {"kind": "MetricValueList", "items": [{"value": str(number)}]}


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.pki = Pki(cls.folder.name)
        cls.pki.ca("cluster")
        cls.pki.leaf("apiserver", "cluster", "/CN=kube-apiserver", uses="serverAuth", names=["IP:127.0.0.1"])

    def setUp(self):
        self.api = KubeApi(self.pki, {})
        self.enterContext(self.api)
        self.config = self.api.kubeconfig(self.folder.name)
        self.hpa = hpa()
        self.api.objects = {
            "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.2"},
            HPA: self.hpa, HPAS: {"items": [self.hpa]},
            f"/apis/{GROUP}": {"kind": "APIGroup", "versions": [{"groupVersion": f"{GROUP}/v1alpha2", "version": "v1alpha2"}],
                               "preferredVersion": {"groupVersion": f"{GROUP}/v1alpha2", "version": "v1alpha2"}},
            f"/apis/{GROUP}/v1alpha2": {"resources": [{"name": "miniclusters/scale", "kind": "Scale"},
                                                      {"name": "miniclusters", "kind": "MiniCluster"}]},
            f"/apis/{GROUP}/v1alpha2/namespaces/{NS}/miniclusters": {"items": [{"metadata": {"name": "flux-sample"}}]},
            MINE: {"spec": {"size": 2, "maxSize": 8}, "status": {"size": 2, "selector": "hpa-selector=flux-sample"}},
            "/api/v1": {"resources": [{"name": "services", "kind": "Service"}]},
            "/apis/custom.metrics.k8s.io": {"preferredVersion": {"version": "v1beta2"}},
            CUSTOM: {"resources": [{"name": "services/node_wanted_count"}, {"name": "services/node_up_count"},
                                   {"name": "pods/pod_only_count"}]},
            "/apis/external.metrics.k8s.io": {"preferredVersion": {"version": "v1beta1"}},
            EXTERNAL: {"resources": [{"name": "node_wanted_count"}, {"name": "jobheld_count"}]},
            WANTED: value(2)}
        self.scale(2)

    def scale(self, size, **told):
        """The target's scale, and as many ready pods."""
        self.api.objects[SCALE] = {"spec": {"replicas": size} if size else {},
                                   "status": {"replicas": size, "selector": "hpa-selector=flux-sample", **told}}
        self.api.objects[PODS] = {"items": [pod(f"p{i}") for i in range(size)]}
        self.hpa["status"].update(currentReplicas=size, desiredReplicas=size)

    def explain(self, *arguments):
        return subprocess.run([harness.BINARY, "explain", "-n", NS, "sample", "--kubeconfig", self.config, *arguments], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
                              env=harness.clean_environment())

    def told(self, *arguments):
        done = self.explain("-o", "json", *arguments)
        self.assertEqual(done.returncode, 0, done)
        return json.loads(done.stdout)

    def text(self, *arguments):
        done = self.explain(*arguments)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def finding(self, document, name, severity="fault"):
        found = [finding for finding in document["findings"] if finding["id"] == name]
        self.assertEqual([finding["severity"] for finding in found], [severity], document["findings"])
        return found[0]["text"]

    def reasons(self, document, kind="ScalingActive"):
        return {step["conditions"][kind]["reason"] for step in document["steps"]}

    def no_correction(self, document):
        self.assertIsNone(document["better"], "no other text of the HPA helps")


class Targets(Live):
    def test_a_version_that_is_not_served_is_found_by_group_and_kind(self):
        self.hpa["spec"]["scaleTargetRef"]["apiVersion"] = f"{GROUP}/v1alpha1"
        document = self.told()
        self.assertEqual((document["replicas"], document["readyPods"]), (2, 2))
        self.assertIn("v1alpha2", self.finding(document, "target-version", "note"))

    def test_a_target_that_is_not_there_is_an_analysis(self):
        self.hpa["spec"]["scaleTargetRef"]["name"] = "flux-smaple"
        self.api.objects[SCALE.replace("sample", "smaple")] = status(404, f'miniclusters.{GROUP} "flux-smaple" not found')
        document = self.told()
        self.assertIn("did you mean flux-sample?", self.finding(document, "target-not-found"))
        self.assertEqual(self.reasons(document, "AbleToScale"), {"FailedGetScale"})
        self.assertIn(f'miniclusters.{GROUP} "flux-smaple" not found', document["steps"][0]["conditions"]["AbleToScale"]["message"])
        self.no_correction(document)
        self.assertEqual(document["metrics"][0]["values"], [], "no value leads anywhere")
        self.assertIn("its scale cannot be read", self.text())

    def test_a_kind_that_nothing_defines(self):
        self.hpa["spec"]["scaleTargetRef"]["kind"] = "MegaCluster"
        document = self.told()
        self.assertIn(f'no matches for kind "MegaCluster" in group "{GROUP}"', self.finding(document, "target-not-found"))

    def test_a_target_without_a_scale(self):
        self.api.objects[SCALE] = (404, "404 page not found\n")
        self.finding(self.told(), "target-not-scalable")

    def test_no_selector(self):
        for missing in ({"selector": ""}, {}):
            self.api.objects[SCALE]["status"] = {"replicas": 2, **missing}
            self.api.objects[HPAS] = {"items": [self.hpa, hpa("other"), hpa("third", "elsewhere")]}
            self.api.object_requests.clear()
            document = self.told()
            self.assertIn("InvalidSelector", self.finding(document, "no-selector"))
            self.assertEqual(self.reasons(document), {"InvalidSelector"})
            self.assertNotIn("ambiguous-selector", str(document))
            self.assertEqual(document["readyPods"], 0)
            self.assertEqual([path for path in self.api.object_requests if path.startswith(PODS)], [], "nobody's pods")
            self.no_correction(document)

    def test_who_may_not_read_the_scale(self):
        self.api.objects[SCALE] = status(403, f'miniclusters.{GROUP} "flux-sample" is forbidden: User "me" cannot get resource')
        self.hpa["status"].update(currentReplicas=5, desiredReplicas=5)
        for document_too in True, False:
            if not document_too:
                self.api.objects[MINE] = status(403, "forbidden")
                self.api.objects[PODS] = status(403, "pods is forbidden")
            document = self.told()
            self.assertEqual(document["replicas"], 2 if document_too else 5, "the HPA's status has it")
            self.assertEqual(document["steps"][0]["to"], 2)
            self.assertIn("forbidden", str(document["assumptions"]))
        self.assertIn("ValidMetricFound it is", str(document["assumptions"]), "the status is shown")
        # Of a Value target nothing false is said of pods that nobody may list.
        self.hpa["spec"]["metrics"][0]["object"]["target"] = {"type": "Value", "value": "1"}
        self.assertNotIn("no pods", self.text())
        # Nor of the use of pods that nobody here can find.
        self.hpa["spec"]["metrics"][0] = {"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
        document = self.told()
        self.assertEqual((document["steps"], document["metrics"][0]["known"]), ([], False))


class Limits(Live):
    def test_the_size_that_it_was_created_with_stays_the_largest(self):
        self.api.objects[MINE]["status"]["maximumSize"] = 4
        text = self.finding(self.told(), "max-above-maximumsize")
        self.assertIn("maxReplicas 8 is above status.maximumSize 4", text)
        self.assertIn("maxReplicas: 4", self.explain("--fix").stdout)

    def test_a_size_that_the_operator_ignores(self):
        self.api.objects[MINE]["spec"] = {"size": 8, "maxSize": 4, "minSize": 2}
        self.scale(8)
        self.api.objects[PODS] = {"items": [pod(f"p{i}") for i in range(3)]}
        self.assertEqual(self.finding(self.told(), "size-ignored"),
                         "the size is 8, above the MiniCluster's maxSize 4: its operator ignores it, and 3 pods run on until "
                         "another size is set, of 2 to 4")


class Zero(Live):
    def setUp(self):
        super().setUp()
        self.hpa["spec"]["minReplicas"] = 0
        self.scale(0)
        self.hpa["status"] = {"desiredReplicas": 0, "conditions": conditions()}
        self.api.objects[WANTED] = value(3)

    def test_who_went_to_zero_himself_wakes(self):
        self.hpa["status"]["conditions"].append(condition("ScaledToZero", "True", "ScaledToZero"))
        document = self.told()
        self.assertEqual((document["steps"][0]["from"], document["steps"][0]["to"]), (0, 3))
        self.assertNotIn("stuck-at-zero", str(document["findings"]))

    def test_who_was_put_there_needs_a_hand(self):
        self.hpa["status"]["conditions"].append(condition("ScaledToZero", "False", "NotScaledToZero"))
        document = self.told()
        self.assertEqual(self.reasons(document), {"ScalingDisabled"})
        self.assertIn(f"kubectl scale -n {NS} miniclusters.{GROUP}/flux-sample --replicas=1",
                      self.finding(document, "stuck-at-zero"))
        self.no_correction(document)

    def test_a_minicluster_wakes_with_the_pods_that_run_on(self):
        self.api.objects[PODS] = {"items": [pod(f"p{i}") for i in range(3)]}
        text = self.finding(self.told(), "stuck-at-zero")
        self.assertIn("ignores a size of 0, so its 3 pods run on", text)
        self.assertIn("flux-sample --replicas=3", text)

    def test_the_release_decides(self):
        self.hpa["status"]["conditions"].append(condition("ScaledToZero", "True", "ScaledToZero"))
        self.api.objects["/version"] = {"gitVersion": "v1.36.3"}
        self.assertEqual(self.reasons(self.told()), {"ScalingDisabled"}, "the gate is off there")


class Rivals(Live):
    def test_they_stop_it_at_every_sync(self):
        self.api.objects[HPAS] = {"items": [self.hpa, hpa("other")]}
        self.api.objects[WANTED] = value(4)
        document = self.told("--for", "10m")
        self.assertEqual(self.reasons(document), {"AmbiguousSelector"})
        self.assertEqual({step["to"] for step in document["steps"]}, {2})
        self.assertIn("other", self.finding(document, "ambiguous-selector"))
        self.no_correction(document)
        self.assertNotIn("no such metric", self.text())

    def test_without_a_pod_both_act(self):
        self.api.objects[HPAS] = {"items": [self.hpa, hpa("other"), hpa("third", "elsewhere")]}
        self.api.objects[PODS] = {"items": []}
        self.api.objects[WANTED] = value(4)
        document = self.told()
        self.assertEqual((document["steps"][0]["from"], document["steps"][0]["to"]), (2, 4))
        said = self.finding(document, "same-target")
        self.assertIn("other", said)
        self.assertNotIn("third", said)
        self.assertNotIn("ambiguous-selector", str(document["findings"]))


class Metrics(Live):
    def down(self, code=503, body="error trying to reach service: dial tcp 127.0.0.1:28443: connect: connection refused"):
        self.api.objects[WANTED] = (code, body)
        self.api.objects["/apis/apiregistration.k8s.io/v1/apiservices/v1beta2.custom.metrics.k8s.io"] = {
            "spec": {"service": {"namespace": NS, "name": "custom-metrics-apiserver"}},
            "status": {"conditions": [{"type": "Available", "status": "False", "reason": "FailedDiscoveryCheck",
                                       "message": "failing or missing response"}]}}

    def test_a_server_that_is_down_is_asked_once(self):
        self.down()
        begun = time.monotonic()
        document = self.told()
        if not os.environ.get("FLUX_METRICS_SLOW"):
            self.assertLess(time.monotonic() - begun, 2.5)
        self.assertEqual(sum(path.startswith(WANTED) for path in self.api.object_requests), 1)
        said = self.finding(document, "metrics-unavailable")
        for part in "503", "v1beta2.custom.metrics.k8s.io is not Available", "FailedDiscoveryCheck: failing or missing":
            self.assertIn(part, said)
        self.assertEqual(self.reasons(document), {"FailedGetObjectMetric"})
        for step in document["steps"]:
            self.assertIn("the server is currently unable to handle the request (get services.custom.metrics.k8s.io "
                          "custom-metrics-apiserver)", step["conditions"]["ScalingActive"]["message"])
        self.assertNotIn("no such metric", self.text())
        self.assertNotIn("could not find", self.text())
        self.no_correction(document)

    def test_what_a_server_says_is_kept(self):
        self.api.objects[WANTED] = status(503, "the metric node_wanted_count has no value now: Flux is away")
        document = self.told("--for", "10m")
        self.assertEqual(len(document["steps"]), 1, "and stays so")
        self.assertIn("Flux is away", document["steps"][0]["conditions"]["ScalingActive"]["message"])
        self.assertIn("Flux is away", self.finding(document, "metrics-unavailable"))

    def test_a_group_that_nobody_serves(self):
        self.hpa["spec"]["metrics"] = [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]
        document = self.told()
        self.assertIn("install metrics-server", self.finding(document, "metrics-api-missing"))
        self.assertIn("the server could not find the requested resource (get pods.metrics.k8s.io)",
                      document["steps"][0]["conditions"]["ScalingActive"]["message"])
        self.no_correction(document)

    def test_a_container_without_a_request(self):
        self.hpa["spec"]["metrics"] = [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]
        self.api.objects[PODS]["items"][1] = pod("p1", requests={"memory": "1Gi"})
        self.api.objects[f"/apis/metrics.k8s.io/v1beta1/namespaces/{NS}/pods"] = {"items": [
            {"metadata": {"name": f"p{i}"}, "containers": [{"name": "flux", "usage": {"cpu": "900m"}}]} for i in range(2)]}
        document = self.told()
        self.assertIn("flux of the pod p1 has no request for cpu", self.finding(document, "missing-request"))
        for step in document["steps"]:
            self.assertIn("missing request for cpu in container flux of Pod p1", step["conditions"]["ScalingActive"]["message"])
        self.no_correction(document)

    def test_a_name_that_the_server_does_not_have(self):
        for metric, path in ((object_metric("node_wnted_count"), WANTED.replace("wanted", "wnted")),
                             ({"type": "External", "external": {"metric": {"name": "node_wnted_count"},
                                                                "target": {"type": "AverageValue", "averageValue": "1"}}},
                              f"{EXTERNAL}/namespaces/{NS}/node_wnted_count")):
            self.hpa["spec"]["metrics"] = [metric]
            self.api.objects[path] = status(404, "the server could not find the metric node_wnted_count; these exist: a, b, c")
            document = self.told()
            self.assertIn("did you mean node_wanted_count?", self.finding(document, "unknown-metric"))
            self.assertIn("could not find the metric node_wnted_count", document["steps"][-1]["conditions"]["ScalingActive"]["message"])

    def test_a_metric_of_another_object(self):
        self.hpa["spec"]["metrics"][0]["object"]["describedObject"]["name"] = "elsewhere"
        self.api.objects[WANTED.replace("custom-metrics-apiserver", "elsewhere")] = status(404, 'services "elsewhere" not found')
        self.assertIn('but not for the Service elsewhere: services "elsewhere" not found',
                      self.finding(self.told(), "unknown-metric"))

    def test_who_may_not_read_it_knows_nothing(self):
        self.api.objects[WANTED] = status(403, "forbidden for you")
        document = self.told()
        self.assertEqual((document["steps"], document["metrics"][0]["known"]), ([], False))
        self.assertNotIn("unknown-metric", str(document["findings"]))
        self.assertIn("forbidden for you", str(document["assumptions"]))
        self.assertEqual(self.told("--metric", "node_wanted_count=5")["steps"][0]["to"], 5)

    def test_one_that_fails_beside_one_that_works(self):
        self.hpa["spec"]["metrics"].append({"type": "External", "external": {
            "metric": {"name": "gone"}, "target": {"type": "AverageValue", "averageValue": "1"}}})
        self.api.objects[f"{EXTERNAL}/namespaces/{NS}/gone"] = status(503, "away")
        self.api.objects[WANTED] = value(1)
        document = self.told()
        self.assertEqual({step["to"] for step in document["steps"]}, {2}, "it does not shrink")
        self.assertEqual(document["metrics"][0]["proposal"], 1)
        self.api.objects[WANTED] = value(5)
        self.assertEqual(self.told()["steps"][0]["to"], 5)

    def test_external_names_are_asked_in_lower_case(self):
        self.hpa["spec"]["metrics"] = [{"type": "External", "external": {
            "metric": {"name": "jobHeld_Count"}, "target": {"type": "AverageValue", "averageValue": "1"}}}]
        self.api.objects[f"{EXTERNAL}/namespaces/{NS}/jobheld_count"] = value(4)
        document = self.told()
        self.assertEqual(document["steps"][0]["to"], 4)
        self.assertIn("jobheld_count", self.finding(document, "external-lower-case", "note"))

    def test_a_value_within_the_tolerance_needs_no_ready_pod(self):
        self.hpa["spec"]["metrics"][0] = object_metric(target={"type": "Value", "value": "2"})
        self.api.objects[PODS] = {"items": [pod("a", "False"), pod("b", "False")]}
        document = self.told()
        self.assertEqual(document["steps"][0]["to"], 2)
        self.assertNotIn("whatever the metric says", self.finding(document, "pods-not-ready", "warning"))


class Windows(Live):
    def bounds(self):
        found = re.search(r"within (\d+) s, at the earliest in (\d+) s: (\d+) -> (\d+)", self.text("--for", "20m"))
        self.assertIsNotNone(found, self.text())
        return tuple(map(int, found.groups()))

    def shrinking(self, age, able="ScaleDownStabilized"):
        self.hpa["spec"]["behavior"]["scaleDown"] = rules(300)
        self.scale(8)
        self.api.objects[WANTED] = value(3)
        self.hpa["metadata"]["creationTimestamp"] = ago(age)
        self.hpa["status"]["conditions"] = conditions(able)

    def test_the_rest_of_a_window_is_a_bound(self):
        self.shrinking(100)
        latest, earliest, before, after = self.bounds()
        self.assertEqual((before, after), (8, 3))
        self.assertAlmostEqual(latest, 300, delta=16)
        self.assertAlmostEqual(earliest, 200, delta=30)
        steps = self.told("--for", "20m")["steps"]
        self.assertLess(steps[1]["earliestSeconds"], steps[1]["seconds"])
        self.assertIn("the highest recommendation within it counts", self.text())

    def test_of_an_old_hpa_nothing_is_left_of_it(self):
        self.shrinking(86400)
        self.assertEqual(self.bounds()[1], 0)
        doubt = "unless no recommendation within the window holds it back any longer"
        self.assertIn(doubt, self.text())
        self.shrinking(100)
        self.assertNotIn(doubt, self.text(), "the window is longer than the HPA is old")
        self.hpa["status"].update(currentReplicas=4, desiredReplicas=4)
        self.assertIn(doubt, self.text(), "someone has set 8 just now: no recommendation holds it")

    def test_what_has_just_changed_takes_all_of_it(self):
        self.shrinking(86400, "ReadyForNewScale")
        self.assertGreaterEqual(self.bounds()[1], 280)

    def test_upwards_the_lowest_counts(self):
        self.hpa["spec"]["behavior"]["scaleUp"] = rules(300)
        self.hpa["metadata"]["creationTimestamp"] = ago(250)
        self.hpa["status"]["conditions"] = conditions("ScaleUpStabilized")
        self.api.objects[WANTED] = value(8)
        latest, earliest, before, after = self.bounds()
        self.assertEqual((before, after), (2, 8))
        self.assertAlmostEqual(earliest, 50, delta=30)
        self.assertAlmostEqual(latest, 300, delta=16)
        self.assertIn("the lowest recommendation within it counts, so the size may be lower", self.text())

    def test_an_hpa_that_nobody_has_synced_yet_waits_the_whole_window(self):
        self.shrinking(1)
        del self.hpa["status"]
        self.assertNotIn("at the earliest", self.text())

    def test_policies_count_what_was_changed_lately(self):
        self.hpa["spec"]["behavior"]["scaleUp"]["policies"] = [{"type": "Pods", "value": 1, "periodSeconds": 600}]
        self.hpa["status"]["lastScaleTime"] = ago(200)
        self.assertRegex(self.finding(self.told(), "recent-resize", "note"), "up to (39[0-9]|400) s later")


class Corrections(Live):
    def test_a_fix_can_be_applied(self):
        for form in "yaml", "json":
            fixed = self.text("--fix", *(("-o", "json") if form == "json" else ()))
            for gone in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "last-applied", "status"):
                self.assertNotIn(gone, fixed)
            for kept in ("sample", "mine", "node_wanted_count", "flux-sample"):
                self.assertIn(kept, fixed)
        self.assertNotIn("annotations", fixed)

    def test_annotations_of_the_user_stay(self):
        self.hpa["metadata"]["annotations"]["note"] = "keep"
        self.assertIn("note: keep", self.text("--fix"))

    def test_growth_that_is_disabled_is_said_by_name(self):
        self.hpa["spec"]["behavior"]["scaleUp"]["selectPolicy"] = "Disabled"
        self.assertIn("selectPolicy of scaleUp is Disabled", self.finding(self.told(), "cannot-reach-max"))

    def test_keda_puts_back_what_is_changed(self):
        self.hpa["metadata"]["ownerReferences"] = [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "mine"}]
        self.hpa["spec"]["metrics"][0] = object_metric("node_up_count", {"type": "Value", "value": "4"})
        self.api.objects[WANTED.replace("wanted", "up")] = value(2)
        document = self.told()
        self.assertIn("ScaledObject mine", self.finding(document, "keda-owned", "warning"))
        self.no_correction(document)

    def test_a_good_hpa_has_nothing_against_it(self):
        document = self.told()
        self.assertEqual([finding for finding in document["findings"] if finding["severity"] != "note"], [])
        self.assertNotIn("tolerance-version", str(document["findings"]), "the release is known, and has it")
        self.assertEqual(document["assumptions"], [])
        self.no_correction(document)
        self.assertNotIn("# changed", self.text("--fix"))


if __name__ == "__main__":
    unittest.main()
