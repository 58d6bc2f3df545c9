#!/usr/bin/env python3
"""Beside the two Python servers that this program replaces, on one real Flux instance, in one run.

bench/prototype.py PROGRAM [--jobs N ...]. It needs `flux` on PATH, and pip to get flux-metrics-api 0.0.11 and prometheus-flux
into a folder of build/. Prints tables, and draws the memory of the servers over the requests.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import common

sys.path[:0] = [str(common.ROOT / "tests" / "interop"), str(common.ROOT / "tests" / "blackbox")]
OLD = ("flux-metrics-api==0.0.11", "prometheus-flux==0.0.0")
METRICS = ("node_up_count", "job_queue_state_sched_count")
CUSTOM = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/metrics/{}"
WRK = """
done = function(summary, latency, requests)
  io.write(string.format("FOUND %d %d %d %d\\n", summary.requests, summary.errors.status, summary.duration,
                         latency:percentile(99)))
end
"""


def old_servers():
    """The folder that holds the Python servers and what they need."""
    folder = common.ROOT / "build" / "bench" / "python"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, *OLD], text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            common.fail(f"pip cannot install {', '.join(OLD)}: {done.stderr}")
        (folder / "done").touch()
    return folder


class Server:
    """One of the four, on a port of its own."""

    def __init__(self, name, command, flux, log, python=None):
        self.name, self.command, self.flux, self.log = name, command, flux, log
        self.python = python
        self.port = common.free_port()

    def __enter__(self):
        environment = {**self.flux.environment, "FLUX_URI": self.flux.uri}
        words = [str(word).format(port=self.port) for word in self.command]
        if self.python is not None:
            words = ["flux", "python", *words]  # the Python that Flux's bindings were built for
            environment["PYTHONPATH"] = str(self.python)
        self.output = open(self.log, "ab")
        self.process = subprocess.Popen(["taskset", "-c", "0", *words], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.output)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()

    def ask(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait(self, path):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                common.fail(f"{self.name} ended at once: {pathlib.Path(self.log).read_text()[-800:]}")
            try:
                if self.ask(path)[0] in (200, 500):  # without a job, prometheus-flux answers 500
                    return
            except OSError:
                pass
            time.sleep(0.05)
        common.fail(f"{self.name} answers no {path} within 60 s: {pathlib.Path(self.log).read_text()[-800:]}")

    def value(self, metric):
        return json.loads(self.ask(CUSTOM.format(metric))[1])["items"][0]["value"]

    def memory(self):
        return common.memory(self.process.pid)[0]


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(server, path, connections, seconds, script):
    """(requests a second, those with another status than 200 as a part, p99 in ms)"""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", script,
               f"http://127.0.0.1:{server.port}{path}"]
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    found = re.search(r"^FOUND (.*)$", done.stdout, re.M)
    if not found:
        common.fail(f"wrk failed on {server.name}: {done.stdout}{done.stderr}")
    requests, refused, micros, p99 = (int(word) for word in found[1].split())
    return requests / micros * 1e6, refused / max(requests, 1), p99 / 1000


class Bench:
    def __init__(self, options, flux, folder):
        self.options, self.flux, self.folder = options, flux, folder
        self.script = folder / "report.lua"
        self.script.write_text(WRK)
        self.requests = collections.Counter()

    def servers(self):
        python = old_servers()
        program = self.options.program
        start = ("start", "--host", "127.0.0.1", "--port", "{port}")
        ours = (program, *start, "--insecure-http", "--insecure-skip-auth", "--flux-uri", self.flux.uri)
        exporter = (program, "exporter", "--host", "127.0.0.1", "--port", "{port}", "--flux-uri", self.flux.uri)
        log = self.folder / "{}.log"
        main = "import sys, runpy; sys.argv[0] = 'old'; from {} import main; main()"
        return [Server("ours", ours, self.flux, str(log).format("ours")),
                Server("flux-metrics-api 0.0.11", ("-c", main.format("flux_metrics_api.server"), *start), self.flux,
                       str(log).format("old"), python),
                Server("our exporter", exporter, self.flux, str(log).format("exporter")),
                Server("prometheus-flux", ("-c", main.format("promflux.server"), *start), self.flux,
                       str(log).format("old-exporter"), python)]

    def pair(self, name, ours, theirs, path, connections):
        """A row: both asked in turn, `pairs` times."""
        rates, parts, slowest, broker = ([], []), ([], []), ([], []), ([], [])
        for _ in range(self.options.pairs):
            for at, server in enumerate((ours, theirs)):
                before, begin = processor_seconds(self.flux.pids[0]), time.monotonic()
                rate, refused, p99 = wrk(server, path, connections, self.options.seconds, self.script)
                took = time.monotonic() - begin
                broker[at].append((processor_seconds(self.flux.pids[0]) - before) / took * 100)
                rates[at].append(rate)
                parts[at].append(refused)
                slowest[at].append(p99)
                self.requests[server.name] += int(rate * self.options.seconds)
        ratios = [a / b for a, b in zip(*rates) if b]  # who answers nothing has no ratio
        unanswered = f"; {len(rates[1]) - len(ratios)} pairs without any answer" if len(ratios) < len(rates[1]) else ""
        spread = (f"**{statistics.median(ratios):,.0f}** | {min(ratios):,.0f} to {max(ratios):,.0f}" if ratios
                  else "none | ")
        wrong = statistics.median(parts[1])
        note = f", {wrong:.0%} of them errors" if wrong else ""
        if any(parts[0]):
            common.fail(f"{ours.name} refused {max(parts[0]):.1%} of the requests of {name}")
        print(f"| {name}, {connections} connections | {statistics.median(rates[0]):,.0f} | "
              f"{statistics.median(rates[1]):,.0f}{note} | {spread}{unanswered} | {statistics.median(slowest[0]):.2f} | "
              f"{statistics.median(slowest[1]):.1f} | {statistics.median(broker[0]):.1f} | "
              f"{statistics.median(broker[1]):.1f} |", flush=True)

    def table(self, jobs, servers):
        ours, old, exporter, old_exporter = servers
        print(f"\n{jobs:,} jobs wait\n")
        print("| requested | ours, requests/s | theirs | ratio | spread | our p99, ms | theirs | broker while ours is queried, % of a core "
              "| theirs |\n|---|---:|---:|---:|---|---:|---:|---:|---:|", flush=True)
        for metric in METRICS:
            for connections in (1, 16):
                self.pair(metric, ours, old, CUSTOM.format(metric), connections)
        self.pair("/metrics/", exporter, old_exporter, "/metrics/", 1)

    def answers(self, jobs, servers):
        """What they say of the same queue."""
        for metric in METRICS:
            words = []
            for server in servers[:2]:
                status, body = server.ask(CUSTOM.format(metric))
                value = json.loads(body)["items"][0]["value"] if status == 200 else f"status {status}"
                words.append(f"{server.name} {json.dumps(value) if status == 200 else value}")
            print(f"- {metric} with {jobs:,} waiting jobs: {', '.join(words)}")


class Growth:
    """Samples the servers' memory in the background, into a recording as `get --record` makes them."""

    def __init__(self, servers, path):
        self.servers, self.path = servers, path
        self.first, self.last = {}, {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def sample(self):
        with open(self.path, "w", encoding="utf-8") as file:
            while not self.over.wait(0.5):
                self.last = {server.name: round(server.memory(), 2) for server in self.servers}
                self.first = self.first or self.last
                items = [{"labels": {"server": name}, "value": mib} for name, mib in self.last.items()]
                file.write(json.dumps({"format": "flux-metrics-api.record/1", "time": time.time(),
                                       "metrics": {"resident memory (MiB)": items}}) + "\n")

    def table(self, requests):
        print("\n| server | VmRSS before, MiB | after | requests in total |\n|---|---:|---:|---:|")
        for name, before in self.first.items():
            print(f"| {name} | {before:.1f} | {self.last[name]:.1f} | {requests[name]:,} |")


def submit(flux, ours, jobs, waiting):
    """Until `jobs` wait, of which `waiting` do already."""
    more = jobs - waiting + (flux.size if waiting == 0 else 0)
    flux.flux("submit", f"--cc=1-{more}", "--quiet", "-N1", "--exclusive", "sleep", "inf")
    deadline = time.monotonic() + 120
    while ours.value(METRICS[1]) not in (str(jobs), f"{jobs // 1000}k"):
        if time.monotonic() > deadline:
            common.fail(f"{jobs} jobs do not wait within 120 s")
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, nargs="*", default=[0, 200, 2000])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, help="a folder for the table of the growth")
    options = parser.parse_args()
    options.program = options.program.resolve()
    for tool in ("flux", "wrk", "taskset"):
        if shutil.which(tool) is None:
            print(f"SKIPPED: prototype: no {tool} on PATH")
            return 0
    import realflux  # of tests/interop; it needs the path above
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fma-bench-"))
    with realflux.Instance(size=4) as flux:
        bench = Bench(options, flux, folder)
        servers = bench.servers()
        waiting = 0
        with servers[0], servers[1], servers[2], servers[3]:
            for server in servers[:2]:
                server.wait(CUSTOM.format("node_up_count"))
            for server in servers[2:]:
                server.wait("/metrics/")
            with Growth(servers, folder / "growth.jsonl") as growth:
                for jobs in options.jobs:
                    if jobs > waiting:
                        submit(flux, servers[0], jobs, waiting)
                        waiting = jobs
                    bench.table(jobs, servers)
                    bench.answers(jobs, servers)
            growth.table(bench.requests)
    if options.out:
        subprocess.run([options.program, "plot", folder / "growth.jsonl", "--out", options.out], check=True)
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
