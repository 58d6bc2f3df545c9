#!/usr/bin/env python3
"""The table of strategies of docs/plan.md: bench/strategies.py PROGRAM [--seeds N] [--pod-grace TIME] [WORKLOAD ...].

Plays `plan --workload` for the seeds 1 to N and prints, for each strategy, the means over the seeds; ratios and added waits
are against the clairvoyant of the same seed.
"""
import argparse
import csv
import statistics
import subprocess

import common

WORKLOADS = ("daily", "burst")


def rows_of(program, workload, seed, pod_grace):
    """{strategy: {column: number}}"""
    done = subprocess.run([program, "plan", "--workload", workload, "--seed", str(seed), "--pod-grace", pod_grace, "-o", "csv"],
                          text=True, capture_output=True, check=False)
    if done.returncode != 0:
        common.fail(f"plan --workload {workload}: exit {done.returncode}: {done.stderr}")
    return {row["strategy"]: {key: float(value) for key, value in row.items() if key != "strategy"}
            for row in csv.DictReader(done.stdout.splitlines())}


def compare(program, workload, seeds, pod_grace="30s"):
    """{strategy: figures}: means over the seeds, kills as (mean, least, most)."""
    runs = [rows_of(program, workload, seed, pod_grace) for seed in seeds]
    table = {}
    for name in runs[0]:
        def mean(figure, name=name):
            return statistics.fmean(figure(run[name], run["clairvoyant"]) for run in runs)
        kills = [run[name]["killed"] for run in runs]
        table[name] = {
            "finished": mean(lambda own, _: own["finished"] / own["jobs"]),
            "least_finished": min(run[name]["finished"] / run[name]["jobs"] for run in runs),
            "cost": mean(lambda own, bound: own["node_hours"] / bound["node_hours"]),
            "mean_added": mean(lambda own, bound: own["mean_wait_seconds"] - bound["mean_wait_seconds"]),
            "p95_added": mean(lambda own, bound: own["p95_wait_seconds"] - bound["p95_wait_seconds"]),
            "makespan": mean(lambda own, bound: own["makespan_seconds"] / bound["makespan_seconds"]),
            "resizes_an_hour": mean(lambda own, bound: own["resizes"] / (bound["makespan_seconds"] / 3600)),
            "killed": (statistics.fmean(kills), min(kills), max(kills))}
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--pod-grace", default="30s")
    options = parser.parse_args()
    for workload in options.workloads:
        print(f"\n### {workload}, {options.seeds} seeds, pods that die in {options.pod_grace}\n")
        print("| strategy | finished | node-hours / bound | mean wait added, s | p95 added, s | makespan / bound | resizes an hour "
              "| killed (range) |\n|---|---:|---:|---:|---:|---:|---:|---|")
        for name, row in compare(options.program, workload, range(1, options.seeds + 1),
                                 options.pod_grace).items():
            mean, least, most = row["killed"]
            kills = f"{mean:.1f} ({least:.0f} to {most:.0f})"
            if row["finished"] < 0.99:  # costs and waits of what did not get done mean nothing
                print(f"| {name} | {100 * row['finished']:.1f} % | | | | | {row['resizes_an_hour']:.1f} | {kills} |")
                continue
            print(f"| {name} | {100 * row['finished']:.1f} % | {row['cost']:.2f} | {row['mean_added']:+.1f} | "
                  f"{row['p95_added']:+.1f} | {row['makespan']:.4f} | {row['resizes_an_hour']:.1f} | {kills} |")


if __name__ == "__main__":
    main()
