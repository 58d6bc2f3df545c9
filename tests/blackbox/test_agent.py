"""The agent's API: the state once and as a stream, commands, who may, and its limits; against the simulated instance
and a stand-in for kube-apiserver."""
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import harness
import kubeapi
from test_auth import config_of, make_pki

STATE = "/flux-metrics/v1/state"
DRAIN = "/flux-metrics/v1/drain"
UNDRAIN = "/flux-metrics/v1/undrain"
CONTROLLER = "system:serviceaccount:flux-operator:flux-metrics-controller"
AGENT = "system:serviceaccount:flux-operator:flux-metrics-api"
RIGHTS = {("get", "state"), ("update", "drain")}


def as_deployed(spec):
    """What RBAC says with deploy/rbac.yaml and deploy/controller-rbac.yaml."""
    wanted = spec.get("resourceAttributes", {})
    right = (wanted.get("verb"), wanted.get("subresource"))
    return (spec["user"] == CONTROLLER and wanted.get("group") == "flux-framework.org" and right in RIGHTS
            and wanted.get("resource") == "miniclusters" and wanted.get("namespace") == "flux-operator"), ""


def soon(seconds=3600):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def command(ranks, transitions=1, holder="scaler-0_a", **more):
    return {"ranks": ranks, "requester": "scaler-0", "lease": {"holder": holder, "transitions": transitions},
            "deadline": soon(), **more}


