"""`--kubernetes-version`: the same HPA on one release of Kubernetes and on another."""
import json
import os
import tempfile
import unittest

import harness
from test_explain import explain, told
from test_plan import EXAMPLES, VECTORS, first_lines

DEPLOYMENT = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: %d
  maxReplicas: 30
  metrics:
  - type: Object
    object:
      describedObject: {apiVersion: v1, kind: Service, name: queue}
      metric: {name: waiting}
      target: {type: AverageValue, averageValue: "1"}
  behavior: {%s}
"""
AT_ONCE = "scaleUp: {tolerance: '0'}, scaleDown: {stabilizationWindowSeconds: 0, tolerance: '0'}"


def findings(document):
    return {finding["id"]: finding["text"] for finding in document["findings"]}


def refused(*arguments):
    done = harness.run(*arguments)
    return done.returncode, done.stderr


class Versions(unittest.TestCase):
    def test_the_first_sync_is_at_once_from_1_37_on(self):
        hpa = DEPLOYMENT % (1, AT_ONCE)
        arguments = ("-", "--replicas", 2, "--metric", "waiting=4")
        for version, first in (("1.37", 0), ("v1.37.2", 0), ("1.36", 15.02), ("1.27", 15.02)):
            with self.subTest(version=version):
                document = told(*arguments, "--kubernetes-version", version, given=hpa)
                self.assertEqual(document["kubernetes"], version.removeprefix("v").removesuffix(".2"))
                step = document["steps"][0]
                self.assertEqual((step["seconds"], step["from"], step["to"]), (first, 2, 4))
        self.assertEqual(told(*arguments, given=hpa)["kubernetes"], "1.37")
        text = explain(*arguments, "--kubernetes-version", "1.36", given=hpa).stdout
        self.assertIn("What happens on Kubernetes 1.36, if the metrics stay as they are\n      15 s  2 -> 4;", text)

    def test_tolerance_needs_1_35(self):
        hpa = DEPLOYMENT % (1, AT_ONCE)
        arguments = ("-", "--replicas", 20, "--metric", "waiting=21")
        for version, size, missing in (("1.37", 21, False), ("1.35", 21, False), ("1.34", 20, True), ("1.27", 20, True)):
            with self.subTest(version=version):
                document = told(*arguments, "--kubernetes-version", version, given=hpa)
                self.assertEqual(document["steps"][0]["to"], size)
                self.assertEqual("tolerance-version" in findings(document), missing, document["findings"])
        text = findings(told(*arguments, "--kubernetes-version", "1.34", given=hpa))
        self.assertIn("no effect on Kubernetes 1.34", text["tolerance-version"])
        self.assertIn("from Kubernetes 1.35 on", text["tolerance"])

    def test_zero(self):
        hpa = DEPLOYMENT % (0, AT_ONCE)
        down = ("-", "--replicas", 2, "--metric", "waiting=0")
        document = told(*down, given=hpa)
        self.assertEqual([(step["from"], step["to"]) for step in document["steps"]], [(2, 0), (0, 0)])
        rest = document["steps"][1]["conditions"]
        self.assertEqual({kind: (rest[kind]["status"], rest[kind]["reason"]) for kind in ("AbleToScale", "ScaledToZero")},
                         {"AbleToScale": ("True", "ReadyForNewScale"), "ScaledToZero": ("True", "ScaledToZero")})
        text = explain(*down, given=hpa).stdout
        self.assertNotIn("scaling is disabled", text)
        self.assertNotIn("off by default", text)
        self.assertIn("scales up only from a 0 that it set itself", findings(document)["min-zero"])
        self.assertIn("spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
                      findings(told(*down, "--kubernetes-version", "1.36", given=hpa))["refused"])

    def test_a_status_that_kubectl_prints_counts(self):
        def status(zero, replicas=""):
            return DEPLOYMENT % (0, AT_ONCE) + f"""
status:
  {replicas}
  desiredReplicas: 0
  conditions:
  - {{type: AbleToScale, status: "True", reason: ReadyForNewScale, message: m, lastTransitionTime: "2026-11-30T01:00:00Z"}}
  - {{type: ScaledToZero, status: "{zero}", reason: x, message: m, lastTransitionTime: "2026-11-30T01:00:00Z"}}
