"""`explain --fix`: what it corrects, what it leaves alone and names; and what is taken from the HPA's file and status."""
import json
import unittest

import harness
from test_explain import explain, faults, told


def external(name, target=None, **metric):
    return [{"type": "External", "external": {"metric": {"name": name, **metric},
                                              "target": target or {"type": "AverageValue", "averageValue": "1"}}}]


def cpu(percent=80):
    return [{"type": "Resource", "resource": {"name": "cpu",
                                              "target": {"type": "Utilization", "averageUtilization": percent}}}]


def hpa(**spec):
    return json.dumps({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "x"},
                       "spec": {"scaleTargetRef": {"apiVersion": "flux-framework.org/v1alpha2", "kind": "MiniCluster",
                                                   "name": "x"},
                                "minReplicas": 1, "maxReplicas": 8, "metrics": external("node_wanted_count"), **spec}})


def texts(document):
    return "\n".join(finding["text"] for finding in document["findings"])


def fixed(text):
    done = explain("-", "--fix", "-o", "json", given=text)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class Fix(unittest.TestCase):
    def test_a_good_hpa_stays_as_it_is(self):
        text = hpa(behavior={"scaleUp": {"stabilizationWindowSeconds": 0, "tolerance": "0",
                                         "policies": [{"type": "Pods", "value": 64, "periodSeconds": 15}]},
                             "scaleDown": {"stabilizationWindowSeconds": 300, "tolerance": "0"}})
        done = explain("-", "--fix", "-o", "json", given=text)
        self.assertEqual((done.returncode, json.loads(done.stdout)), (0, json.loads(text)))
        self.assertEqual(done.stderr, "There is nothing to correct.\n")

    def test_only_what_is_wrong_is_corrected(self):
        behavior = {"scaleUp": {"stabilizationWindowSeconds": 60, "tolerance": "0", "selectPolicy": "Disabled"},
                    "scaleDown": {"stabilizationWindowSeconds": 300, "tolerance": "0"}}
        document = fixed(hpa(behavior=behavior))
        up = document["spec"]["behavior"]["scaleUp"]
        self.assertEqual((up["stabilizationWindowSeconds"], up["selectPolicy"]), (0, "Max"))
        self.assertEqual(document["spec"]["behavior"]["scaleDown"], behavior["scaleDown"])
        document = fixed(hpa(maxReplicas=20, metrics=external("queue_length")))
        self.assertEqual(document["spec"]["behavior"]["scaleUp"], {"tolerance": "0"}, "what a warning recommends")
        self.assertEqual(document["spec"]["metrics"], external("queue_length"))

    def test_the_words_that_yaml_took_for_booleans_are_kept(self):
        done = explain("-", "--fix", given=hpa().replace('"name": "x"}', '"name": "x", "labels": {"tier": on}}', 1))
        self.assertEqual(done.returncode, 0, done)
        self.assertIn('tier: "on"', done.stdout)

    def test_a_target_gets_the_type_of_its_number(self):
        for target in ({"averageValue": "1"}, {"type": "Average", "averageValue": "1"},
                       {"type": "Value", "averageValue": 0}):
            document = fixed(hpa(metrics=external("node_wanted_count", target)))
            self.assertEqual(document["spec"]["metrics"], external("node_wanted_count"))
        document = fixed(hpa(metrics=external("queue_length", {"averageValue": "3"})))
        self.assertEqual(document["spec"]["metrics"][0]["external"]["target"],
                         {"averageValue": "3", "type": "AverageValue"})

    def test_a_misspelt_metric_is_corrected_and_then_it_scales(self):
        text = hpa(metrics=external("node_wanted_cnt", {"type": "Value", "value": "1"}))
        self.assertIn("Corrected HPA", explain("-", given=text.replace("maxReplicas", "maxReplica")).stdout)
        done = explain("-", "--fix", given=text)
        document = told("-", "--metric", "node_wanted_count=2", "--replicas", 2, given=done.stdout)
        self.assertEqual((faults(document), document["steps"][-1]["to"]), (set(), 2))
        self.assertIn("node_utilization_ratio", str(fixed(hpa(metrics=external("node_utilization_rato")))))

    def test_what_still_fails_is_not_called_corrected(self):
        text = hpa(minReplicas=9, metrics=external("queue_length", selector={"matchLabels": {"queue": "/gpu/large"}}))
        done = explain("-", given=text)
        self.assertNotIn("Corrected HPA", done.stdout)
        self.assertIn("Corrected in part", done.stdout)
        self.assertIn("/gpu/large", "\n".join(told("-", given=text)["remaining"]))

    def test_a_value_target_that_is_exceeded_grows(self):
        text = hpa(maxReplicas=4, metrics=external("queue_length", {"type": "Value", "value": "1"}))
        grows = told("-", "--metric", "queue_length=2", "--replicas", 2, given=text)
        self.assertIn("2 -> 4 -> 8 -> 16 ...", texts(grows))
        calm = told("-", "--metric", "queue_length=1", "--replicas", 2, given=text)
        self.assertNotIn("grows-at-every-sync", faults(calm))

    def test_an_object_target_without_its_number(self):
        metric = {"type": "Object", "object": {"metric": {"name": "other"},
                                               "target": {"type": "AverageValue", "value": "1"},
                                               "describedObject": {"kind": "Service", "name": "s"}}}
        document = told("-", "--metric", "other=1", given=hpa(metrics=[metric]))
        self.assertIn("bad-target", faults(document))
        self.assertFalse(document["refused"])


