"""Requests that wait for the cluster: how many may, how long, and that they do not keep the program from ending."""
import concurrent.futures
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import harness
from test_auth import METRIC, V2, Case

TOKEN = {"Authorization": "Bearer good"}


class Limits(Case):
    def slow_cluster(self, delay):
        cluster = self.cluster()
        cluster.tokens = {"good": {"username": "alice"}}
        cluster.delay = delay
        return cluster

    def ask_all(self, server, count, path=METRIC, query=lambda number: ""):
        """[(status, headers, body, seconds)] of so many requests at once, each with a connection of its own."""
        def one(number):
            begin = time.monotonic()
            connection = self.connect(server, None)
            try:
                connection.request("GET", path + query(number), headers=TOKEN)
                response = connection.getresponse()
                return response.status, response.headers, response.read().decode(), time.monotonic() - begin
            except (http.client.HTTPException, OSError) as problem:
                return 0, {}, str(problem), time.monotonic() - begin
            finally:
                connection.close()
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))

    def test_a_request_that_waits_too_long_is_504(self):
        cluster = self.slow_cluster(6)
        server = self.server(cluster)
        (status, _, body, took), = self.ask_all(server, 1, query=lambda _: "?timeout=300ms")
        self.assertEqual(status, 504, body)
        self.assertIn('"reason":"Timeout"', body)
        self.assertIn("Timeout: request did not complete within the allotted timeout", body)
        self.assertLess(took, 5)
        # The review went on, and its answer is remembered: the next one need not wait for all of it.
        cluster.delay = 0
        harness.eventually(lambda: self.ask(server, METRIC, headers=TOKEN)[0] == 200, "200")

    def test_the_server_has_a_limit_of_its_own(self):
        server = self.server(self.slow_cluster(6), "--request-timeout", "300ms")
        self.assertEqual(self.ask_all(server, 1)[0][0], 504)
        self.assertEqual(self.ask_all(server, 1, query=lambda _: "?timeout=1h")[0][0], 504)

    def test_more_requests_than_may_wait_are_429(self):
        cluster = self.slow_cluster(3)
        server = self.server(cluster, "--max-requests-inflight", "2")
        answers = self.ask_all(server, 8, query=lambda number: f"?x={number}")
        statuses = sorted(status for status, *_ in answers)
        self.assertEqual(statuses, [200, 200] + [429] * 6)
        for status, headers, body, _ in answers:
            if status == 429:
                self.assertEqual(body, "Too many requests, please try again later.\n")
                self.assertEqual(headers["Retry-After"], "1")
                self.assertTrue(headers["Content-Type"].startswith("text/plain"))

    def test_health_and_discovery_are_not_counted_out(self):
        cluster = self.slow_cluster(3)
        server = self.server(cluster, "--max-requests-inflight", "1")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.ask_all, server, 1)
            harness.eventually(lambda: cluster.reviews, "a request that waits")
            self.assertEqual(self.ask(server, METRIC + "?y=1", headers=TOKEN)[0], 429)
            self.assertEqual(self.ask(server, "/readyz")[0], 200)
            self.assertEqual(self.ask(server, V2, headers=TOKEN)[0], 200)
            self.assertEqual(server.get(METRIC).status, 200, "what takes no waiting is answered")
            self.assertEqual(waiting.result()[0][0], 200)

    def test_waiting_requests_do_not_keep_the_program_from_ending(self):
        cluster = self.slow_cluster(60)
        server = self.server(cluster)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.ask_all, server, 1)
            harness.eventually(lambda: cluster.reviews, "a request that waits")
            begin = time.monotonic()
            server.signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(harness.DEADLINE), 0)
            self.assertLess(time.monotonic() - begin, 8)
            (status, _, body, _), = waiting.result()
            self.assertEqual(status, 503, body)
            self.assertIn("shutting down", body)

    def test_a_name_server_that_is_silent_does_not_either(self):
        """In a mount namespace whose resolv.conf names nobody."""
        if os.geteuid() != 0 or not shutil.which("unshare"):
            self.skipTest("another resolv.conf needs root and unshare")
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "resolv.conf").write_text("nameserver 192.0.2.53\noptions timeout:20\n", encoding="ascii")
        (folder / "kubeconfig").write_text(
            "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
            "clusters: [{name: c, cluster: {server: 'https://kube.example.org:6443'}}]\n", encoding="ascii")
        script = 'mount --bind "$1" /etc/resolv.conf || exit 77; shift; exec "$@"'
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", script, "sh", folder / "resolv.conf", harness.BINARY, "start", "--host",
                 "127.0.0.1", "--port", str(harness.free_port()), "--kubeconfig", folder / "kubeconfig"],
                stdout=output, stderr=output, env=harness.clean_environment())
            self.addCleanup(process.kill)
            log = lambda: os.pread(output.fileno(), 1 << 20, 0).decode()
            harness.eventually(lambda: process.poll() is not None or "serving https" in log(), "a server")
            if process.poll() == 77:
                self.skipTest("no mount namespace here")
            begin = time.monotonic()
            process.terminate()
            self.assertEqual(process.wait(harness.DEADLINE), 0, log())
            self.assertLess(time.monotonic() - begin, 8, log())
            self.assertIn("stopped", log())


if __name__ == "__main__":
    harness.main()
