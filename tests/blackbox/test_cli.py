"""The command line: help, version, exit codes and the sentences of misuse."""
import json
import pathlib
import re
import tempfile
import unittest

import harness

TREE = pathlib.Path(__file__).resolve().parent.parent.parent


def commands():
    """The names below "Subcommands:" of the program's own help."""
    text = harness.run("--help").stdout
    return re.findall(r"^  ([a-z][a-z-]*)\s{2,}\S", text[text.index("Subcommands:"):], re.M)


class Help(unittest.TestCase):
    def test_every_command_has_an_example(self):
        names = commands()
        for name in ("start", "get", "demo", "simulate", "simulate-ctl", "version"):
            self.assertIn(name, names)
        for name in names:
            with self.subTest(command=name):
                done = harness.run(name, "--help")
                self.assertEqual(done.returncode, 0)
                self.assertRegex(done.stdout, r"Examples?\b")
                self.assertIn(f"flux-metrics-api {name}", done.stdout)

    def test_every_way_to_steer_has_its_own_example(self):
        listed = harness.run("simulate-ctl", "--help").stdout
        names = re.findall(r"^  ([a-z]+)\s{2,}\S", listed[listed.index("Subcommands:"):], re.M)
        self.assertIn("torpid", names)
        for name in names:
            text = harness.run("simulate-ctl", name, "--help").stdout
            self.assertEqual(re.findall(r"^  flux-metrics-api simulate-ctl ([a-z]+)", text, re.M), [name])

    def test_files_of_examples_are_there(self):
        for name in commands():
            text = harness.run(name, "--help").stdout
            for path in re.findall(r"\b(?:examples|deploy|tests)/[\w/.-]+\w", text):
                self.assertTrue((TREE / path).is_file(), f"{name}: {path}")

    def test_explain_asks_only_the_broker_that_is_named(self):
        text = re.sub(r"\s+", " ", harness.run("explain", "--help").stdout)
        self.assertRegex(text, r"--flux-uri [^\[]*\[none is asked\]")
        with harness.Simulator() as simulator:
            hpa = TREE / "deploy" / "hpa.yaml"
            asked = harness.run("explain", hpa, environment=harness.clean_environment(FLUX_URI=simulator.uri))
            self.assertEqual(asked.stdout, harness.run("explain", hpa).stdout)
            self.assertNotEqual(asked.stdout, harness.run("explain", hpa, "--flux-uri", simulator.uri).stdout)

    def test_no_command_shows_the_help(self):
        done = harness.run()
        self.assertEqual(done.returncode, 0)
        self.assertIn("Subcommands:", done.stdout)

    def test_the_prototypes_options_are_there(self):
        text = harness.run("start", "--help").stdout
        for option in ("--port", "--host", "--namespace", "--service-name", "--ssl-certfile", "--ssl-keyfile",
                       "--api-path", "--no-cache", "--verbose", "--custom-metric", "--flux-uri", "--max-staleness",
                       "--cert-dir", "--insecure-http", "--hold", "--patience", "--min-replicas", "--max-replicas"):
            self.assertRegex(text, rf"{option}\b")
        for default in ("8443", "0.0.0.0", "flux-operator", "custom-metrics-apiserver"):
            self.assertIn(default, text)


class Version(unittest.TestCase):
    def test_option_and_command_agree(self):
        option, command = harness.run("--version"), harness.run("version")
        self.assertEqual((option.returncode, command.returncode), (0, 0))
        self.assertRegex(option.stdout, r"^\d+\.\d+\.\d+\n$")
        self.assertEqual(option.stdout, command.stdout)