class Sources(unittest.TestCase):
    def test_objects_beside_it(self):
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                      "spec": {"replicas": 3}}
        scaled = hpa(scaleTargetRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, metrics=cpu())
        document = told("-", given=json.dumps(deployment) + "\n---\n" + scaled)
        self.assertEqual(document["replicas"], 3)
        self.assertIn("each kubectl apply of it sets that size again; leave the field out", texts(document))
        self.assertNotIn("MiniCluster", texts(document))
        mini = {"kind": "MiniCluster", "metadata": {"name": "x"}, "spec": {"size": 4, "maxSize": 6, "minSize": 2}}
        document = told("-", given=json.dumps(mini) + "\n---\n" + hpa())
        self.assertEqual(document["replicas"], 4)
        self.assertIn("maxReplicas 8 is above the MiniCluster's maxSize 6: its operator silently ignores", texts(document))
        self.assertIn("minReplicas 1 is below the MiniCluster's minSize 2: its operator silently ignores", texts(document))

    def test_a_minicluster_without_maxsize_stays_at_its_first_size(self):
        mini = {"kind": "MiniCluster", "metadata": {"name": "x"}, "spec": {"size": 4}}
        document = told("-", given=json.dumps(mini) + "\n---\n" + hpa())
        self.assertIn("max-above-maximumsize", faults(document))
        self.assertIn("maxReplicas 8 is above status.maximumSize 4", texts(document))
        document = told("-", "--max-size", "8", given=json.dumps(mini) + "\n---\n" + hpa())
        self.assertNotIn("max-above-maximumsize", faults(document))

    def test_the_metrics_of_its_status(self):
        status = {"currentReplicas": 3, "desiredReplicas": 3, "conditions": [
            {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "m",
             "lastTransitionTime": "2026-11-30T01:02:03Z"}],
            "currentMetrics": [{"type": "External", "external": {"metric": {"name": "node_wanted_count"},
                                                                 "current": {"averageValue": "1334m"}}}]}
        document = told("-", given=json.dumps({**json.loads(hpa()), "status": status}))
        self.assertEqual((document["replicas"], document["metrics"][0]["proposal"]), (3, 4))
        self.assertIn("assuming 4 for node_wanted_count, as the HPA's status says; set with --metric",
                      document["assumptions"])
        status["currentMetrics"][0]["external"]["current"] = {"averageValue": "-9223372036854775808m"}
        document = told("-", given=json.dumps({**json.loads(hpa()), "status": status}))
        self.assertFalse(document["metrics"][0]["known"])

    def test_utilizations_are_whole_percents(self):
        document = told("-", "--replicas", 4, given=hpa(metrics=cpu()))
        bounds = [(values["size"], values["above"], values["upTo"]) for values in document["metrics"][0]["values"]]
        self.assertIn((4, 60, 88), bounds)

    def test_a_key_twice(self):
        text = ("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\nspec:\n"
                "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}\n"
                "  maxReplicas: 8\n  maxReplicas: 4\n")
        document = told("-", given=text)
        self.assertIn("spec.maxReplicas appears twice: kubectl silently uses the last one", texts(document))
        self.assertEqual((document["maxReplicas"], faults(document)), (4, set()))


class Refused(unittest.TestCase):
    def test_a_misspelt_field_is_not_played(self):
        document = told("-", "--metric", "node_wanted_count=4", given=hpa(minReplica=2))
        self.assertEqual((document["refused"], document["steps"]), (True, []))
        finding = next(one for one in document["findings"] if one["id"] == "unknown-field")
        self.assertEqual((finding["field"], finding["reason"]), ("spec.minReplica", 'unknown field "spec.minReplica"'))

    def test_long_sentences_are_whole(self):
        labelled = json.loads(hpa())
        labelled["metadata"]["labels"] = {"a b/c/d" + "e" * 200: "x"}
        finding = told("-", given=json.dumps(labelled))["findings"][0]
        self.assertTrue(finding["text"].endswith("(e.g. 'example.com/MyName')"), finding)

    def test_a_tolerance_is_an_unknown_field_of_old_releases(self):
        text = hpa(behavior={"scaleUp": {"tolerance": "0"}})
        self.assertIn('unknown field "spec.behavior.scaleUp.tolerance"',
                      texts(told("-", "--kubernetes-version", "1.32", given=text)))
        self.assertFalse(told("-", "--kubernetes-version", "1.33", given=text)["refused"])


if __name__ == "__main__":
    harness.main()
