#!/usr/bin/env python3
"""The server as a cluster uses it, beside nginx, in one run: bench/secured.py [--program P] [--seconds S] [--pairs N].

HTTP/2 over TLS with a bearer token (h2load), and the aggregator's way: one HTTP/2 connection with a front-proxy client
certificate and X-Remote-User (a small Go client). Our server asks a stand-in for kube-apiserver who may read, and
remembers it as in production; nginx returns the same bytes, and checks the client certificate where one is shown, but
neither token nor user. Otherwise the rules of beside_nginx.py. Needs nginx, h2load, openssl, go.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from common import PATH, ROOT, fail, free_port, memory, row, running, until_answered, write_nginx_config

sys.path.insert(0, str(ROOT / "tests" / "blackbox"))
import kubeapi  # noqa: E402

TOKEN = "bench-token"


def certificates(folder):
    pki = kubeapi.Pki(folder)
    for ca in ("cluster", "clients", "proxies"):
        pki.ca(ca)
    for name in ("apiserver", "serving"):
        pki.leaf(name, "cluster", f"/CN={name}", "serverAuth", ["IP:127.0.0.1"])
    pki.leaf("aggregator", "proxies", "/CN=front-proxy-client")
    return pki


def authentication(pki):
    return {"client-ca-file": pki.read("clients.crt"), "requestheader-client-ca-file": pki.read("proxies.crt"),
            "requestheader-allowed-names": '["front-proxy-client"]',
            "requestheader-username-headers": '["X-Remote-User"]', "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]'}


def h2load(port, clients, streams, seconds, size):
    """Requests a second; fails unless every answer was a whole 200."""
    command = ["taskset", "-c", "1", "h2load", "-t1", f"-c{clients}", f"-m{streams}", f"-D{seconds}", "-H",
               f"Authorization: Bearer {TOKEN}", f"https://127.0.0.1:{port}{PATH}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)
    totals = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                       r"(\d+) timeout", done.stdout)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
    data = re.search(r"\((\d+)\) data", done.stdout)
    if done.returncode != 0 or not (rate and totals and codes and data):
        fail(f"h2load failed on port {port}: {done.stdout}{done.stderr}")
    answered, good, *bad = (int(word) for word in totals.groups())
    if "Application protocol: h2" not in done.stdout:
        fail(f"port {port} does not speak HTTP/2")
    if answered == 0 or good != answered or any(bad) or any(int(word) for word in codes.groups()[1:]):
        fail(f"port {port}: not every answer was a 200: {totals[0]}; {codes[0]}")
    if not 0 <= int(data[1]) - answered * size <= clients * streams * size:
        fail(f"port {port}: {data[1]} bytes for {answered} bodies of {size} bytes: some are short")
    return float(rate[1])


def front_proxy(client, folder, port, seconds, size):
    command = ["taskset", "-c", "1", client, "-url", f"https://127.0.0.1:{port}{PATH}", "-seconds", str(seconds), "-size",
               str(size), "-ca", folder / "cluster.crt", "-cert", folder / "aggregator.crt", "-key",
               folder / "aggregator.key"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          env={**os.environ, "GOMAXPROCS": "1"})
    if done.returncode != 0:
        fail(f"the Go client failed on port {port}: {done.stdout}{done.stderr}")
    return float(done.stdout)


def alternate(pairs, measure, ours_port, their_port):
    ours, theirs = [], []
    for number in range(pairs):
        for mine in ((True, False) if number % 2 == 0 else (False, True)):
            (ours if mine else theirs).append(measure(ours_port if mine else their_port))
    return ours, theirs


def reviews(cluster):
    return f"{cluster.count('TokenReview')} TokenReviews, {cluster.count('SubjectAccessReview')} SubjectAccessReviews"


def compare(options, folder, cluster, client):
    port, free, checked = free_port(), free_port(), free_port()
    with running(options.program, "start", "--host", "127.0.0.1", "--port", port, "--flux-uri",
                 f"local://{folder}/flux.sock", "--ssl-certfile", folder / "serving.crt", "--ssl-keyfile",
                 folder / "serving.key", "--kubeconfig", cluster.kubeconfig(folder), core=0,
                 log=folder / "server.log") as server:
        _, body = until_answered(port)
        write_nginx_config(folder, "serving", body, [
            f"listen 127.0.0.1:{free} ssl http2;",
            f"listen 127.0.0.1:{checked} ssl http2; ssl_client_certificate {folder}/proxies.crt; ssl_verify_client on;"])
        with running("nginx", "-p", folder, "-c", folder / "nginx.conf", core=0, log=folder / "nginx.out"):
            time.sleep(1)  # for nginx, and for the ConfigMap
            print("| load | ours, requests/s | nginx, requests/s | ratio (median) | spread | | |")
            print("|---|---|---|---|---|---|---|")
            for clients, streams in ((1, 1), (1, 100), (16, 10)):
                row(f"HTTP/2, TLS, bearer token, {clients} connections of {streams} streams",
                    *alternate(options.pairs, lambda at, c=clients, s=streams: h2load(at, c, s, options.seconds, len(body)),
                               port, free))
            row("HTTP/2, front-proxy certificate and user, Go client, 1 connection of 16 requests",
                *alternate(options.pairs, lambda at: front_proxy(client, folder, at, options.seconds, len(body)), port,
                           checked))
            first = memory(server.pid)[0]
            done = 0
            while done < options.million:
                done += int(h2load(port, 1, 100, options.seconds, len(body)) * options.seconds)
            rss, peak = memory(server.pid)
            print(f"\nMemory: VmRSS {first:.1f} MiB after the table, {rss:.1f} MiB after {done:,} requests more; VmHWM "
                  f"{peak:.1f} MiB. Asked of the cluster for all of this: {reviews(cluster)}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=ROOT / "build/release/src/flux-metrics-api", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=10, help="length of one run")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--million", type=int, default=1_000_000, help="requests of the memory run")
    options = parser.parse_args()
    for tool in ("nginx", "h2load", "openssl", "taskset", "go"):
        if shutil.which(tool) is None:
            fail(f"{tool} is not installed: tools/setup.sh bench")
    with tempfile.TemporaryDirectory(prefix="flux-metrics-bench.") as name:
        folder = pathlib.Path(name)
        client = folder / "frontproxy"
        subprocess.run(["go", "build", "-buildvcs=false", "-o", client, "."], cwd=ROOT / "bench/frontproxy", check=True)
        pki = certificates(folder)
        with running(options.program, "simulate", "--size", 4, "--cores", 4, "--socket", folder / "flux.sock"), \
                kubeapi.KubeApi(pki, authentication(pki)) as cluster:
            cluster.tokens[TOKEN] = {"username": "bench", "groups": ["system:authenticated"]}
            while not (folder / "flux.sock").exists():
                time.sleep(0.01)
            print(f"{options.pairs} pairs of {options.seconds} s. Load of the machine at the start: "
                  f"{os.getloadavg()[0]:.1f}.\n", flush=True)
            compare(options, folder, cluster, client)


if __name__ == "__main__":
    main()