class Misuse(unittest.TestCase):
    def refused(self, *arguments, says=(), environment=None):
        """Exit 2, nothing on stdout, a sentence on stderr with all of `says`."""
        done = harness.run(*arguments, environment=environment)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stdout, "")
        self.assertGreater(len(done.stderr.split()), 3, done.stderr)
        for word in says:
            self.assertIn(word, done.stderr)

    def test_unknown_command(self):
        self.refused("strat", says=["flux-metrics-api has no strat; did you mean start?\n"])
        self.refused("manifest", says=["flux-metrics-api has no manifest, but: start, exporter, get, demo,", "version\n"])
        self.refused("simulate-ctl", "onlin", "3", says=["simulate-ctl has no onlin; did you mean online?\n"])
        self.refused("simulate-ctl", "queue", "pause", says=["queue has no pause, but: start, stop\n"])
        self.refused("plot", "plan.json", "more.json", says=["plot: unexpected argument 'more.json'"])

    def test_unknown_option(self):
        self.refused("start", "--prot", "1", says=["start has no --prot; did you mean --port?\n"])
        self.refused("explain", "--replica", "3", says=["explain has no --replica; did you mean --replicas?\n"])
        self.refused("start", "--ssl-cert=x", says=["start has no --ssl-cert\n"])
        self.refused("simulate-ctl", "submit", "--durationn=3s", says=["submit has no --durationn; did you mean --duration?"])

    def test_certificate_without_key_and_key_without_certificate(self):
        self.refused("start", "--ssl-certfile", "tls.crt", says=["--ssl-certfile", "--ssl-keyfile"])
        self.refused("start", "--ssl-keyfile", "tls.key", says=["--ssl-certfile", "--ssl-keyfile"])

    def test_values_that_cannot_be(self):
        self.refused("start", "--port", "65536", says=["--port"])
        self.refused("start", "--port", "http", says=["--port"])
        self.refused("start", "--hold", "soon", says=["soon"])
        self.refused("start", "--max-staleness", "-1s", says=["-1s"])
        self.refused("start", "--min-replicas", "0", says=["--min-replicas"])
        self.refused("get", "--count-denied", "61m", says=["--count-denied: must be at most 3600s, not 61m\n"])
        self.refused("get", "-o", "xml", says=["--output: must be one of table, json, yaml, markdown, not 'xml'\n"])
        self.refused("plan", "--workload", "daily", "--strategy", "magic", says=["'magic': there are static, article, cpu,"])
        self.refused("simulate", "--speed", "0", says=["--speed"])
        self.refused("simulate", "--pod-grace", "soon", says=["--pod-grace", "soon"])
        self.refused("simulate-ctl", says=["subcommand"])
        self.refused("simulate-ctl", "submit", "--urgency", "32", says=["--urgency"])

    def test_numbers_say_what_they_must_be(self):
        port = "--port: must be a whole number from 0 to 65535, not"
        self.refused("start", "--port", "99999", says=[f"{port} '99999'"])
        self.refused("exporter", "--port", "http", says=[f"{port} 'http'"])
        self.refused("start", "--port", "-1", says=[f"{port} '-1'"])
        for command in ("start", "--min-replicas"), ("get", "--max-replicas"), ("plan", "record", "--jobs"), \
                ("simulate", "--speed"), ("simulate-ctl", "submit", "--cc"):
            self.refused(*command, "0", says=[f"{command[-1]}: must be above 0, not 0\n"])
        self.refused("simulate", "--speed", "nan", says=["--speed: must be above 0, not nan"])
        self.refused("simulate", "--speed", "fast", says=["--speed: must be a number above 0, not 'fast'"])
        self.refused("plan", "--workload", "daily", "--seed", "-1", says=["--seed: must be a whole number from 0"])
        self.refused("explain", "hpa.yaml", "--replicas", "-1", says=["--replicas: must be a whole number from 0 to"])
        self.refused("simulate", "--cores", "4.5", says=["--cores: must be a whole number from 0 to 4294967295"])

    def test_durations_that_must_be_some(self):
        for command in ("start", "--max-staleness"), ("exporter", "--max-staleness"), ("get", "--timeout"), \
                ("explain", "hpa.yaml", "--timeout"), ("plan", "record", "--interval"):
            self.refused(*command, "0s", says=[f"{command[-1]}: must be above 0, not 0s"])
        for period in ("0s", "999ms"):
            self.refused("plan", "--workload", "daily", "--period", period, says=["--period: must be at least 1s"])

    def test_names_that_are_empty(self):
        for option in ("--namespace", "--service-name"):
            self.refused("start", option, "", says=[f"{option}: must not be empty"])
        self.refused("plot", "plan.json", "--out", "", says=["--out: must not be empty"])
        self.refused("simulate", "--parent-uri", "", says=["--parent-uri: must not be empty"])

    def test_what_is_missing_is_named(self):
        self.refused("simulate-ctl", says=["simulate-ctl needs a subcommand, one of: online, offline,", "shutdown"])
        self.refused("simulate-ctl", "queue", says=["queue needs a subcommand, one of: start, stop\n"])
        self.refused("simulate-ctl", "online", says=["online needs ranks: Idset"])
        self.refused("explain", says=["explain needs hpa: File with the HPA"])
        self.refused("plot", says=["plot needs file: Output of plan -o json"])
        self.refused("start", "--port", says=["--port needs a value"])

    def test_what_does_not_go_together(self):
        self.refused("get", "--catalogue", "node_up_count",
                     says=["metrics and --catalogue cannot be combined"])
        self.refused("plan", "--workload", "daily", "--trace", "x.jsonl",
                     says=["--trace and --workload cannot be combined"])
        for one in ("node_up_count",), ("--catalogue",), ("--record", "run.jsonl"):
            self.refused("get", "--state", *one, says=["--state", "cannot be combined"])
        for one in ("--watch",), ("--record", "run.jsonl"):
            self.refused("get", "--catalogue", *one, says=[one[0], "--catalogue", "cannot be combined"])
        for one in ("--state", "--catalogue"):
            self.refused("get", one, "-o", "table", says=["-o table is for values only"])
        self.refused("plan", "--vectors", "x.jsonl", "--plots", "out", says=["--plots", "cannot be combined"])
        self.refused("plan", "--vectors", "x.jsonl", "-o", "csv", says=["-o csv", "--vectors"])
        self.refused("plan", "--workload", "daily", "--theme", "dark", says=["--theme requires --plots"])

    def test_plots_without_boxes_have_no_outliers(self):
        with tempfile.TemporaryDirectory() as folder:
            for text in ('{"format":"flux-metrics-api.record/1","time":1,"instance":{},"metrics":{"node_up_count":3}}\n',
                         '{"format":"flux-metrics-api.plan/1"}'):
                path = pathlib.Path(folder, "any.json")
                path.write_text(text, encoding="utf-8")
                self.refused("plot", path, "--out", folder, "--no-outliers", says=["--no-outliers is for node timings"])

    def test_a_metric_has_one_value(self):
        self.refused("explain", TREE / "deploy" / "hpa.yaml", "--metric", "node_wanted_count=3",
                     "--metric", "node_wanted_count=4", says=["node_wanted_count=4", "has a value already"])

    def test_parent_uri_that_is_none(self):
        for uri in ("foo", "tcp://10.0.0.1:8050", "ssh://", "local://here"):
            self.refused("simulate", "--parent-uri", uri, says=["--parent-uri: ", uri])

    def test_flux_uri_of_a_form_that_is_not_spoken(self):
        self.refused("start", environment=harness.clean_environment(FLUX_URI="ssh://login1/run/flux/local"),
                     says=["ssh://login1/run/flux/local"])
        self.refused("start", "--flux-uri", "ssh://login1/run/flux/local", says=["ssh://"])
        self.refused("get", "--flux-uri", "tcp://10.0.0.1:8050", says=["tcp://"])

    def test_custom_metric_that_is_not_there(self):
        self.refused("start", "--custom-metric", "mine.yaml", says=["--custom-metric mine.yaml", "No such file"])

    def test_metric_that_does_not_exist(self):
        with harness.Simulator() as simulator:
            done = harness.run("get", "node_up_cuont", "--flux-uri", simulator.uri)
            self.assertEqual(done.returncode, 2)
            self.assertIn("node_up_cuont (did you mean node_up_count?); there are: core_demand_count", done.stderr)
            self.assertIn("no metric xyz; there are", harness.run("get", "xyz", "--flux-uri", simulator.uri).stderr)


