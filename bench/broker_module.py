#!/usr/bin/env python3
"""What following one real Flux costs its broker, with the broker module and without, for one client and for three.

    FLUX_METRICS_API=... FLUX_METRICS_MODULE=... PYTHONPATH=tests/blackbox:tests/interop bench/broker_module.py [SECONDS]

A job of half a second is submitted twice a second meanwhile. Counted are the requests of all clients and of the module, and the
processor time of the leader's broker, the module in it included.
"""
import contextlib
import json
import os
import pathlib
import sys
import threading

import realflux
from harness import eventually
from test_real_prometheus import Exporter

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60
MODULE = os.environ["FLUX_METRICS_MODULE"]
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def requests(flux, clients, module):
    made = sum(sum(client.samples()["flux_metrics_rpc_duration_seconds_count"].values()) for client in clients)
    return made + (json.loads(flux.flux("module", "stats", "flux-metrics"))["requests"] if module else 0)


def submit(flux, ended):
    while not ended.wait(0.5):
        flux.flux("submit", "-n1", "sleep", "0.5")


def measure(clients, module):
    with contextlib.ExitStack() as stack:
        flux = stack.enter_context(realflux.Instance(size=4))
        if module:
            flux.flux("module", "load", MODULE)
        followers = [stack.enter_context(Exporter(flux.uri)) for _ in range(clients)]
        for follower in followers:
            follower.wait("flux_node_counts", ("up",), 4)
        if module:
            eventually(lambda: json.loads(flux.flux("module", "stats", "flux-metrics"))["streams"] == clients, "all follow")
        ended = threading.Event()
        submitter = threading.Thread(target=submit, args=(flux, ended))
        submitter.start()
        ended.wait(5)  # the first requests are those of making contact
        begin = requests(flux, followers, module), processor_seconds(flux.pids[0])
        ended.wait(SECONDS)
        end = requests(flux, followers, module), processor_seconds(flux.pids[0])
        ended.set()
        submitter.join()
        return [(after - before) / SECONDS for before, after in zip(begin, end)]


def main():
    print("| clients | source | requests a second | broker's processor time |\n|---|---|---|---|")
    for clients in (0, 1, 3):
        for module in (False, True):
            rate, share = measure(clients, module)
            print(f"| {clients} | {'module' if module else 'polls'} | {rate:.1f} | {100 * share:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
