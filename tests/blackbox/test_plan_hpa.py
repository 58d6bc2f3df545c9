"""`plan --hpa FILE`: a user's own HPAs beside the built-in strategies."""
import csv
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARTICLE = ROOT / "tests" / "e2e" / "manifests" / "article-hpa.yaml"
DEPLOYED = ROOT / "deploy" / "hpa.yaml"
BURST = ROOT / "examples" / "burst.jsonl"
BUILT_IN = ["static", "article", "cpu", "pending", "wanted", "wanted-drain", "clairvoyant"]

HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %s, namespace: flux-operator}
spec:
  scaleTargetRef: {apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample}
  minReplicas: %d
  maxReplicas: 64
  metrics: [%s]
"""
CPU = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}"


def of_service(metric, target="type: AverageValue, averageValue: '1'", selector=""):
    return ("{type: Object, object: {describedObject: {apiVersion: v1, kind: Service, name: custom-metrics-apiserver}, "
            f"metric: {{name: {metric}{selector}}}, target: {{{target}}}}}}}")


def external(metric):
    return f"{{type: External, external: {{metric: {{name: {metric}}}, target: {{type: AverageValue, averageValue: '1'}}}}}}"


class OwnHpas(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, text, name="hpa.yaml"):
        path = os.path.join(self.folder.name, name)
        pathlib.Path(path).write_text(text)
        return path

    def plan(self, *arguments, trace=BURST):
        return harness.run("plan", "--trace", trace, *arguments)

    def rows(self, *arguments, trace=BURST):
        done = self.plan("-o", "csv", *arguments, trace=trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {row.pop("strategy"): row for row in csv.DictReader(done.stdout.splitlines())}, done.stderr

    def refused(self, text, *arguments):
        done = self.plan("--strategy", "static", "--hpa", self.file(text), *arguments)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done)
        return done.stderr

    def test_the_articles_hpa_never_leaves_its_smallest_size(self):
        done = self.plan("--hpa", ARTICLE, "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        outcomes = {each["strategy"]: each for each in json.loads(done.stdout)["strategies"]}
        self.assertEqual(list(outcomes), [*BUILT_IN, "flux-sample-hpa"], "all the built-in ones beside it")
        own = outcomes["flux-sample-hpa"]
        self.assertEqual((own["resizes"], {point[1] for point in own["points"]}), (0, {2}))
        self.assertLess(own["finished"], 0.5 * own["jobs"], "a job of 32 nodes waits for ever")
        self.assertEqual(outcomes["wanted"]["finished"], own["jobs"])
        lines = done.stderr.splitlines()
        self.assertTrue(any("HPA flux-sample-hpa: " in line and line.endswith("(cannot-scale-up)") for line in lines), lines)
        self.assertTrue(any(f"explain {ARTICLE} tells more" in line for line in lines), lines)

    def test_the_deployed_hpa_with_a_window_is_wanted(self):
        """It drains nothing: with the window of 300 s that its comment names it is `wanted`, figure for figure."""
        text = DEPLOYED.read_text().replace("minReplicas: 1", "minReplicas: 2")
        head, tail = text.split("scaleDown:")
        windowed = head + "scaleDown:" + tail.replace("stabilizationWindowSeconds: 0", "stabilizationWindowSeconds: 300")
        for seed in (1, 2):
            rows, _ = self.rows("--strategy", "wanted", "--strategy", "wanted-drain", "--hpa",
                                self.file(windowed), "--hpa", self.file(text, "plain.yaml"), "--seed", seed)
            self.assertEqual(list(rows), ["wanted", "wanted-drain", "flux-sample", "flux-sample-2"])
            self.assertEqual(rows["flux-sample"], rows["wanted"])
            self.assertNotEqual(rows["flux-sample-2"], rows["wanted"])
            self.assertLess(float(rows["flux-sample-2"]["node_hours"]), float(rows["wanted"]["node_hours"]))

    def test_cpu_written_like_the_strategy_is_the_strategy(self):
        written = self.file(HPA % ("on-cpu", 2, CPU))
        left_out = self.file((HPA % ("default", 2, "")).replace("  metrics: []\n", ""), "default.yaml")
        rows, _ = self.rows("--strategy", "cpu", "--hpa", written, "--hpa", left_out)
        self.assertEqual(rows["on-cpu"], rows["cpu"])
        self.assertEqual(rows["default"], rows["cpu"], "an HPA without a metric is one on 80 % CPU")

    def test_pending_written_like_the_strategy_is_the_strategy(self):
        rows, _ = self.rows("--strategy", "pending",
                            "--hpa", self.file(HPA % ("object", 2, of_service("job_pending_count"))),
                            "--hpa", self.file(HPA % ("external", 2, external("Job_Pending_Count")), "b.yaml"),
                            "--hpa", self.file(HPA % ("queue", 2, of_service(
                                "job_eligible_count", selector=", selector: {matchLabels: {queue: default}}")), "c.yaml"),
                            "--hpa", self.file(HPA % ("state", 2, of_service(
                                "job_count", selector=", selector: {matchLabels: {state: sched}}")), "d.yaml"))
        self.assertGreater(int(rows["pending"]["resizes"]), 0)
        for name in ("object", "external", "queue", "state"):
            self.assertEqual(rows[name], rows["pending"], name)

    def test_the_largest_of_several_metrics_counts(self):
        both = HPA % ("both", 2, ", ".join([CPU, of_service("node_wanted_count"), of_service("node_safe_min_count")]))
        rows, _ = self.rows("--strategy", "cpu", "--hpa", self.file(both),
                            "--hpa", self.file(HPA % ("alone", 2, of_service("node_wanted_count")), "alone.yaml"))
        self.assertLess(int(rows["cpu"]["finished"]), int(rows["cpu"]["jobs"]))
        self.assertEqual(rows["both"]["finished"], rows["both"]["jobs"], "cpu alone would let jobs wait for ever")
        self.assertGreaterEqual(float(rows["both"]["node_hours"]), float(rows["alone"]["node_hours"]))

    def test_metrics_of_pods(self):
        busy = ("{type: Pods, pods: {metric: {name: core_utilization_ratio}, "
                "target: {type: AverageValue, averageValue: 800m}}}")
        rows, _ = self.rows("--strategy", "static", "--hpa", self.file(HPA % ("busy", 2, busy)))
        self.assertGreater(int(rows["busy"]["resizes"]), 0)

    def test_every_metric_that_is_offered_can_be_played(self):
        error = self.refused(HPA % ("own", 1, of_service("requests_per_second")))
        names = error.strip().rpartition("as Object or External ")[2].split(", ")
        self.assertGreater(len(names), 25)
        catalogue = json.loads(harness.run("get", "--catalogue", "-o", "json").stdout)
        known = {metric["name"] for metric in catalogue["metrics"]}
        self.assertLessEqual(set(names), known)
        page = (ROOT / "docs" / "plan.md").read_text()
        self.assertIn("| Object, External | " + ", ".join(f"`{name}`" for name in names) + " |", page)
        trace = self.file('{"t": 0, "nodes": 3, "duration": 90}\n{"t": 5, "slots": 4, "cores": 2, "duration": 30}\n', "few.jsonl")
        arguments = []
        for name in names:
            hpa = self.file(HPA % (name.replace("_", "-"), 1, of_service(name)), f"{name}.yaml")
            arguments += ["--hpa", hpa]
        rows, _ = self.rows("--strategy", "static", *arguments, trace=trace)
        self.assertEqual(len(rows), 1 + len(names))

    def test_names_are_made_unique(self):
        wanted = HPA % ("wanted", 1, of_service("node_wanted_count"))
        rows, _ = self.rows("--strategy", "static", "--hpa", self.file(wanted), "--hpa", self.file(wanted, "again.yaml"))
        self.assertEqual(list(rows), ["static", "wanted-2", "wanted-3"])

    def test_an_hpa_that_an_api_server_refuses_is_refused_in_its_words(self):
        text = (HPA % ("own", 3, of_service("node_wanted_count"))).replace("maxReplicas: 64", "maxReplicas: 2")
        error = self.refused(text)
        explained = json.loads(harness.run("explain", self.file(text), "-o", "json").stdout)
        sentence = next(each["text"] for each in explained["findings"] if each["id"] == "refused")
        self.assertIn("spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`", sentence)
        self.assertIn(sentence, error)
        self.assertIn("explain", error)
        unknown = (HPA % ("own", 3, of_service("node_wanted_count"))).replace("maxReplicas", "maxreplicas")
        self.assertIn("spec.maxreplicas", self.refused(unknown))
        self.assertIn("holds no object of kind HorizontalPodAutoscaler", self.refused("kind: Service\n"))
        missing = self.plan("--hpa", os.path.join(self.folder.name, "none.yaml"))
        self.assertEqual((missing.returncode, missing.stdout), (2, ""))
        self.assertIn("none.yaml", missing.stderr)

    def test_metrics_that_the_model_cannot_know_are_refused(self):
        memory = CPU.replace("cpu", "memory")
        for metric, says in ((memory, "the metric memory of type Resource"),
                             (of_service("site_licenses"), "the metric site_licenses of type Object"),
                             (of_service("job_denied_count"), "the metric job_denied_count of type Object"),
                             (CPU.replace("Resource", "ContainerResource").replace("resource:", "containerResource:")
                                 .replace("name: cpu", "name: cpu, container: flux"), "cpu of type ContainerResource")):
            with self.subTest(says):
                error = self.refused(HPA % ("own", 1, metric))
                self.assertIn(f"hpa.yaml: the HPA own cannot be played: plan has no values for {says}", error) \
                    if says.startswith("the") else self.assertIn(says, error)
                self.assertIn("node_wanted_count", error)
        selected = of_service("job_eligible_count", selector=", selector: {matchLabels: {queue: debug}}")
        trace = self.file('{"t": 0, "nodes": 1, "duration": 9, "queue": "batch"}\n', "trace.jsonl")
        done = self.plan("--hpa", self.file(HPA % ("own", 1, selected)), trace=trace)
        self.assertEqual(done.returncode, 2)
        self.assertIn("its selector queue=debug leaves nothing: the jobs are in batch", done.stderr)

    def test_the_release_decides(self):
        """Before 1.35 the tolerance of an HPA does not count: 10 % swallow the last nodes."""
        path = self.file(DEPLOYED.read_text())
        rows, errors = {}, {}
        for version in ("1.34", "1.35"):
            rows[version], errors[version] = self.rows("--strategy", "static", "--hpa", path, "--kubernetes-version", version)
        self.assertIn("swallows single nodes", errors["1.34"])
        self.assertNotIn("swallows", errors["1.35"])
        self.assertNotEqual(rows["1.34"]["flux-sample"], rows["1.35"]["flux-sample"])
        zero = HPA % ("zero", 0, of_service("node_wanted_count"))
        self.assertIn("spec.minReplicas: Invalid value: 0", self.refused(zero, "--kubernetes-version", "1.36"))
        rows, error = self.rows("--strategy", "static", "--hpa", self.file(zero), "--kubernetes-version", "1.37")
        self.assertIn("1 is played instead", error)
        self.assertEqual(rows["zero"]["finished"], rows["zero"]["jobs"])

    def test_a_size_above_the_largest_is_not_played(self):
        done = self.plan("--max", 40, "--strategy", "static", "--hpa", self.file(HPA % ("own", 1, of_service("job_pending_count"))),
                         "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        own = json.loads(done.stdout)["strategies"][1]
        self.assertEqual(max(point[1] for point in own["points"]), 40)
        self.assertIn("(max-above-maxsize)", done.stderr)

    def test_table_and_plots_have_it(self):
        plots = os.path.join(self.folder.name, "plots")
        done = self.plan("--strategy", "wanted", "--hpa", ARTICLE, "--plots", plots)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["STRATEGY", "wanted", "flux-sample-hpa"])
        self.assertEqual(len({len(line) for line in lines}), 1, "columns stand below each other")
        self.assertEqual(sorted(os.listdir(plots)),
                         ["cost.svg", "queue.svg", "size-flux-sample-hpa.svg", "size-wanted.svg", "waits.svg"])
        self.assertIn(">flux-sample-hpa<", pathlib.Path(plots, "queue.svg").read_text())

    def test_standard_input(self):
        done = subprocess.run([harness.BINARY, "plan", "--trace", BURST, "--strategy", "static", "--hpa", "-"],
                              input=HPA % ("piped", 2, of_service("node_wanted_count")), text=True, capture_output=True,
                              timeout=60, check=False, env=harness.clean_environment())
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("piped ", done.stdout)
        twice = harness.run("plan", "--trace", "-", "--hpa", "-")
        self.assertEqual(twice.returncode, 2)
        self.assertIn("standard input can be read once only", twice.stderr)
        with_vectors = harness.run("plan", "--vectors", "x.jsonl", "--hpa", ARTICLE)
        self.assertEqual(with_vectors.returncode, 2)


if __name__ == "__main__":
    harness.main()