class Failure(unittest.TestCase):
    def test_no_broker_is_exit_1_with_the_place(self):
        done = harness.run("get", "--flux-uri", "local:///nowhere/flux.sock", "--timeout", "1s")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/flux.sock", done.stderr)
        done = harness.run("simulate-ctl", "clock", "--flux-uri", "local:///nowhere/flux.sock")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/flux.sock", done.stderr)

    def test_no_broker_at_the_usual_places(self):
        nobody = harness.clean_environment()
        for command in ("get", "--timeout", "0.1s"), ("plan", "record"), ("simulate-ctl", "queue", "start"):
            done = harness.run(*command, environment=nobody)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done)
            for path in ("/run/flux/local", "/mnt/flux/config/run/flux/local"):
                self.assertIn(f"there is no socket at {path}", done.stderr)
            self.assertIn(": name one with --flux-uri local:///PATH, or in FLUX_URI\n", done.stderr)

    def test_port_in_use(self):
        with harness.Server() as server:
            done = harness.run("start", "--host", "127.0.0.1", "--port", server.port)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(server.port), done.stderr)

    def test_certificate_files_that_are_not_there(self):
        done = harness.run("start", "--host", "127.0.0.1", "--port", harness.free_port(),
                           "--ssl-certfile", "/nowhere/tls.crt", "--ssl-keyfile", "/nowhere/tls.key")
        self.assertIn(done.returncode, (1, 2))
        self.assertIn("/nowhere/tls.crt", done.stderr)


class Get(unittest.TestCase):
    def test_table_and_json(self):
        with harness.Simulator(size=2, max_size=4, cores=4) as simulator:
            table = harness.run("get", "node_up_count", "node_total_count", "--flux-uri", simulator.uri)
            self.assertEqual(table.returncode, 0, table.stderr)
            self.assertRegex(table.stdout, r"(?m)^node_up_count\b.*\b2\b")
            self.assertRegex(table.stdout, r"(?m)^node_total_count\b.*\b4\b")
            document = harness.get_document(simulator.uri)
            self.assertTrue(harness.TIMESTAMP.match(document["timestamp"]), document["timestamp"])
            self.assertEqual(document["instance"]["size"], 4)
            values = harness.reduce_metrics(document)
            self.assertEqual(values["node_up_count"], 2)
            self.assertEqual(values["node_cores_total_count"], 16)
            self.assertEqual(json.dumps(document["metrics"][0]["name"]), '"core_demand_count"')


if __name__ == "__main__":
    harness.main()
