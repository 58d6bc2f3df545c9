"""`plan`: recorded decisions of a real HPA controller against the program's; strategies over traces; and `plot`."""
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

import harness

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "data" / "hpa"


EXAMPLES = VECTORS.parent.parent.parent / "examples"


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


def played(*arguments):
    done = harness.run("plan", *arguments)
    if done.returncode != 0:
        raise AssertionError(f"plan {arguments}: exit {done.returncode}: {done.stderr}")
    return done.stdout


class Traces(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def rows(self, trace, *arguments):
        text = played("--trace", EXAMPLES / f"{trace}.jsonl", "-o", "csv", *arguments)
        return {row["strategy"]: {key: value if key == "strategy" else float(value) for key, value in row.items()}
                for row in csv.DictReader(text.splitlines())}

    def test_what_the_strategies_make_of_a_day(self):
        rows = self.rows("daily")
        self.assertEqual(list(rows), ["static", "article", "cpu", "pending", "wanted", "wanted-drain", "clairvoyant"])
        wanted, bound, static = rows["wanted-drain"], rows["clairvoyant"], rows["static"]
        for name in ("static", "wanted", "wanted-drain", "clairvoyant"):
            self.assertEqual(rows[name]["finished"], rows[name]["jobs"], name)
        self.assertLess(rows["cpu"]["finished"], 0.1 * rows["cpu"]["jobs"], "nothing runs, so CPU says nothing")
        self.assertEqual(rows["article"]["resizes"], 0)
        self.assertEqual(wanted["killed"], 0)
        self.assertGreater(rows["pending"]["killed"], 20)
        self.assertLessEqual(wanted["makespan_seconds"], 1.01 * bound["makespan_seconds"])
        self.assertLessEqual(wanted["node_hours"], 1.10 * bound["node_hours"])
        self.assertLess(wanted["node_hours"], 0.6 * static["node_hours"])

    def test_the_page_shows_what_is_played(self):
        page = (EXAMPLES.parent / "docs" / "plan.md").read_text()
        blocks = re.findall(r"^\$ flux-metrics-api (plan --trace examples/[^\n]*)\n(.*?)^```$", page, re.M | re.S)
        self.assertGreaterEqual(len(blocks), 3)
        for command, shown in blocks:
            with self.subTest(command):
                arguments = [str(EXAMPLES.parent / word) if word.startswith(("examples/", "tests/")) else word
                             for word in command.split()]
                self.assertEqual(played(*arguments[1:]), shown)

    def test_pods_that_outlive_their_deletion_lose_the_jobs_that_start_on_them(self):
        """Jobs of 8 nodes, a new one every 7 s around the moment at which the HPA has given the first one's nodes back."""
        trace = os.path.join(self.folder.name, "two.jsonl")
        killed = {}
        for grace in ("0s", "30s"):
            for strategy in ("wanted", "wanted-drain"):
                total = 0
                for t in range(390, 520, 7):
                    pathlib.Path(trace).write_text(f'{{"t": 0, "nodes": 8, "duration": 60}}\n'
                                                   f'{{"t": {t}, "nodes": 8, "duration": 100}}\n')
                    text = played("--trace", trace, "--max", "8", "--strategy", strategy, "--pod-grace", grace, "-o", "csv")
                    row = next(csv.DictReader(text.splitlines()))
                    self.assertEqual(row["finished"], "2", row)
                    total += int(row["killed"])
                killed[strategy, grace] = total
        self.assertGreaterEqual(killed["wanted", "30s"], 3)
        self.assertLess(killed["wanted", "0s"], killed["wanted", "30s"])
        self.assertEqual((killed["wanted-drain", "0s"], killed["wanted-drain", "30s"]), (0, 0))

    def test_seeds_decide(self):
        one, same, other = (played("--trace", EXAMPLES / "burst.jsonl", "--strategy", "wanted-drain", "--seed", seed,
                                   "-o", "json") for seed in (1, 1, 2))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_a_day_of_100000_jobs(self):
        sys.path.insert(0, str(EXAMPLES.parent / "bench"))
        import plan as bench  # the day that the published figure is of
        slow = "FLUX_METRICS_SLOW" in os.environ
        jobs, nodes = (10_000, 100) if slow else (100_000, 1000)
        trace = os.path.join(self.folder.name, "day.jsonl")
        bench.make_day(trace, jobs, nodes)
        begin = time.monotonic()
        text = played("--trace", trace, "--max", nodes, "-o", "csv", "--strategy", "pending", "--strategy", "wanted-drain")
        took = time.monotonic() - begin
        rows = {row["strategy"]: row for row in csv.DictReader(text.splitlines())}
        self.assertEqual((rows["wanted-drain"]["finished"], rows["wanted-drain"]["killed"]), (str(jobs), "0"))
        self.assertGreater(int(rows["pending"]["killed"]), 100, "killing is the costly part")
        if not slow:  # a release build takes 0.3 s for both; whatever goes with the square of the jobs takes minutes
            self.assertLess(took, 30)

    def test_a_list_of_flux_jobs_is_a_trace(self):
        """As a real Flux printed it, from a file and through a pipe."""
        path = VECTORS.parent / "flux-jobs" / "flux-jobs.json"
        done = harness.run("plan", "--trace", path, "--strategy", "static", "-o", "csv")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(list(csv.DictReader(done.stdout.splitlines()))[0]["finished"], "7")
        for says in ("3 jobs ended", "2 jobs waiting, held or without a limit, left out"):
            self.assertIn(says, done.stderr)
        lines = path.with_name("flux-job-list.jsonl").read_text()
        piped = subprocess.run([harness.BINARY, "plan", "--trace", "-", "--strategy", "static", "-o", "csv"], input=lines,
                               text=True, capture_output=True, timeout=60, check=False, env=harness.clean_environment())
        self.assertEqual((piped.returncode, piped.stdout.count("static,7,7,")), (0, 1), piped)
        wrong = os.path.join(self.folder.name, "wrong.json")
        pathlib.Path(wrong).write_text('{"jobs": [{"t_submit": 1, "nnodes": 1},\n{"t_submit": "now", "nnodes": 1}]}')
        done = harness.run("plan", "--trace", wrong)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("wrong.json, line 2: jobs[1].t_submit is a text, not a number", done.stderr)

    def check_svgs(self, folder, names):
        files = sorted(path.name for path in pathlib.Path(folder).iterdir())
        self.assertEqual(files, sorted(names))
        for name in files:
            root = xml.etree.ElementTree.parse(os.path.join(folder, name)).getroot()
            self.assertTrue(root.tag.endswith("svg"))
            text = pathlib.Path(folder, name).read_text()
            self.assertNotIn("nan", text)
            self.assertIn("prefers-color-scheme:dark", text)

    def test_nothing_to_play_is_no_success(self):
        path = os.path.join(self.folder.name, "empty.jsonl")
        pathlib.Path(path).touch()
        for option, words in (("--trace", "holds no job"), ("--vectors", "holds no scenario")):
            with self.subTest(option):
                done = harness.run("plan", option, path)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(f"{path} {words}", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_plots_directly_and_from_json(self):
        names = ["size-cpu.svg", "size-wanted-drain.svg", "queue.svg", "waits.svg", "cost.svg"]
        direct = os.path.join(self.folder.name, "direct")
        document = played("--trace", EXAMPLES / "burst.jsonl", "--strategy", "wanted-drain", "--strategy", "cpu",
                          "--plots", direct, "-o", "json")
        self.check_svgs(direct, names)
        path = os.path.join(self.folder.name, "plan.json")
        pathlib.Path(path).write_text(document)
        later = os.path.join(self.folder.name, "later")
        done = harness.run("plot", path, "--out", later)
        self.assertEqual(done.returncode, 0, done)
        self.check_svgs(later, names)
        for name in names:
            self.assertEqual(pathlib.Path(direct, name).read_text(), pathlib.Path(later, name).read_text())
        harness.run("plot", path, "--out", later, "--theme", "light")
        self.assertNotIn("prefers-color-scheme", pathlib.Path(later, "cost.svg").read_text())

    def test_plots_of_a_recording(self):
        path = os.path.join(self.folder.name, "run.jsonl")
        with open(path, "w", encoding="utf-8") as out:
            for t in range(3):
                out.write(json.dumps({"format": "flux-metrics-api.record/1", "time": 1000 + t,
                                      "metrics": {"node_up_count": t, "job_pending_count": 5 - t, "x": None,
                                                  "job_eligible_count": [{"labels": {"queue": ""}, "value": t}],
                                                  "job_wait_oldest_seconds": [{"labels": {"queue": "a"}, "value": t},
                                                                              {"labels": {"queue": "b"}, "value": 1}]}})
                          + "\n")
        plots = os.path.join(self.folder.name, "plots")
        done = harness.run("plot", path, "--out", plots)
        self.assertEqual(done.returncode, 0, done)
        self.check_svgs(plots, ["nodes.svg", "jobs.svg", "wait.svg"])
        self.assertIn(">job_eligible_count<", pathlib.Path(plots, "jobs.svg").read_text())
        for name in ("job_wait_oldest_seconds{a}", "job_wait_oldest_seconds{b}", "seconds"):
            self.assertIn(f">{name}<", pathlib.Path(plots, "wait.svg").read_text())

    def test_a_recording_that_was_cut_off_and_has_other_metrics(self):
        path = os.path.join(self.folder.name, "run.jsonl")
        both = [{"labels": {"server": "a"}, "value": 1}, {"labels": {"server": "b"}, "value": 2}]
        lines = [json.dumps({"time": 1000 + 600 * t, "metrics": {"job_count": t, "../x y": 1, "memory": both}})
                 for t in range(3)]
        pathlib.Path(path).write_text("\n".join(lines) + "\n" + lines[0][:20])
        plots = os.path.join(self.folder.name, "plots")
        done = harness.run("plot", path, "--out", plots)
        self.assertEqual(done.returncode, 0, done)
        self.check_svgs(plots, ["job_count.svg", "___x_y.svg", "memory.svg"])
        for name in ("memory{a}", "memory{b}"):
            self.assertIn(f">{name}<", pathlib.Path(plots, "memory.svg").read_text(), "the lines of one metric together")
        self.assertIn(">minutes<", pathlib.Path(plots, "job_count.svg").read_text(), "20 of them")

    def test_box_plots_of_node_timings(self):
        path = os.path.join(self.folder.name, "nodes.csv")
        rows = ["series,machine_type,run,action,from_nodes,to_nodes,seconds", "a,big,0,create,,,270"]
        rows += [f"a,big,0,up,0,1,{seconds}" for seconds in (30, 31, 32, 33, 500)]
        rows += [f"a,big,0,down,3,1,{seconds}" for seconds in (90, 100)]
        pathlib.Path(path).write_text("\n".join(rows) + "\n")
        plots = os.path.join(self.folder.name, "plots")
        done = harness.run("plot", path, "--out", plots)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("big +1: median 32.0 s of 5\n", done.stdout)
        self.assertIn("big -2: median 95.0 s of 2\n", done.stdout)
        self.check_svgs(plots, ["nodes-added.svg", "nodes-removed.svg"])
        added = pathlib.Path(plots, "nodes-added.svg")
        self.assertEqual(added.read_text().count("<circle"), 1, "500 s is an outlier")
        self.assertIn("logarithmic", added.read_text(), "or nothing would be seen of the boxes")
        harness.run("plot", path, "--out", plots, "--no-outliers")
        self.assertNotIn("<circle", added.read_text())
        self.assertNotIn("logarithmic", added.read_text())

    def test_misuse(self):
        bad = os.path.join(self.folder.name, "bad.jsonl")
        pathlib.Path(bad).write_text('{"t": 0, "nodes": 1}\n')
        trace = EXAMPLES / "burst.jsonl"
        almost = os.path.join(self.folder.name, "almost.csv")
        pathlib.Path(almost).write_text("xmachine_type,from_nodes,to_nodes,seconds\na,0,1,30\n")
        still = os.path.join(self.folder.name, "still.csv")
        pathlib.Path(still).write_text("machine_type,from_nodes,to_nodes,seconds\na,1,1,30\n")
        for arguments, says in ((("plan",), "--trace"),
                                (("plan", "--trace", bad), "duration"),
                                (("plan", "--trace", bad + ".none"), "bad.jsonl.none"),
                                (("plan", "--trace", trace, "--max", 8), "does not fit"),
                                (("plan", "--trace", trace, "--min", 9, "--max", 8), "--min 9"),
                                (("plan", "--trace", trace, "--strategy", "magic"), "magic"),
                                (("plot", bad), "bad.jsonl: line 1 is not what get --record writes"),
                                (("plot", self.folder.name), self.folder.name),
                                (("plot", almost), "no column machine_type"),
                                (("plot", still), "line 2: from_nodes and to_nodes are both 1"),
                                (("plot", EXAMPLES.parent / "Makefile"), "no column")):
            done = harness.run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (arguments, done))
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
