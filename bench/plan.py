#!/usr/bin/env python3
"""What `plan` takes for a day of 100,000 jobs on 1,000 nodes: bench/plan.py PROGRAM [--jobs N] [--nodes N] [--runs N].

Makes the day (the same each time), and plays each strategy alone and all of them in one run; reading the trace is in it.
Prints a table: the median of the runs and their range, processor time, memory.
"""
import argparse
import json
import math
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time

import common

STRATEGIES = ("static", "article", "cpu", "pending", "wanted", "wanted-drain", "clairvoyant")


def make_day(path, jobs, nodes):
    """Few jobs at night and many at noon, half of them slots and half whole nodes, as much work as fills the nodes by half."""
    dice = random.Random(7)
    rows, work = [], 0
    while len(rows) < jobs:
        t = dice.random() * 86400
        if dice.random() > 0.35 + 0.65 * math.sin(math.pi * t / 86400) ** 2:
            continue
        kind, seconds = dice.random(), min(7200.0, max(5.0, dice.lognormvariate(4.2, 1.2)))
        if kind < 0.55:
            shape = {"slots": dice.choice([1, 2, 4, 8]), "cores": dice.choice([1, 2, 4])}
        else:
            shape = {"nodes": dice.choice([1, 1, 1, 2, 2, 4] if kind < 0.9 else [4, 8, 16, 32, 64])}
        work += seconds * shape.get("nodes", shape.get("slots", 0) * shape.get("cores", 0) / 8)
        rows.append((t, shape, seconds))
    scale = 0.55 * nodes * 86400 / work
    with open(path, "w", encoding="utf-8") as out:
        for t, shape, seconds in sorted(rows, key=lambda row: row[0]):
            out.write(json.dumps({"t": round(t, 1), **shape, "duration": round(seconds * scale, 1)}) + "\n")


def play(program, trace, nodes, strategies):
    """Wall and processor seconds of one run."""
    chosen = [word for name in strategies for word in ("--strategy", name)]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([program, "plan", "--trace", trace, "--max", str(nodes), "-o", "csv", *chosen], text=True,
                          capture_output=True, check=False)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        common.fail(f"plan: exit {done.returncode}: {done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fma-bench-") as folder:
        trace = os.path.join(folder, "day.jsonl")
        make_day(trace, options.jobs, options.nodes)
        print(f"{options.jobs:,} jobs on {options.nodes:,} nodes, {options.runs} runs each:\n")
        print("| strategies | wall, s (median) | range | processor, s |\n|---|---:|---|---:|")
        for name, chosen in (*((name, [name]) for name in STRATEGIES), ("all seven in one run", [])):
            runs = [play(options.program, trace, options.nodes, chosen) for _ in range(options.runs)]
            walls = [wall for wall, _ in runs]
            print(f"| {name} | **{statistics.median(walls):.2f}** | {min(walls):.2f} to {max(walls):.2f} | "
                  f"{statistics.median(cpu for _, cpu in runs):.2f} |", flush=True)
    print(f"\nVmHWM of the largest run: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB.")


if __name__ == "__main__":
    main()
