"""Standard output that cannot be written: every command says so and fails; a reader that leaves ends it quietly."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import harness
from harness import Simulator

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
ARTICLE = TREE / "tests" / "e2e" / "manifests" / "article-hpa.yaml"
VECTORS = TREE / "tests" / "data" / "hpa" / "edge.jsonl"
TRACE = TREE / "examples" / "burst.jsonl"

ALONE = (
    ("version",), ("--version",), ("--help",), ("get", "--help"), (),
    ("get", "--catalogue"), ("get", "--catalogue", "-o", "json"), ("get", "--catalogue", "-o", "yaml"),
    ("explain", ARTICLE), ("explain", ARTICLE, "--fix"), ("explain", ARTICLE, "-o", "json"),
    ("plan", "--vectors", VECTORS), ("plan", "--trace", TRACE, "--strategy", "static"), ("simulate",),
)
OF_AN_INSTANCE = (
    ("get",), ("get", "node_up_count"), ("get", "-o", "json"), ("get", "-o", "yaml"), ("get", "--state"),
    ("get", "--watch"), ("get", "--watch", "node_up_count"),
    ("simulate-ctl", "stats"), ("simulate-ctl", "clock"), ("simulate-ctl", "submit", "-N1"),
    ("plan", "record", "--duration", "1ms"),  # there is something to record: the job before
)


def run_into(stdout, *arguments, uri=None):
    """stdout: a file, or None for one that is closed."""
    command = [harness.BINARY, *map(str, arguments)]
    if stdout is None:
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=harness.DEADLINE * 2,
                          env=harness.clean_environment(**({"FLUX_URI": uri} if uri else {})))


class Lost(unittest.TestCase):
    def told(self, done, why):
        self.assertEqual(done.returncode, 1, done)
        lines = [line for line in done.stderr.splitlines() if " info " not in line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn(f"cannot write to standard output: {why}", lines[0])

    def each(self, commands, uri=None):
        for arguments in commands:
            with self.subTest(command=arguments, stdout="full"), open("/dev/full", "w", encoding="utf-8") as full:
                self.told(run_into(full, *arguments, uri=uri), "No space left on device")
            with self.subTest(command=arguments, stdout="closed"):
                self.told(run_into(None, *arguments, uri=uri), "Bad file descriptor")

    def test_of_commands_that_need_no_broker(self):
        self.each(ALONE)

    def test_of_commands_that_ask_an_instance(self):
        with Simulator() as simulator:
            self.each(OF_AN_INSTANCE, simulator.uri)

    def test_what_prints_nothing_may_have_it_closed(self):
        with Simulator() as simulator:
            self.assertEqual(run_into(None, "simulate-ctl", "online", "2", uri=simulator.uri).returncode, 0)
            harness.eventually(lambda: simulator.get("node_up_count")["node_up_count"] == 3, "three nodes")

    def test_a_recording_gets_no_table_of_a_closed_output(self):
        with Simulator() as simulator, tempfile.TemporaryDirectory() as folder:
            record = pathlib.Path(folder) / "run.jsonl"
            done = run_into(None, "get", "node_up_count", "--record", record, uri=simulator.uri)
            self.told(done, "Bad file descriptor")
            self.assertNotIn("METRIC", record.read_text(encoding="utf-8"))


class Left(unittest.TestCase):
    def test_a_reader_that_leaves_ends_it_without_a_word(self):
        for arguments in (("get", "--catalogue"), ("explain", ARTICLE), ("--help",)):
            with self.subTest(command=arguments):
                reading, writing = os.pipe()
                os.close(reading)
                with os.fdopen(writing, "w") as pipe:
                    done = run_into(pipe, *arguments)
                self.assertEqual((done.returncode, done.stderr), (-13, ""))


if __name__ == "__main__":
    harness.main()