"""
        def size(*arguments, given):
            return told("-", "--metric", "waiting=3", *arguments, given=given)["steps"][0]["to"]
        # A 0 is left out of the status.
        self.assertEqual(size(given=status("True")), 3)
        self.assertEqual(size(given=status("False")), 0)
        self.assertEqual(size("--kubernetes-version", "1.36", given=status("True")), 0, "the gate is off there")
        document = told("-", "--metric", "waiting=3", given=status("True", "currentReplicas: 7"))
        self.assertEqual((document["replicas"], document["steps"][0]["to"]), (7, 3))
        self.assertIn("assuming 7 replicas, as the HPA's status says", " ".join(document["assumptions"]))
        # The controller knows it: its next sync is what is told, on an old release too.
        old = told("-", "--metric", "waiting=3", "--kubernetes-version", "1.36",
                   given=status("True", "currentReplicas: 7"))
        self.assertEqual(old["steps"][0]["seconds"], 0)

    def test_a_size_of_0_that_the_hpa_did_not_set_stays(self):
        document = told("-", "--replicas", 0, "--metric", "waiting=3", given=DEPLOYMENT % (0, AT_ONCE))
        self.assertEqual([(step["from"], step["to"]) for step in document["steps"]], [(0, 0)])
        self.assertEqual(document["steps"][0]["conditions"]["ScalingActive"]["reason"], "ScalingDisabled")
        self.assertEqual(document["metrics"][0]["values"], [], "no value leads anywhere")

    def test_what_is_no_version_is_refused(self):
        for arguments in (("explain", "hpa.yaml"), ("plan", "--vectors", "x.jsonl")):
            for version, says in (("new", "'new' is not a Kubernetes version: write it as 1.37"),
                                  ("1.26", "Kubernetes 1.26 is not known: there are 1.27 to 1.37"),
                                  ("1.99", "Kubernetes 1.99 is not known: there are 1.27 to 1.37")):
                code, error = refused(*arguments, "--kubernetes-version", version)
                self.assertEqual(code, 2, error)
                self.assertIn(says, error)
                self.assertIn("--kubernetes-version", error)

    def test_help_names_the_releases(self):
        for command in ("explain", "plan"):
            self.assertIn("1.27 to 1.37", harness.run(command, "--help").stdout)


class Recordings(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "vectors.jsonl")

    def compare(self, scenarios, *arguments):
        with open(self.path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(scenario) + "\n" for scenario in scenarios)
        done = harness.run("plan", "--vectors", self.path, "-o", "json", *arguments)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return {detail["field"] for detail in json.loads(done.stdout)["details"]}

    def test_every_recording_is_played_on_its_version(self):
        for name, scenarios in (("edge", 60), ("random", 150), ("more", 29), ("live", 1), ("kubernetes-1.37", 80),
                                ("timing", 14)):
            with self.subTest(file=name):
                done = harness.run("plan", "--vectors", VECTORS / f"{name}.jsonl")
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertIn(f"scenarios {scenarios}\n", done.stdout)
                self.assertTrue(done.stdout.endswith("differences 0\n"), done.stdout)

    def test_the_version_of_a_scenario_wins(self):
        # One that rescales: then there is a condition ScaledToZero from 1.37 on.
        scenario = next(each for each in first_lines(60) if "SucceededRescale" in json.dumps(each["steps"]))
        self.assertEqual(self.compare([scenario]), set())
        del scenario["gates"]
        self.assertEqual(self.compare([scenario]), {"cond.ScaledToZero"}, "without gates it is of the newest")
        self.assertEqual(self.compare([scenario], "--kubernetes-version", "1.36"), set())
        scenario["kubernetes"] = "1.36"
        self.assertEqual(self.compare([scenario], "--kubernetes-version", "1.37"), set())

    def test_texts_and_status_are_compared(self):
        with open(VECTORS / "kubernetes-1.37.jsonl", encoding="utf-8") as lines:
            by_name = {scenario["name"]: scenario for scenario in map(json.loads, lines)}
        gone = by_name["text-object-value-gone"]
        step = gone["steps"][0]
        step["msg"]["ScalingActive"] += "!"
        step["events"].pop()
        step["errorText"] = "other"
        step["status"].update(observedGeneration=2, generation=2, desiredReplicas=1, currentReplicas=9)
        self.assertEqual(self.compare([gone]),
                         {"msg.ScalingActive", "events", "errorText", "status.observedGeneration", "status.generation",
                          "status.desiredReplicas", "status.currentReplicas"})

    def test_any_two_of_three_rivals_may_be_named(self):
        with open(VECTORS / "kubernetes-1.37.jsonl", encoding="utf-8") as lines:
            scenario = next(each for each in map(json.loads, lines) if each["name"] == "ambiguous-three")
        scenario = json.loads(json.dumps(scenario).replace("[default/hpa default/hpa-b]", "[default/hpa-c default/hpa]"))
        self.assertEqual(self.compare([scenario]), set())
        for wrong in ("[default/hpa-c default/hpa-c]", "[default/hpa-c default/hpa-d]", "[default/hpa-c]"):
            other = json.loads(json.dumps(scenario).replace("[default/hpa-c default/hpa]", wrong))
            self.assertEqual(self.compare([other]), {"msg.ScalingActive", "events", "errorText"}, wrong)

    def test_the_moments_of_syncs_are_compared(self):
        with open(VECTORS / "timing.jsonl", encoding="utf-8") as lines:
            timing = json.loads(lines.readline())
        timing["syncs"]["a"][1] += 1
        timing["syncs"]["ghost"] = [1]
        timing["statusConflicts"] = [7]
        self.assertEqual(self.compare([timing]), {"syncs.a", "syncs.ghost", "statusConflicts"})
        for key, value, says in (("until", "long", "until is a text"), ("metricLatencyMillis", -1, "is -1, below 0"),
                                 ("syncPeriodMillis", 0, "is 0, below 1"),
                                 ("timeline", [{"t": 1, "event": "burn"}], "timeline[0].event is 'burn', none of create")):
            with open(self.path, "w", encoding="utf-8") as out:
                out.write(json.dumps(timing | {key: value}))
            code, error = refused("plan", "--vectors", self.path)
            self.assertEqual(code, 2, error)
            self.assertIn(says, error)


class Plan(unittest.TestCase):
    def test_strategies_follow_the_release(self):
        def played(*arguments):
            done = harness.run("plan", "--trace", EXAMPLES / "burst.jsonl", "--strategy", "wanted-drain", "-o", "json",
                               *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)
        newest, old = played(), played("--kubernetes-version", "1.34")
        self.assertEqual((newest["kubernetes"], old["kubernetes"]), ("1.37", "1.34"))
        # Without a tolerance of its own the HPA leaves a tenth of the nodes as they are.
        self.assertNotEqual(newest["strategies"], old["strategies"])
        self.assertEqual(newest["strategies"], played("--kubernetes-version", "1.35")["strategies"])


if __name__ == "__main__":
    unittest.main()
