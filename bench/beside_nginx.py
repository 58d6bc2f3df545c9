#!/usr/bin/env python3
"""The server beside nginx, in one run: bench/beside_nginx.py [--program P] [--seconds S] [--pairs N] [--quick].

Rules. nginx has one worker, no access log, endless keep-alive, and returns the very bytes of our answer; both use the
same certificate, TLS version and curve (checked). Ours runs with its default flags and sends every header. Servers are
pinned to core 0, the load (wrk, one thread) to core 1. Runs alternate in pairs, ours and nginx's; a row is the median
of the pairs' ratios and their spread. A failed, refused or short answer fails the whole run.
Prints Markdown tables; exit 1 when a run was not clean. Root is not needed. Needs nginx, wrk, openssl.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from common import PATH, ROOT, ask, connect, fail, free_port, memory, row, running, tls_facts, until_answered, \
    write_nginx_config

# What wrk counted, exactly, as its last line.
REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("\\nEXACT %d %d %d %d %d %d %d %d %d\\n", summary.requests, summary.bytes, summary.duration,
    e.connect, e.read, e.write, e.status, e.timeout, latency:percentile(99)))
end
"""


def wrk(url, connections, seconds, script, size, close=False):
    """Requests a second; fails unless every answer was a whole 200."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
               str(script), *(["-H", "Connection: close"] if close else []), url]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    found = re.search(r"^EXACT (.*)$", done.stdout, re.M)
    if done.returncode != 0 or not found:
        fail(f"wrk failed on {url}: {done.stdout}{done.stderr}")
    requests, received, micros, *errors, p99 = (int(word) for word in found[1].split())
    if requests == 0 or any(errors):
        fail(f"{url}: {requests} requests, errors (connect, read, write, status, timeout): {errors}")
    # Answers under way at the end are counted as bytes only.
    if not 0 <= received - requests * size <= connections * size:
        fail(f"{url}: {received} bytes for {requests} answers of {size} bytes: some are short")
    return requests / micros * 1e6, p99


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = pathlib.Path(folder)
        self.script = self.folder / "report.lua"
        self.script.write_text(REPORT)
        self.socket = self.folder / "flux.sock"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.folder / "tls.key", "-out", self.folder / "tls.crt", "-subj", "/CN=localhost",
                        "-days", "2"], check=True, capture_output=True)

    def ours(self, port, log=os.devnull):
        return running(self.options.program, "start", "--host", "127.0.0.1", "--port", port, "--flux-uri",
                       f"local://{self.socket}", "--ssl-certfile", self.folder / "tls.crt", "--ssl-keyfile",
                       self.folder / "tls.key", *self.options.flag, core=0, log=log)

    def start_times(self):
        times = []
        for _ in range(10):
            port = free_port()
            with self.ours(port):
                times.append(until_answered(port)[0] * 1000)
        print(f"\nStart to first metric, ten starts: median {statistics.median(times):.0f} ms, "
              f"{min(times):.0f} to {max(times):.0f} ms.")

    def compare(self):
        port, plain, tls = free_port(), free_port(), free_port()
        with self.ours(port, self.folder / "server.log") as server:
            _, body = until_answered(port)
            write_nginx_config(self.folder, "tls", body, [f"listen 127.0.0.1:{plain}; listen 127.0.0.1:{tls} ssl;"])
            with running("nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", core=0,
                         log=self.folder / "nginx.out") as nginx:
                rival = until_answered(plain)[1]
                if rival != body:
                    fail("nginx does not send the same body")
                worker = subprocess.run(["pgrep", "-P", str(nginx.pid)], capture_output=True, text=True,
                                        check=True).stdout.split()[0]
                if tls_facts(port) != tls_facts(tls):
                    fail(f"TLS differs: {tls_facts(port)} here, {tls_facts(tls)} in nginx")
                print(f"TLS of both: {', '.join(tls_facts(port))}.\n")
                before = memory(server.pid)
                self.tables(port, plain, tls)
                self.memory_over_a_million(server.pid, worker, port, before)

    def pairs(self, ours_url, their_url, connections, sizes, close=False):
        ours, theirs, p99s = [], [], ([], [])
        for number in range(self.options.pairs):
            # Who goes first alternates, too.
            for mine in ((True, False) if number % 2 == 0 else (False, True)):
                rate, p99 = wrk(ours_url if mine else their_url, connections, self.options.seconds, self.script,
                                sizes[0] if mine else sizes[1], close)
                (ours if mine else theirs).append(rate)
                p99s[0 if mine else 1].append(p99)
        return ours, theirs, statistics.median(p99s[0]), statistics.median(p99s[1])

    def tables(self, port, plain, tls):
        print("| load | ours, requests/s | nginx, requests/s | ratio (median) | spread | our p99, us | nginx p99, us |")
        print("|---|---|---|---|---|---|---|")
        for secure in (False, True):
            scheme = "https" if secure else "http"
            their_port = tls if secure else plain
            urls = f"{scheme}://127.0.0.1:{port}{PATH}", f"{scheme}://127.0.0.1:{their_port}{PATH}"
            sizes = [self.keep_alive_size(p, secure) for p in (port, their_port)]
            for connections in self.options.connections:
                row(f"{'TLS' if secure else 'plain'}, {connections} connections",
                    *self.pairs(*urls, connections, sizes))
            closing = [len(b"\r\n\r\n".join(ask(p, secure)[1:])) for p in (port, their_port)]
            row(f"{'TLS' if secure else 'plain'}, a new connection each, 16 at a time",
                *self.pairs(*urls, 16, closing, close=True))

    @staticmethod
    def keep_alive_size(port, secure, path=PATH):
        """Bytes of an answer on a connection that goes on."""
        with connect(port, secure) as raw:
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            text = b""
            while b"\r\n\r\n" not in text:
                text += raw.recv(65536)
            head, _, body = text.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            while len(body) < length:
                body += raw.recv(65536)
        return len(head) + 4 + length

    def memory_over_a_million(self, pid, worker, port, before):
        url, size = f"http://127.0.0.1:{port}{PATH}", self.keep_alive_size(port, False)
        first = memory(pid)[0]
        done = 0
        while done < self.options.million:
            rate, _ = wrk(url, 16, self.options.seconds, self.script, size)
            done += int(rate * self.options.seconds)
        rss, peak = memory(pid)
        theirs = memory(worker)
        print(f"\nMemory: VmRSS {before[0]:.1f} MiB before the load, {first:.1f} MiB after the table, {rss:.1f} MiB "
              f"after {done:,} requests more; VmHWM {peak:.1f} MiB. nginx's worker: VmRSS {theirs[0]:.1f} MiB.")

    def rpcs(self):
        """What the broker is asked in a while without clients, and in one under load."""
        port = free_port()
        with self.ours(port):
            until_answered(port)
            size = self.keep_alive_size(port, False)
            counts = []
            rate = 0.0
            for loaded in (False, True):
                begin = self.requests_received()
                if loaded:
                    rate, _ = wrk(f"http://127.0.0.1:{port}{PATH}", 16, 10, self.script, size)
                else:
                    time.sleep(10)
                counts.append(self.requests_received() - begin)
        print(f"\nRequests to the broker in 10 s: {counts[0]} without clients, {counts[1]} with {rate * 10:,.0f} "
              f"requests answered.")
        if abs(counts[0] - counts[1]) > 10:  # the polls of ten seconds are not always the same few
            fail("requests of clients cause requests to the broker")

    def requests_received(self):
        done = subprocess.run([self.options.program, "simulate-ctl", "--flux-uri", f"local://{self.socket}", "stats"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)["requests"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=ROOT / "build/release/src/flux-metrics-api", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=10, help="length of one run")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 100])
    parser.add_argument("--million", type=int, default=1_000_000, help="requests of the memory run")
    parser.add_argument("--flag", action="append", default=["--insecure-skip-auth"],
                        help="a flag for our server (repeatable)")
    parser.add_argument("--quick", action="store_true", help="two pairs of 2 s: to see that it works")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.pairs, options.million = 2, 2, 50_000
    for tool in ("nginx", "wrk", "openssl", "taskset"):
        if shutil.which(tool) is None:
            fail(f"{tool} is not installed: tools/setup.sh bench")
    with tempfile.TemporaryDirectory(prefix="flux-metrics-bench.") as folder:
        bench = Bench(options, folder)
        with running(options.program, "simulate", "--size", 4, "--cores", 4, "--socket", bench.socket):
            while not bench.socket.exists():
                time.sleep(0.01)
            print(f"{options.pairs} pairs of {options.seconds} s. Load of the machine at the start: "
                  f"{os.getloadavg()[0]:.1f}.", flush=True)
            bench.compare()
            bench.start_times()
            bench.rpcs()


if __name__ == "__main__":
    main()