class Case(unittest.TestCase):
    """Certificates for all; each test has a cluster, an instance and a server of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fma-agent-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.pki = make_pki(cls.folder)

    def start(self, *arguments, simulator=(), **size):
        self.cluster = self.enterContext(kubeapi.KubeApi(self.pki, config_of(self.pki)))
        self.cluster.tokens = {"controller": {"username": CONTROLLER}, "agent": {"username": AGENT},
                               "someone": {"username": "someone"}}
        self.cluster.may = as_deployed
        self.simulator = self.enterContext(harness.Simulator(*simulator, **{"size": 4, "max_size": 6, **size}))
        self.serve(*arguments)

    def serve(self, *arguments):
        config = self.cluster.kubeconfig(tempfile.mkdtemp(dir=self.folder))
        self.server = self.enterContext(harness.Server("--kubeconfig", config, "--minicluster", "flux-sample",
                                                       *arguments, uri=self.simulator.uri))
        harness.eventually(lambda: self.server.number("node_up_count") is not None, "a number")
        harness.eventually(lambda: self.server.get("/readyz").status == 200, "ready")

    def ask(self, path, body=None, token="controller", headers=None, method=None):
        with contextlib.closing(self.connect()) as connection:
            return self.on(connection, path, body, token, headers, method)

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=harness.DEADLINE,
                                           context=self.pki.context())

    @staticmethod
    def on(connection, path, body=None, token="controller", headers=None, method=None):
        content = json.dumps(body) if isinstance(body, dict) else body
        head = {"Authorization": f"Bearer {token}"}
        if content is not None:
            head["Content-Type"] = "application/json"
        connection.request(method or ("GET" if content is None else "POST"), path, content, {**head, **(headers or {})})
        response = connection.getresponse()
        return harness.Answer(response.status, response.headers, response.read())

    def refused(self, code, words, *arguments, **options):
        answer = self.ask(*arguments, **options)
        self.assertEqual(answer.status, code, answer)
        status = answer.json()
        self.assertEqual((status["kind"], status["status"], status["code"]), ("Status", "Failure", code))
        self.assertIn(words, status["message"])
        return answer

    def obeyed(self, path, body, **options):
        answer = self.ask(path, body, **options)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def job_states(self):
        return [job["state"] for job in self.ask(STATE).json()["jobs"]]

    @contextlib.contextmanager
    def follow(self, requester="", token="controller"):
        connection = self.connect()
        connection.request("GET", f"{STATE}?watch=true&requester={requester}",
                           headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        try:
            yield response
        finally:
            response.close()
            connection.close()


class State(Case):
    def test_a_stream_is_all_then_changes_then_that_it_holds(self):
        self.start()
        with self.follow() as stream:
            whole = json.loads(stream.readline())
            self.assertEqual(len(whole["nodes"]), 6)
            self.assertEqual(whole["jobs"], [])
            job = self.simulator.ctl("submit", "-N2")
            seen = {}
            while not any(found.get("state") == "run" for found in seen.values()):
                line = json.loads(stream.readline())
                self.assertNotIn("format", line, "only the first line is the whole state")
                seen.update({found["id"]: found for found in line.get("jobs", [])})
            self.assertEqual(len(seen), 1, (job, seen))
            while True:
                line = json.loads(stream.readline())
                if set(line) == {"generation", "timestamp", "time"}:
                    break  # it holds

    def test_the_broker_falls_silent_and_comes_back(self):
        self.start()
        with self.follow() as stream:
            whole = json.loads(stream.readline())
            self.simulator.signal(signal.SIGSTOP)
            self.addCleanup(self.simulator.signal, signal.SIGCONT)
            line = whole
            while "trouble" not in line:
                line = json.loads(stream.readline())
            self.simulator.signal(signal.SIGCONT)
            while "trouble" in line or line["time"] <= whole["time"]:
                line = json.loads(stream.readline())

    def test_an_etag_stands_for_the_state(self):
        self.start()
        answer = self.ask(STATE)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(len(answer.json()["nodes"]), 6)
        etag = answer.headers["ETag"]
        same = self.ask(STATE, headers={"If-None-Match": f'"other", {etag}'})
        self.assertEqual((same.status, same.body, same.headers["ETag"]), (304, b"", etag))
        self.assertGreaterEqual(same.headers["Flux-Confirmed"], answer.headers["Flux-Confirmed"])
        self.assertEqual(self.ask(STATE, headers={"If-None-Match": '"other"'}).status, 200)
        self.simulator.ctl("submit", "-N2")
        harness.eventually(lambda: self.ask(STATE, headers={"If-None-Match": etag}).status == 200, "another state")

    def test_a_stream_ends_when_the_server_does(self):
        self.start()
        with self.follow() as stream:
            stream.readline()
            self.server.signal(signal.SIGTERM)
            stream.read()  # raises when the body does not end as HTTP ends it
        harness.eventually(lambda: not self.server.running(), "the end")

    def test_a_second_stream_of_a_replica_ends_the_first(self):
        self.start()
        with self.follow("a") as first, self.follow("b") as other:
            first.readline()
            other.readline()
            with self.follow("a") as second:
                first.read()
                second.readline()
                other.readline()  # still told that the state holds

    def test_there_are_no_more_streams_than_may_be(self):
        self.start()
        self.cluster.may = lambda spec: (True, "")
        users = [f"user{number}" for number in range(4)]
        self.cluster.tokens.update({user: {"username": user} for user in users})
        with contextlib.ExitStack() as stack:
            for user in users:
                for replica in "abcd":
                    stack.enter_context(self.follow(replica, user)).readline()
            answer = self.refused(429, "16 streams of the state are open", f"{STATE}?watch=true")
            self.assertIn("Retry-After", answer.headers)
        harness.eventually(lambda: self.opens("a"), "places of clients that have left")

    def test_a_user_has_four_streams_and_a_fifth_ends_the_oldest(self):
        self.start()
        with contextlib.ExitStack() as stack:
            oldest, *others = [stack.enter_context(self.follow(replica)) for replica in "zabcd"]
            oldest.read()
            for stream in others:
                stream.readline()

    def opens(self, requester):
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request("GET", f"{STATE}?watch=true&requester={requester}",
                               headers={"Authorization": "Bearer controller"})
            return connection.getresponse().status == 200

    def test_a_slow_reader_is_dropped_and_nobody_waits_for_it(self):
        self.start(simulator=("--pending", "40000"))
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", self.server.port))
        with contextlib.closing(self.pki.context().wrap_socket(raw)) as slow:
            slow.settimeout(harness.DEADLINE)
            slow.sendall(f"GET {STATE}?watch=true&requester=slow HTTP/1.1\r\nHost: h\r\n"
                         "Authorization: Bearer controller\r\n\r\n".encode())
            slow.recv(1)
            with self.follow("quick") as stream:
                while json.loads(stream.readline()).get("more"):
                    pass
            self.assertEqual(self.ask(STATE).status, 200)
            self.server.wait_log("127.0.0.1: took no more of its answer for 10 s: dropped")
            received = b""
            with contextlib.suppress(OSError):  # a reset, perhaps
                while chunk := slow.recv(1 << 16):
                    received = received[-16:] + chunk
            self.assertFalse(received.endswith(b"0\r\n\r\n"), "the body must not look whole")

    def test_bad_queries_and_methods(self):
        self.start()
        self.refused(400, "watch: give true or false", f"{STATE}?watch=perhaps")
        self.refused(400, "requester: give at most", f"{STATE}?watch=true&requester=a%20b")
        answer = self.refused(405, "takes GET only", STATE, method="PUT")
        self.assertEqual(answer.headers["Allow"], "GET")
        self.refused(403, 'cannot get path "/flux-metrics/v1/else"', "/flux-metrics/v1/else")
        self.cluster.may = lambda spec: (True, "")
        self.refused(404, "/flux-metrics/v1/undrain", "/flux-metrics/v1/other")


class Commands(Case):
    def test_a_drain_tells_what_runs_there(self):
        self.start()
        job = self.simulator.ctl("submit", "-N4", "--exclusive")
        harness.eventually(lambda: self.job_states() == ["run"], "it runs")
        answer = self.obeyed(DRAIN, command("3,5", reason="less to do"))
        self.assertEqual(answer["drained"], "3,5")
        running = [found["id"] for found in self.ask(STATE).json()["jobs"]]
        self.assertEqual(answer["busy"], [{"rank": 3, "jobs": running}], job)
        self.server.wait_log(r"drain 3,5 for system:serviceaccount:flux-operator:flux-metrics-controller \(scaler-0, "
                             r"lease 1 of scaler-0_a\): drained are 3,5, of these are busy 3")
        self.assertEqual(self.obeyed(DRAIN, command("3,5"))["drained"], "3,5", "a command may be repeated")
        answer = self.obeyed(UNDRAIN, command("3-5"))
        self.assertEqual(answer, {"drained": "", "busy": []})

    def test_an_older_lease_is_refused_also_by_a_server_that_starts_anew(self):
        self.start()
        self.obeyed(DRAIN, command("3", transitions=7, holder="new"))
        for _ in range(2):
            self.refused(409, "transitions 6 of old are older than the 7 of new", UNDRAIN,
                         command("3", transitions=6, holder="old"))
            self.refused(409, "obeyed with the same transitions 7", UNDRAIN, command("3", transitions=7, holder="old"))
            self.server.kill()
            self.serve()
        self.assertEqual(self.obeyed(UNDRAIN, command("3", transitions=7, holder="new"))["drained"], "")

    def test_what_is_refused_is_refused_by_name(self):
        self.start()
        self.simulator.ctl("drain", "2", "bad memory")
        self.refused(422, "rank 0 leads the instance", DRAIN, command("0-1"))
        self.refused(422, "rank 6 does not exist, the last one is 5", DRAIN, command("5-6"))
        self.refused(409, "ranks 2 are drained by somebody else ('bad memory')", DRAIN, command("1-3"))
        self.refused(409, "ranks 2 are drained by somebody else ('bad memory')", UNDRAIN, command("2"))
        self.refused(409, "has passed", DRAIN, command("3", deadline=soon(-5)))
        self.refused(400, 'unknown field "force"', DRAIN, command("3", force=True))
        self.refused(400, "the body is no JSON object", DRAIN, "[]")
        self.refused(415, "Content-Type: application/json", DRAIN, command("3"),
                     headers={"Content-Type": "text/plain"})
        answer = self.refused(405, "takes POST only", DRAIN)
        self.assertEqual(answer.headers["Allow"], "POST")
        self.assertEqual(self.obeyed(UNDRAIN, command("3"))["drained"], "", "none of these was obeyed")

    def test_bodies_are_limited(self):
        self.start()
        self.refused(413, "larger than 65536 bytes", DRAIN, command("3", reason="x" * 70_000))
        self.refused(413, "larger than 65536 bytes", DRAIN, command("3", reason="x" * 1_000_000))
        self.refused(400, "reason: ", DRAIN, command("3", reason="x" * 60_000))

    def test_a_drain_of_a_thousand_ranks_costs_as_much_as_one(self):
        self.start(size=1001, max_size=1001, cores=1)

        def drains():
            return json.loads(self.simulator.ctl("stats"))["topics"].get("resource.drain", 0)

        self.assertEqual(self.obeyed(DRAIN, command("1"))["drained"], "1")
        self.assertEqual(drains(), 1)
        self.assertEqual(self.obeyed(DRAIN, command("2-1000"))["drained"], "1-1000")
        self.assertEqual(drains(), 2)

    def test_under_fcfs_a_drain_would_kill_waiting_jobs(self):
        self.start(simulator=("--scheduler", "fluxion"))
        self.refused(409, "nothing is drained", DRAIN, command("3"))
        self.assertEqual(self.obeyed(UNDRAIN, command("3")), {"drained": "", "busy": []})

    def test_a_server_that_decides_itself_obeys_nobody(self):
        self.start("--drain", "--hold", "0s")
        for path in (DRAIN, UNDRAIN):
            self.refused(409, "started with --drain and decides itself", path, command("3"))
        self.assertEqual(self.ask(STATE).status, 200, "its state is told all the same")

    def test_a_guest_cannot_drain(self):
        self.start(simulator=("--as-guest",))
        self.refused(403, "needs the owner of the Flux instance", DRAIN, command("3"))
        self.assertEqual(self.ask(STATE).status, 200)


class Rights(Case):
    def test_the_cluster_decides_by_the_minicluster(self):
        self.start()
        self.assertEqual(self.ask(STATE).status, 200)
        self.obeyed(DRAIN, command("3"))
        asked = [spec["resourceAttributes"] for kind, spec in self.cluster.reviews if kind == "SubjectAccessReview"]
        for verb, subresource in RIGHTS:
            self.assertIn({"verb": verb, "group": "flux-framework.org", "version": "v1alpha2",
                           "resource": "miniclusters", "subresource": subresource, "namespace": "flux-operator",
                           "name": "flux-sample"}, asked)

    def test_the_agents_own_account_gains_nothing(self):
        self.start()
        for token in ("agent", "someone"):
            for path, body in ((STATE, None), (f"{STATE}?watch=true", None), (DRAIN, command("3")),
                               (UNDRAIN, command("3"))):
                self.refused(403, 'in API group "flux-framework.org" in the namespace "flux-operator"', path, body,
                             token=token)
        self.assertEqual(self.ask(DRAIN, command("3"), token="stolen-from-elsewhere").status, 401)
        self.assertEqual(self.obeyed(UNDRAIN, command("3"))["drained"], "", "nobody has drained it")

    def test_plain_http_is_refused_also_from_this_host(self):
        self.start("--insecure-http")
        for path in (STATE, DRAIN):
            answer = self.server.get(path)
            self.assertEqual(answer.status, 403)
            self.assertIn("over TLS only", answer.json()["message"])

    def test_where_nobody_is_asked_nobody_may_drain(self):
        self.start()
        self.server.end()
        self.server = self.enterContext(harness.Server("--insecure-skip-auth", "--minicluster", "flux-sample",
                                                       uri=self.simulator.uri))
        harness.eventually(lambda: self.ask(STATE).status == 200, "the state, to everyone")
        self.refused(403, "--insecure-skip-auth", DRAIN, command("3"))


class Documentation(Case):
    """The examples of docs/agent-api.md do what the page says."""

    def matches(self, wanted, found):
        if wanted == "...":
            return True
        if isinstance(wanted, dict):
            return isinstance(found, dict) and all(
                key in found and self.matches(value, found[key]) for key, value in wanted.items())
        if isinstance(wanted, list):
            return (isinstance(found, list) and len(found) == len(wanted)
                    and all(map(self.matches, wanted, found)))
        return wanted == found

    @unittest.skipUnless(shutil.which("curl"), "no curl here")
    def test_examples(self):
        page = (pathlib.Path(__file__).parents[2] / "docs" / "agent-api.md").read_text(encoding="utf-8")
        examples = re.findall(r"```sh\n(.*?)```\n\n```json\n(.*?)```", page, re.S)
        self.assertEqual(len(examples), 4)
        certificate, key = harness.make_certificate(self.folder, "127.0.0.1")
        self.start("--ssl-certfile", certificate, "--ssl-keyfile", key, size=4)
        self.simulator.ctl("submit", "-N3", "--exclusive")
        harness.eventually(lambda: self.job_states() == ["run"], "a job runs on ranks 0-2")
        environment = {**os.environ, "CA": certificate, "TOKEN": "controller",
                       "AGENT": f"https://127.0.0.1:{self.server.port}"}
        for shell, output in examples:
            with self.subTest(shell):
                done = subprocess.run(["bash", "-ec", shell], env=environment, capture_output=True, text=True,
                                      check=True, timeout=harness.DEADLINE)
                found = json.loads(done.stdout.splitlines()[0])
                self.assertTrue(self.matches(json.loads(output), found), found)


if __name__ == "__main__":
    harness.main()
