#!/usr/bin/env python3
"""What following a large instance costs: memory, freshness, requests meanwhile, and the broker's time.

For every number of jobs and of nodes it starts a simulated instance and a server beside it, both as users run
them, and prints a row of a Markdown table. Standard library only; takes about four minutes.
Usage: bench/collector.py PROGRAM [--jobs 0,1000] [--nodes 4,1000] [--submits 20]
"""
import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "blackbox"))
from fluxwire import Broker, jobspec  # noqa: E402

PATH = ("/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/"
        "custom-metrics-apiserver/")
PATIENCE = 60.0
COUNT = "job_pending_count"  # is in job-stats, which Flux streams
LISTED = "job_eligible_count"  # takes the list of jobs


def number(text):
    """A Quantity of a count: 7, 100k, 100001."""
    return int(text[:-1]) * 1000 if text.endswith("k") else int(text)


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Setup:
    """A simulated instance with `jobs` jobs on `nodes` nodes, and a server that follows it."""

    def __init__(self, program, folder, jobs, nodes):
        self.running = min(nodes, jobs // 10)
        assert jobs == 0 or self.running > 0, "from 10 jobs on"
        self.pending = jobs - self.running
        self.socket = os.path.join(folder, f"{jobs}-{nodes}.sock")
        environment = {"PATH": "/usr/bin:/bin"}
        self.log = open(os.path.join(folder, f"{jobs}-{nodes}.log"), "w+", encoding="utf-8")
        self.programs = [subprocess.Popen(
            [program, "simulate", "--size", str(nodes), "--pending", str(self.pending),
             "--running", str(self.running), "--socket", self.socket],
            stdout=subprocess.DEVNULL, stderr=self.log, env=environment)]
        self.wait(lambda: os.path.exists(self.socket), "the simulated instance")
        self.broker = self.wait(lambda: Broker(self.socket), "the simulated broker")
        if jobs == 0:  # what is submitted must wait: one job holds all ranks
            self.broker.submit(jobspec(nodes=nodes, exclusive=True))
        began = time.monotonic()
        self.programs.append(subprocess.Popen(
            [program, "start", "--host", "127.0.0.1", "--port", "0", "--flux-uri", "local://" + self.socket],
            stdout=subprocess.DEVNULL, stderr=self.log, env=environment))
        self.port = self.wait(self.find_port, "the server")
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.wait(lambda: self.value(LISTED) == self.pending, "the first list of jobs")
        self.first = time.monotonic() - began

    def wait(self, question, what):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = question()
                if answer:
                    return answer
            except (OSError, AssertionError):
                pass
            time.sleep(0.005)
        sys.exit(f"{what} did not come within {PATIENCE:.0f} s; {open(self.log.name, encoding='utf-8').read()}")

    def find_port(self):
        with open(self.log.name, encoding="utf-8") as log:
            found = re.search(r" port (\d+),", log.read())
        return int(found[1]) if found else None

    def get(self, path):
        self.client.request("GET", path)
        answer = self.client.getresponse()
        return answer.status, answer.read()

    def value(self, metric):
        status, body = self.get(PATH + metric)
        return number(json.loads(body)["items"][0]["value"]) if status == 200 else None

    def submit(self):
        self.broker.submit(jobspec(duration=3600))

    def effort(self):
        """The collector's own estimate of the broker's time in percent, and the last full list in ms."""
        _, body = self.get("/readyz/flux?verbose")
        text = body.decode()
        share = float(re.search(r"at most ([\d.]+) %", text)[1])
        listed = re.search(r"listed in ([\d.]+) ms", text)
        return share, float(listed[1]) if listed else None

    def peak_memory(self):
        with open(f"/proc/{self.programs[1].pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) / 1024

    def end(self):
        for program in reversed(self.programs):
            program.terminate()
            program.wait(PATIENCE)
        self.log.close()


def freshness(setup, submits):
    """Seconds from the submission to the changed value, of the count and of the listed metric."""
    counts, lists = [], []
    for i in range(submits):
        count, listed = setup.value(COUNT), setup.value(LISTED)
        began = time.monotonic()
        setup.submit()
        waiting = {COUNT: (count, counts), LISTED: (listed, lists)}
        while waiting and time.monotonic() - began < PATIENCE:
            for metric, (before, times) in list(waiting.items()):
                if setup.value(metric) != before:
                    times.append(time.monotonic() - began)
                    del waiting[metric]
            time.sleep(0.001)
        if waiting:
            sys.exit(f"{', '.join(waiting)} did not change within {PATIENCE:.0f} s of a submission")
        time.sleep(0.05 + 0.02 * (i % 7))  # at no beat of the collector's
    return counts, lists


def requests(setup, seconds, every=None):
    """Seconds that each of many requests took; a job is submitted every `every` seconds."""
    times = []
    end = time.monotonic() + seconds
    submit = time.monotonic() if every else end
    while True:
        began = time.monotonic()
        if began >= end:
            break
        if began >= submit:
            setup.submit()
            submit += every
            continue
        status, _ = setup.get(PATH + "node_up_count")
        times.append(time.monotonic() - began)
        if status != 200:
            sys.exit(f"a request was answered with {status}")
    return times


def measure(program, folder, jobs, nodes, submits):
    setup = Setup(program, folder, jobs, nodes)
    try:
        quiet = requests(setup, 2)
        counts, lists = freshness(setup, submits)
        busy = requests(setup, 3, every=0.1)
        share, listed = setup.effort()
        values = [f"{jobs:,}", f"{nodes:,}", f"{setup.first * 1e3:.0f}",
                  "journal" if listed is None else f"{listed:.0f}"]
        for times in (counts, lists):
            values += [f"{quantile(times, 0.5) * 1e3:.0f}", f"{quantile(times, 0.99) * 1e3:.0f}"]
        values += [f"{quantile(quiet, 0.99) * 1e3:.2f}", f"{quantile(busy, 0.99) * 1e3:.2f}",
                   f"{setup.peak_memory():.0f}", f"{share:.2f}"]
        return values
    finally:
        setup.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--jobs", default="0,1000,10000,100000")
    parser.add_argument("--nodes", default="4,1000,10000")
    parser.add_argument("--submits", type=int, default=20)
    given = parser.parse_args()
    program = os.path.abspath(given.program)
    print("| jobs | nodes | start to all jobs, ms | full list, ms | count p50, ms | p99 | listed p50, ms | p99 "
          "| request p99 quiet, ms | busy | VmHWM, MiB | broker time, % |")
    print("|" + "---:|" * 12, flush=True)
    with tempfile.TemporaryDirectory(prefix="flux-metrics-bench-") as folder:
        for jobs in map(int, given.jobs.split(",")):
            for nodes in map(int, given.nodes.split(",")):
                row = measure(program, folder, jobs, nodes, given.submits)
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
