"""`plan --vectors`: recorded decisions of a real HPA controller against the program's."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import harness

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "data" / "hpa"


def first_lines(count):
    with open(VECTORS / "edge.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line, _ in zip(lines, range(count))]


class Vectors(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, scenarios):
        path = os.path.join(self.folder.name, "vectors.jsonl")
        with open(path, "w", encoding="utf-8") as out:
            for scenario in scenarios:
                out.write((scenario if isinstance(scenario, str) else json.dumps(scenario)) + "\n")
        return path

    def test_recorded_decisions_are_equal(self):
        for name, scenarios, steps in (("edge", 60, 482), ("random", 150, 5530)):
            with self.subTest(file=name):
                done = harness.run("plan", "--vectors", VECTORS / f"{name}.jsonl")
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertEqual(done.stdout, f"scenarios {scenarios}\nsteps {steps}\ndifferences 0\n")

    def test_json(self):
        done = harness.run("plan", "--vectors", VECTORS / "edge.jsonl", "-o", "json")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(json.loads(done.stdout),
                         {"scenarios": 60, "steps": 482, "differences": 0, "differentSteps": 0, "details": []})

    def test_standard_input(self):
        done = subprocess.run([harness.BINARY, "plan", "--vectors", "-"], input=json.dumps(first_lines(1)[0]),
                              text=True, capture_output=True, timeout=60, check=False,
                              env=harness.clean_environment())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("scenarios 1\n", done.stdout)

    def test_a_difference_is_told_and_fails(self):
        scenarios = first_lines(3)
        scenarios[1]["steps"][2]["replicas"] += 1
        scenarios[2]["steps"][0]["cond"]["AbleToScale"][1] = "SucceededRescale"
        path = self.file(scenarios)
        done = harness.run("plan", "--vectors", path)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(f"line 2 ({scenarios[1]['name']}), step 2, t 30000 ms: replicas is 2, recorded 3\n", done.stdout)
        self.assertIn("cond.AbleToScale is True ScaleDownStabilized, recorded True SucceededRescale", done.stdout)
        self.assertIn("differences 2\n", done.stdout)
        document = json.loads(harness.run("plan", "--vectors", path, "-o", "json").stdout)
        self.assertEqual((document["differences"], document["differentSteps"]), (2, 2))
        self.assertEqual(document["details"][0],
                         {"line": 2, "scenario": scenarios[1]["name"], "step": 2, "t": 30000, "field": "replicas",
                          "recorded": "3", "decided": "2"})

    def test_wrong_shapes_name_line_and_field(self):
        def altered(change):
            scenarios = first_lines(2)
            change(scenarios[1])
            return scenarios

        def cut(scenario):
            del scenario["steps"][1]["in"]["specReplicas"]

        def retype(scenario):
            scenario["spec"]["maxReplicas"] = "4"

        for what, scenarios, says in (
                ("a missing field", altered(cut), "line 2: steps[1].in.specReplicas is missing"),
                ("a wrong type", altered(retype), "line 2: spec.maxReplicas is a text, not a number"),
                ("no JSON", [*first_lines(1), "{"], "line 2: is not JSON"),
                ("no object", ["[]"], "line 1: the document is a list, not an object"),
                ("another format", ["{}"], "line 1: spec is missing")):
            with self.subTest(what):
                done = harness.run("plan", "--vectors", self.file(scenarios))
                self.assertEqual((done.returncode, done.stdout), (2, ""), done)
                self.assertIn(says, done.stderr)

    def test_files_that_cannot_be_read(self):
        for path in (os.path.join(self.folder.name, "none.jsonl"), self.folder.name):
            done = harness.run("plan", "--vectors", path)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(path, done.stderr)


if __name__ == "__main__":
    unittest.main()
