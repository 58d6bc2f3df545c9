#!/usr/bin/env python3
"""The road of node_wanted_count beside an earlier build, in one run: bench/builds.py EARLIER [--program P] [--pairs N].

Both serve the same simulated instance; one more of ours runs with --drain, where the instance lets it. Servers are
pinned to core 0, the load (wrk, one thread) to core 1. Runs alternate; a row is the median of the pairs' ratios and
their spread. A failed, refused or short answer fails the whole run. Needs wrk and openssl, and a machine that does
nothing else.
"""
import argparse
import contextlib
import pathlib
import tempfile
import time

import common
from beside_nginx import Bench, wrk
from common import ROOT, ask, fail, free_port, row, running

PATH = common.PATH.rsplit("/", 1)[0] + "/node_wanted_count"


def until_wanted(port, deadline=30.0):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if " 200 " in ask(port, path=PATH)[0]:
                return
        time.sleep(0.01)
    fail(f"port {port}: no node_wanted_count within {deadline:g} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("earlier", help="the program to compare with")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "src" / "flux-metrics-api")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        options.flag = []
        bench = Bench(options, folder)
        stack.enter_context(running(options.program, "simulate", "--size", "2", "--max-size", "4", "--socket", bench.socket))
        servers = {}
        for name, program, flags in (("earlier", pathlib.Path(options.earlier), []), ("now", options.program, []),
                                     ("now, --drain", options.program, ["--drain"])):
            bench.options.program, bench.options.flag = program, flags
            port = free_port()
            stack.enter_context(bench.ours(port))
            until_wanted(port)
            servers[name] = port
        size = {port: len(b"\r\n\r\n".join(ask(port, path=PATH)[1:])) for port in servers.values()}
        if len(set(size.values())) != 1:
            fail(f"the answers differ: {size}")
        print("| load | now, requests/s | earlier, requests/s | ratio (median) | spread | p99, us | |")
        print("|---|---|---|---|---|---|---|")
        for name in ("now", "now, --drain"):
            rates = {name: [], "earlier": []}
            for number in range(options.pairs):
                for who in ((name, "earlier") if number % 2 == 0 else ("earlier", name)):
                    port = servers[who]
                    answer = bench.keep_alive_size(port, False, PATH)
                    rates[who].append(wrk(f"http://127.0.0.1:{port}{PATH}", 16, options.seconds, bench.script, answer)[0])
            row(f"{name}, 16 connections", rates[name], rates["earlier"])


if __name__ == "__main__":
    main()
