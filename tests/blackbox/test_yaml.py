#!/usr/bin/env python3
"""YAML as kubectl reads it, in every file that people write: HPAs, kubeconfigs, metrics."""
import json
import pathlib
import subprocess
import tempfile
import unittest

import harness
from harness import Simulator, get_metrics, run

MARK = "\ufeff"
HPA = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %(name)s}
spec:
  scaleTargetRef: {apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: m}
  minReplicas: 1
  maxReplicas: %(most)s
  metrics:
  - type: Object
    object:
      describedObject: {apiVersion: v1, kind: Service, name: custom-metrics-apiserver}
      metric: {name: node_wanted_count}
      target: {type: AverageValue, averageValue: %(value)s}
  behavior:
    scaleUp: &rules
      policies: [{type: Pods, value: 100, periodSeconds: %(period)s}]
      tolerance: 0
    scaleDown:
      <<: *rules
      stabilizationWindowSeconds: 0
"""


def hpa(name="h", most="64", value='"1"', period="060"):
    return HPA % {"name": name, "most": most, "value": value, "period": period}


def explain(text, *arguments):
    return subprocess.run([harness.BINARY, "explain", "-", *arguments], input=text.encode(), capture_output=True,
                          timeout=60, check=False, env=harness.clean_environment())


def largest(text):
    """Which size the forecast ends at when everything is wanted."""
    done = explain(text, "--replicas", "1", "--metric", "node_wanted_count=1000", "-o", "json")
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    document = json.loads(done.stdout)
    assert not [found for found in document["findings"] if found["id"] == "unknown-field"], document["findings"]
    return document["steps"][-1]["to"]


class Manifests(unittest.TestCase):
    def test_numbers(self):
        for written, meant in (("010", 8), ("0x10", 16), ("0o17", 15), ("0b11", 3), ("1_0", 10), ("1e1", 10), ("12.0", 12),
                               ("+7", 7), ("08", 8)):
            with self.subTest(written):
                self.assertEqual(largest(hpa(most=written)), meant)

    def test_lists_marks_and_documents(self):
        single = hpa(most="010")
        listed = "apiVersion: v1\nkind: List\nitems:\n- " + single.replace("\n", "\n  ").rstrip() + "\n"
        for text in (single, MARK + single, "---\n" + single + "---\n", "# only a comment\n---\n" + single, listed,
                     single.replace("\n", "\r\n"), MARK + json.dumps({"apiVersion": "v1", "kind": "List", "items": []}) +
                     "\n---\n" + single):
            with self.subTest(text[:40]):
                self.assertEqual(largest(text), 8)

    def test_merge_keys_are_no_unknown_fields(self):
        done = explain(hpa())
        self.assertEqual(done.returncode, 0, done)
        self.assertNotIn(b"<<", done.stdout)

    def test_a_boolean_for_a_text_is_refused_with_what_to_write(self):
        done = explain(hpa().replace("metric: {name: node_wanted_count}",
                                     "metric: {name: node_wanted_count, selector: {matchLabels: {queue: on}}}"))
        self.assertIn(b"boolean", done.stdout + done.stderr)
        self.assertIn(b"quotes", done.stdout + done.stderr)

    def test_what_is_wrong_is_named_with_its_line(self):
        for broken, line, what in ((hpa() + "oops\n", "line 22", "could not find expected ':'"),
                                   (hpa() + "a: *nowhere\n", "line 21", "*nowhere names no anchor"),
                                   (hpa() + "...\nmore: 1\n", "line 22", "kubectl drops"),
                                   (hpa() + "a: .nan\n", "line 21", "not a number"),
                                   (hpa() + "a: !!int x\n", "line 21", "'x' is not what its tag !!int says")):
            done = explain(broken)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(line, done.stderr.decode())
            self.assertIn(what, done.stderr.decode())


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_a_kubeconfigs_empty_fields_are_absent(self):
        config = self.folder / "config"
        text = """%sapiVersion: v1
kind: Config
x-local: &local {server: "https://127.0.0.1:9", insecure-skip-tls-verify: True}
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {<<: *local, proxy-url: "", tls-server-name: "", certificate-authority: ""}}]
users: [{name: u, user: {token: %s, username: "", password: "", as: "", as-groups: [], exec: ~}}]
"""
        config.write_text(text % (MARK, "t"))
        done = run("explain", "-n", "ns", "h", "--kubeconfig", config)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("127.0.0.1:9", done.stderr, "it went as far as the cluster")
        config.write_text(text % ("", "0123"))
        done = run("explain", "-n", "ns", "h", "--kubeconfig", config)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn('token of the user \'u\'', done.stderr)
        self.assertIn('write "0123", with quotes', done.stderr)

    def test_metrics_of_several_documents(self):
        path = self.folder / "mine.yaml"
        path.write_text(MARK + "metrics:\n- &one {name: a_count, help: One., expression: '1'}\n---\n# nothing\n---\n"
                        "metrics:\n- {name: b_count, help: Two., expression: '2'}\n")
        with Simulator(size=1, max_size=1) as flux:
            values = get_metrics(flux.uri, "a_count", "b_count", options=("--custom-metric", path))
        self.assertEqual(values, {"a_count": 1, "b_count": 2})
        path.write_text("metrics:\n- {name: a_count, help: One., expression: '1'}\n---\nmetrics:\n- {name: on}\n")
        done = run("get", "--catalogue", "--custom-metric", path)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("line 5: name is a boolean, not a text: YAML reads on as true", done.stderr)

    def test_names_that_differ_in_case_alone_are_refused(self):
        path = self.folder / "mine.yaml"
        path.write_text("metrics:\n- {name: aCount, help: One., expression: '1'}\n"
                        "- {name: acount, help: Two., expression: '2'}\n")
        done = run("get", "--catalogue", "--custom-metric", path)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("there is a metric aCount already", done.stderr)

    def test_plots_and_traces_with_a_mark_of_byte_order(self):
        table = self.folder / "nodes.csv"
        table.write_text(MARK + '"machine_type","from_nodes","to_nodes","seconds"\r\n"c3, ""big""",1,"2",31.5\r\n')
        done = run("plot", table, "--out", self.folder / "plots")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn('c3, "big" +1: median 31.5 s of 1', done.stdout)
        table.write_text('machine_type,from_nodes,to_nodes,seconds\n"c3,1,2,3\n')
        done = run("plot", table, "--out", self.folder / "plots")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("line 2: nothing closes the quote of a cell", done.stderr)
        trace = self.folder / "trace.jsonl"
        trace.write_text(MARK + '{"t": 0, "nodes": 1, "duration": 5}\n')
        done = run("plan", "--trace", trace, "-o", "json")
        self.assertEqual(done.returncode, 0, done)
        record = self.folder / "record.jsonl"
        record.write_text(MARK + '{"time": 1, "metrics": {"node_up_count": 1}}\n{"time": 2, "metrics": {"node_up_count": 2}}\n')
        done = run("plot", record, "--out", self.folder / "plots")
        self.assertEqual(done.returncode, 0, done)


if __name__ == "__main__":
    harness.main()
