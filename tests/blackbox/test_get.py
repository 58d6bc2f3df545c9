"""`get`: its formats, --watch, --record and --state."""
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import fluxwire
import harness
from harness import Simulator, clean_environment, eventually, get_metrics, run


def get(instance, *arguments):
    done = run("get", *arguments, environment=clean_environment(FLUX_URI=instance.uri))
    if done.returncode != 0:
        raise AssertionError(f"get {arguments}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Watch:
    """A `get --watch` whose output is read from a file, as from a pipe."""

    def __init__(self, instance, *arguments):
        self.output = tempfile.NamedTemporaryFile("w+", suffix=".txt")
        self.process = subprocess.Popen(
            [harness.BINARY, "get", "--watch", *arguments], stdout=self.output, stderr=subprocess.PIPE, text=True,
            env=clean_environment(FLUX_URI=instance.uri))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.output.close()

    def text(self):
        with open(self.output.name) as output:
            return output.read()

    def wait(self, wanted):
        eventually(lambda: re.search(wanted, self.text()), f"{wanted!r} in the output")


class Formats(unittest.TestCase):
    def test_yaml_has_what_json_has(self):
        with Simulator() as instance:
            lines = get(instance, "node_up_count", "-o", "yaml").splitlines()
            self.assertIn("  size: 4", lines)
            self.assertIn("  name: node_up_count", lines)
            self.assertIn("    value: 2", lines)
            self.assertTrue(any(line.startswith('timestamp: "2') for line in lines), lines)

    def test_state(self):
        with Simulator(size=2, max_size=3, cores=4) as instance, fluxwire.Broker(instance.path) as broker:
            running = broker.submit(fluxwire.jobspec(nodes=2, slots=1, cores=3, duration=600))
            eventually(lambda: get_metrics(instance.uri, "job_running_count")["job_running_count"] == 1, "a job")
            waiting = broker.submit(fluxwire.jobspec(nodes=3, duration=60))
            eventually(lambda: get_metrics(instance.uri, "job_eligible_count")["job_eligible_count"] == {("",): 1}, "a wait")
            instance.ctl("drain", "1", "a fan")
            state = json.loads(get(instance, "--state"))
            self.assertEqual(state["format"], "flux-metrics-api.state/1")
            self.assertEqual([(n["rank"], n["host"], n["state"]) for n in state["nodes"]],
                             [(0, "flux-sample-0", "allocated"), (1, "flux-sample-1", "draining"),
                              (2, "flux-sample-2", "offline")])
            self.assertEqual(state["nodes"][0]["cores_allocated"], 3)
            self.assertEqual(state["nodes"][1]["drain"]["reason"], "a fan")
            self.assertEqual(state["queues"], [{"name": "", "enabled": True, "started": True, "constrained": False}])
            jobs = {job["id"]: job for job in state["jobs"]}
            self.assertEqual(set(jobs), {str(running), str(waiting)}, "ids are strings")
            self.assertEqual(jobs[str(running)]["state"], "run")
            self.assertEqual(jobs[str(waiting)]["state"], "sched")
            shape = state["shapes"][jobs[str(running)]["shape"]]
            self.assertEqual((shape["nodes"], shape["slots"], shape["cores"]), (2, 1, 3))

    def test_help_has_examples(self):
        done = run("get", "--help")
        self.assertEqual(done.returncode, 0)
        for text in ("--watch", "--record", "--state", "yaml", "docs/get.md"):
            self.assertIn(text, done.stdout)

    def test_help_says_that_it_has_no_memory(self):
        text = re.sub(r"\s+", " ", run("get", "--help").stdout)
        self.assertIn("Without --watch there is no history: --hold has no effect", text)


class Watching(unittest.TestCase):
    def test_a_block_a_change_in_a_pipe(self):
        with Simulator() as instance, Watch(instance, "node_up_count", "job_running_count") as watch:
            watch.wait(r"node_up_count +2  nodes")
            self.assertEqual(watch.text().count("METRIC"), 1)
            instance.ctl("online", "2")
            watch.wait(r"node_up_count +3  nodes")
            self.assertEqual(watch.text().count("METRIC"), 2, "nothing is printed without a change")
            self.assertIn("\n\nMETRIC", watch.text(), "an empty line stands between the blocks")
            self.assertNotIn("\x1b", watch.text())
            watch.process.send_signal(signal.SIGINT)
            self.assertEqual(watch.process.wait(harness.DEADLINE), 0, "who watches ends it, and that is fine")

    def test_only_who_watches_holds(self):
        with Simulator(size=4, max_size=4) as instance, Watch(instance, "node_wanted_count", "--hold", "1h") as watch:
            job = instance.ctl("submit", "-N4", "--duration", "1h").split()[-1]
            watch.wait(r"node_wanted_count +4  nodes")
            instance.ctl("cancel", job)
            eventually(lambda: re.search(r"node_wanted_count +1  nodes", get(instance, "node_wanted_count", "--hold", "1h")),
                       "one get sees no work")
            self.assertNotRegex(watch.text().rpartition("METRIC")[2], r"node_wanted_count +1  nodes")

    def test_json_is_a_line_a_change(self):
        with Simulator() as instance, Watch(instance, "node_up_count", "-o", "json") as watch:
            watch.wait('"value":2')
            instance.ctl("online", "2-3")
            watch.wait('"value":4')
            values = [json.loads(line)["metrics"][0]["items"][0]["value"] for line in watch.text().splitlines()]
            self.assertEqual((values[0], values[-1]), (2, 4))

    def test_says_when_the_broker_goes(self):
        with Simulator() as instance:
            with Watch(instance, "node_up_count") as watch:
                watch.wait("2  nodes")
                instance.end()
                watch.process.send_signal(0)  # it lives on
                line = watch.process.stderr.readline()
                self.assertIn("no fresh values", line)


class Recording(unittest.TestCase):
    def test_one_line_a_change_is_appended(self):
        with Simulator() as instance, tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "run.jsonl")
            get(instance, "--record", path, "node_up_count", "job_count")
            with Watch(instance, "--record", path, "node_up_count", "job_count") as watch:
                watch.wait("node_up_count")
                instance.ctl("online", "2")
                watch.wait("3  nodes")
            with open(path) as record:
                lines = [json.loads(line) for line in record]
            self.assertGreaterEqual(len(lines), 3, "the first line is still there")
            self.assertEqual([line["metrics"]["node_up_count"] for line in lines][:2], [2, 2])
            self.assertEqual(lines[-1]["metrics"]["node_up_count"], 3)
            for line in lines:
                self.assertEqual(set(line), {"format", "time", "instance", "metrics"})
                self.assertEqual(line["format"], "flux-metrics-api.record/1")
            self.assertEqual(lines[0]["metrics"]["job_count"][0]["labels"], {"queue": "", "state": "depend"})
            self.assertEqual([line["time"] for line in lines], sorted(line["time"] for line in lines))

    def test_a_file_that_cannot_be_written_is_misuse(self):
        with Simulator() as instance:
            done = run("get", "--record", "/nowhere/run.jsonl",
                       environment=clean_environment(FLUX_URI=instance.uri))
            self.assertEqual(done.returncode, 2)
            self.assertIn("/nowhere/run.jsonl", done.stderr)


if __name__ == "__main__":
    harness.main()
