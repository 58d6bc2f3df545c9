#!/usr/bin/env python3
"""What a scrape costs: /metrics of an instance with many queues, about 10,000 series.

bench/scrape.py PROGRAM [--queues N]. It starts a simulated instance with N queues and `exporter` beside it, and asks for
/metrics over one connection. Prints a table.
"""
import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time

import common

KINDS = (("text", {}), ("OpenMetrics", {"Accept": "application/openmetrics-text;version=1.0.0"}),
         ("text, gzip", {"Accept-Encoding": "gzip"}))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scrape(connection, headers, path="/metrics"):
    begin = time.perf_counter()
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        common.fail(f"{path}: status {response.status}")
    return time.perf_counter() - begin, body


def measure(port, pid, headers, seconds):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    times, size = [], 0
    spent, end = cpu_seconds(pid), time.monotonic() + seconds
    while time.monotonic() < end:
        took, body = scrape(connection, headers)
        times.append(took)
        size = len(body)
    spent = cpu_seconds(pid) - spent
    connection.close()
    return sorted(times), size, spent / len(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--queues", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fma-bench-")
    socket = os.path.join(folder, "local")
    queues = [word for number in range(options.queues) for word in ("--queue", f"q{number}")]
    port = common.free_port()
    with common.running(options.program, "simulate", "--socket", socket, "--size", 64, "--max-size", 64, *queues), \
            common.running(options.program, "exporter", "--host", "127.0.0.1", "--port", port, "--flux-uri",
                           f"local://{socket}") as exporter:
        deadline = time.monotonic() + 30
        while True:
            try:
                _, body = scrape(http.client.HTTPConnection("127.0.0.1", port, timeout=20), {})
                if b"\nflux_metrics_up 1\n" in body:
                    break
            except OSError:
                pass
            if time.monotonic() > deadline:
                common.fail("no values within 30 s")
            time.sleep(0.05)
        series = sum(not line.startswith(b"#") for line in body.splitlines())
        print(f"{series:,} series, {options.queues} queues; one client, one request after another for {options.seconds:g} s\n")
        print("| format | size, KB | p50, ms | p99, ms | processor time a scrape, ms |")
        print("|---|---:|---:|---:|---:|")
        for name, headers in KINDS:
            times, size, spent = measure(port, exporter.pid, headers, options.seconds)
            print(f"| {name} | {size / 1000:.0f} | {statistics.median(times) * 1e3:.2f} | "
                  f"{times[int(len(times) * 0.99)] * 1e3:.2f} | {spent * 1e3:.2f} |", flush=True)
        status = open(f"/proc/{exporter.pid}/status", encoding="ascii").read()
        print(f"\nVmHWM of the exporter: {int(status.split('VmHWM:')[1].split()[0]) / 1024:.1f} MiB")
    subprocess.run(["rm", "-rf", folder], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
