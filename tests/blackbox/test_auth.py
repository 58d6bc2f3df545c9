"""Who may read, as the cluster decides it: certificates, tokens, reviews, caches and rotation, against a stand-in for
kube-apiserver."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import tempfile
import time
import unittest

import harness
import kubeapi
from harness import CUSTOM

V2 = f"{CUSTOM}/v1beta2"
METRIC = f"{V2}/namespaces/flux-operator/services/custom-metrics-apiserver/node_up_count"
FRONT_PROXY = {"X-Remote-User": "bob", "X-Remote-Group": "g1"}
UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
                "reason": "Unauthorized", "code": 401}
SHORT = ("--authentication-token-webhook-cache-ttl", "300ms", "--authorization-webhook-cache-authorized-ttl", "300ms",
         "--authorization-webhook-cache-unauthorized-ttl", "300ms")


def make_pki(folder):
    pki = kubeapi.Pki(folder)
    for ca in ("cluster", "clients", "proxies", "rogue", "next", "cluster2"):
        pki.ca(ca)
    address = ["IP:127.0.0.1"]
    pki.leaf("apiserver", "cluster", "/CN=kube-apiserver", "serverAuth", address)
    pki.leaf("apiserver2", "cluster2", "/CN=kube-apiserver", "serverAuth", address)
    pki.leaf("aggregator", "proxies", "/CN=front-proxy-client")
    pki.leaf("aggregator-next", "next", "/CN=front-proxy-client")
    pki.leaf("aggregator-rogue", "rogue", "/CN=front-proxy-client")
    pki.leaf("aggregator-named-else", "proxies", "/CN=somebody")
    pki.leaf("aggregator-expired", "proxies", "/CN=front-proxy-client", days=-1)
    pki.leaf("aggregator-server-only", "proxies", "/CN=front-proxy-client", "serverAuth")
    pki.leaf("alice", "clients", "/O=devs/O=ops/CN=alice")
    pki.leaf("admin", "clients", "/O=system:masters/CN=admin")
    return pki


def config_of(pki, proxies="proxies"):
    return {"client-ca-file": pki.read("clients.crt"), "requestheader-client-ca-file": pki.read(proxies + ".crt"),
            "requestheader-allowed-names": '["front-proxy-client"]', "requestheader-username-headers": '["X-Remote-User"]',
            "requestheader-uid-headers": '["X-Remote-Uid"]', "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]'}


class Case(unittest.TestCase):
    """A simulated Flux instance for all, and certificates; each test has a cluster and a server of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fma-auth-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.pki = make_pki(cls.folder)
        cls.simulator = cls.enterClassContext(harness.Simulator(size=2, max_size=4))

    def cluster(self):
        return self.enterContext(kubeapi.KubeApi(self.pki, config_of(self.pki)))

    def server(self, cluster, *arguments, wait=True, kubeconfig=None):
        folder = tempfile.mkdtemp(dir=self.folder)
        path = kubeconfig or cluster.kubeconfig(folder)
        server = self.enterContext(harness.Server("--kubeconfig", path, *arguments, uri=self.simulator.uri))
        server.kubeconfig_folder = pathlib.Path(path).parent
        if wait:
            server.wait_number("node_up_count", 2)  # plain HTTP on this host needs nobody's leave
            harness.eventually(lambda: server.get("/readyz").status == 200, "ready")
        return server

    def ask(self, server, path=METRIC, certificate=None, headers=None, method="GET"):
        """(status, body) over TLS; headers: a dictionary or a list of pairs."""
        with contextlib.closing(self.connect(server, certificate)) as connection:
            return self.on(connection, path, headers, method)

    def connect(self, server, certificate=None):
        return http.client.HTTPSConnection("127.0.0.1", server.port, timeout=harness.DEADLINE,
                                           context=self.pki.context(certificate))

    @staticmethod
    def on(connection, path=METRIC, headers=None, method="GET"):
        connection.putrequest(method, path)
        for name, value in (headers.items() if isinstance(headers, dict) else headers or ()):
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read().decode()


class Table(Case):
    """Who gets 200, 401 and 403 when alice, bob and the holder of a good token may read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.enterClassContext(kubeapi.KubeApi(cls.pki, config_of(cls.pki)))
        cls.api.tokens = {"good": {"username": "system:serviceaccount:ns:sa", "uid": "u-9", "groups": ["sas"],
                                   "extra": {"pod": ["p"]}}, "odd": "the webhook is confused"}
        readers = {"alice", "bob", "system:serviceaccount:ns:sa"}
        cls.api.may = lambda spec: (spec["user"] in readers, "" if spec["user"] != "reasoned" else "RBAC: because")
        path = cls.api.kubeconfig(cls.folder)
        cls.daemon = cls.enterClassContext(harness.Server("--kubeconfig", path, "--api-path", "/mine/v1",
                                                          uri=cls.simulator.uri))
        cls.daemon.wait_number("node_up_count", 2)
        harness.eventually(lambda: cls.daemon.get("/readyz").status == 200, "ready")

    def check(self, wanted, certificate=None, headers=None, path=METRIC, log=None):
        status, body = self.ask(self.daemon, path, certificate, headers)
        self.assertEqual(status, wanted, body)
        if wanted == 401:
            self.assertEqual(json.loads(body), UNAUTHORIZED)
        if log:
            self.daemon.wait_log(log)
        return body

    def spec(self):
        return [spec for kind, spec in self.api.reviews if kind == "SubjectAccessReview"][-1]

    def test_nobody(self):
        body = self.check(403)
        self.assertEqual(json.loads(body), {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": 'services.custom.metrics.k8s.io "custom-metrics-apiserver" is forbidden: User "system:anonymous" '
                       'cannot get resource "services/node_up_count" in API group "custom.metrics.k8s.io" in the '
                       'namespace "flux-operator"',
            "reason": "Forbidden", "details": {"name": "custom-metrics-apiserver", "group": "custom.metrics.k8s.io",
                                               "kind": "services"}, "code": 403})
        body = self.check(403, path="/apis")
        self.assertEqual(json.loads(body)["message"], 'forbidden: User "system:anonymous" cannot get path "/apis"')
        self.assertEqual(json.loads(body)["details"], {})

    def test_basic_authentication_is_nobody(self):
        self.check(403, headers={"Authorization": "Basic YTpi"})

    def test_forged_headers_are_not_read(self):
        forged = {**FRONT_PROXY, "X-Remote-Group": "system:masters"}
        self.assertIn("system:anonymous", self.check(403, headers=forged))
        self.check(200, "alice", forged, METRIC.replace("node_up", "node_down"))
        self.assertEqual((self.spec()["user"], self.spec()["groups"]), ("alice", ["devs", "ops", "system:authenticated"]))
        self.assertEqual(self.spec()["resourceAttributes"]["subresource"], "node_down_count")

    def test_front_proxy(self):
        headers = [("X-Remote-User", "bob"), ("X-Remote-Uid", "u-1"), ("X-Remote-Group", "g1"), ("x-remote-group", "g2"),
                   ("X-Remote-Extra-Scopes", "a"), ("X-Remote-Extra-Scopes", "b"),
                   ("X-Remote-Extra-Example.com%2fProject", "p")]
        self.check(200, "aggregator", headers)
        self.assertEqual(self.spec(), {
            "resourceAttributes": {"namespace": "flux-operator", "verb": "get", "group": "custom.metrics.k8s.io",
                                   "version": "v1beta2", "resource": "services", "subresource": "node_up_count",
                                   "name": "custom-metrics-apiserver"},
            "user": "bob", "groups": ["g1", "g2", "system:authenticated"], "uid": "u-1",
            "extra": {"scopes": ["a", "b"], "example.com/project": ["p"]}})
        self.assertIn('User \\"eve\\"', self.check(403, "aggregator", {"X-Remote-User": "eve"}))

    def test_the_reason_of_the_authorizer_is_told(self):
        body = self.check(403, "aggregator", {"X-Remote-User": "reasoned"})
        self.assertTrue(json.loads(body)["message"].endswith('in the namespace "flux-operator": RBAC: because'), body)
        body = self.check(403, "aggregator", {"X-Remote-User": "<b>&"})
        self.assertIn('\\"\\u0026lt;b\\u0026gt;\\u0026amp;\\"', body)

    def test_front_proxy_without_a_user(self):
        for headers in ({}, {"X-Remote-User": ""}):
            self.check(401, "aggregator", headers, log="came without a user's name")

    def test_front_proxy_of_a_wrong_ca(self):
        self.check(401, "aggregator-rogue", FRONT_PROXY,
                   log="subject 'CN=front-proxy-client', issuer 'CN=rogue'.*requestheader-client-ca-file.*unknown authority")
        self.check(401, "aggregator-rogue", FRONT_PROXY, "/livez")

    def test_front_proxy_of_a_wrong_name(self):
        self.check(401, "aggregator-named-else", FRONT_PROXY,
                   log='requestheader-allowed-names.*"somebody" is not among front-proxy-client')

    def test_front_proxy_that_has_expired(self):
        self.check(401, "aggregator-expired", FRONT_PROXY, log="requestheader-client-ca-file.*has expired")

    def test_front_proxy_for_servers_only(self):
        self.check(401, "aggregator-server-only", FRONT_PROXY, log="extended key usage serverAuth.*must hold clientAuth")

    def test_client_certificate(self):
        self.check(200, "alice")
        spec = self.spec()
        self.assertEqual((spec["user"], spec["groups"]), ("alice", ["devs", "ops", "system:authenticated"]))
        self.assertRegex(spec["extra"]["authentication.kubernetes.io/credential-id"][0], "^X509SHA256=[0-9a-f]{64}$")

    def test_masters_need_no_review(self):
        before = len(self.api.reviews)
        self.check(200, "admin")
        self.check(200, "admin", path="/apis")
        self.check(200, "aggregator", {"X-Remote-User": "system:kube-aggregator", "X-Remote-Group": "system:masters"})
        self.assertEqual(len(self.api.reviews), before)

    def test_bearer_tokens(self):
        self.check(200, headers={"Authorization": "Bearer good"})
        self.assertEqual(self.spec()["user"], "system:serviceaccount:ns:sa")
        self.assertEqual(self.spec()["groups"], ["sas", "system:authenticated"])
        self.assertEqual((self.spec()["uid"], self.spec()["extra"]), ("u-9", {"pod": ["p"]}))
        self.check(401, headers={"Authorization": "Bearer bad"}, log="bearer token is not valid")
        self.check(401, headers={"Authorization": "Bearer bad"}, path="/livez")
        self.check(401, headers={"Authorization": "Bearer odd"}, log="TokenReview ended with the error: the webhook is confused")
        # A certificate is enough, whatever the token.
        self.check(200, "alice", {"Authorization": "Bearer bad"})

    def test_health_needs_no_review(self):
        before = len(self.api.reviews)
        for path in ("/healthz", "/livez", "/readyz", "/readyz?verbose"):
            self.check(200, path=path)
        self.assertEqual(len(self.api.reviews), before)
        self.check(403, path="/readyz/ping")

    def test_attributes(self):
        """What a path and a method ask for, in the words of an authorizer."""
        def asked(path, method="GET"):
            self.ask(self.daemon, path, "aggregator", {"X-Remote-User": "eve"}, method)
            spec = self.spec()
            return spec.get("resourceAttributes") or spec["nonResourceAttributes"]
        group = {"group": "custom.metrics.k8s.io", "version": "v1beta2"}
        self.assertEqual(asked(V2), {"path": V2, "verb": "get"})
        self.assertEqual(asked("/metrics"), {"path": "/metrics", "verb": "get"})
        self.assertEqual(asked("/openapi/v2", "POST"), {"path": "/openapi/v2", "verb": "post"})
        self.assertEqual(asked(f"{V2}/namespaces/ns/pods/%2A/qps", "POST"),
                         {**group, "namespace": "ns", "verb": "create", "resource": "pods", "name": "*", "subresource": "qps"})
        self.assertEqual(asked(f"{V2}/namespaces/ns/metrics/load"),
                         {**group, "namespace": "ns", "verb": "get", "resource": "metrics", "name": "load"})
        self.assertEqual(asked(f"{V2}/nodes/n1/load"),
                         {**group, "verb": "get", "resource": "nodes", "name": "n1", "subresource": "load"})
        self.assertEqual(asked("/mine/v1/namespaces/ns/services/a/load"),
                         {**group, "namespace": "ns", "verb": "get", "resource": "services", "name": "a", "subresource": "load"})
        external = "/apis/external.metrics.k8s.io/v1beta1/namespaces/ns/jobs"
        wanted = {"group": "external.metrics.k8s.io", "version": "v1beta1", "namespace": "ns", "resource": "jobs"}
        self.assertEqual(asked(external + "?labelSelector=foo%3Dbar,a%20notin%20(x,y)"),
                         {**wanted, "verb": "list", "labelSelector": {"requirements": [
                             {"key": "a", "operator": "NotIn", "values": ["x", "y"]},
                             {"key": "foo", "operator": "In", "values": ["bar"]}]}})
        self.assertEqual(asked(external, "DELETE"), {**wanted, "verb": "deletecollection"})

    def test_impersonation_is_refused(self):
        body = self.check(403, "admin", {"Impersonate-User": "bob"})
        self.assertIn('users \\"bob\\" is forbidden: User \\"admin\\" cannot impersonate resource \\"users\\"', body)

    def test_the_log_names_the_user(self):
        self.check(200, "alice", path=METRIC + "?seen=alice")
        self.daemon.wait_log(r"127\.0\.0\.1 alice GET \S+seen=alice 200 2 ")


class Caches(Case):
    def test_one_review_for_equal_requests(self):
        cluster = self.cluster()
        cluster.tokens = {"good": {"username": "sa"}}
        cluster.delay = 1.0
        server = self.server(cluster)
        bearer = {"Authorization": "Bearer good"}
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.ask(server, headers=bearer)[0], range(12)))
        self.assertEqual(answers, [200] * 12)
        self.assertEqual((cluster.count("TokenReview"), cluster.count("SubjectAccessReview")), (1, 1))
        cluster.delay = 0
        with contextlib.closing(self.connect(server)) as connection:
            for _ in range(50):
                self.assertEqual(self.on(connection, headers=bearer)[0], 200)
        self.assertEqual((cluster.count("TokenReview"), cluster.count("SubjectAccessReview")), (1, 1))

    def test_closed_when_reviews_fail_but_decisions_live_until_they_expire(self):
        cluster = self.cluster()
        server = self.server(cluster, "--authorization-webhook-cache-authorized-ttl", "4s")
        with contextlib.closing(self.connect(server, "alice")) as connection:
            began = time.monotonic()
            self.assertEqual(self.on(connection)[0], 200)
            cluster.down = True
            status = self.on(connection)[0]
            if time.monotonic() - began < 3.5:
                self.assertEqual(status, 200)
            harness.eventually(lambda: self.on(connection)[0] == 500, "closed", pause=0.3)
            # Somebody of whom nothing is known.
            status, body = self.ask(server, METRIC + "?a=<b>", "aggregator", FRONT_PROXY)
            self.assertEqual(status, 500)
            self.assertTrue(body.startswith(f'Internal Server Error: "{METRIC}?a=&lt;b&gt;": '), body)
            self.assertEqual(self.ask(server, headers={"Authorization": "Bearer good"})[0], 401)
            self.assertEqual(self.ask(server, "/livez")[0], 200)
            self.assertEqual(self.ask(server, certificate="admin")[0], 200)
            server.wait_log("the SubjectAccessReview was not answered: boom")
            cluster.down = False
            harness.eventually(lambda: self.on(connection)[0] == 200, "open again")

    def test_a_right_that_is_taken_away_ends(self):
        cluster = self.cluster()
        server = self.server(cluster, *SHORT)
        with contextlib.closing(self.connect(server, "alice")) as connection:
            self.assertEqual(self.on(connection)[0], 200)
            cluster.may = lambda spec: (False, "")
            harness.eventually(lambda: self.on(connection)[0] == 403, "refused")
            cluster.may = lambda spec: (True, "")
            harness.eventually(lambda: self.on(connection)[0] == 200, "allowed again")


class Rotation(Case):
    def test_new_front_proxy_ca(self):
        """First both CAs, then the new one alone, as clusters rotate: no request fails on the way."""
        cluster = self.cluster()
        server = self.server(cluster)
        harness.eventually(lambda: cluster.watches, "a watch")
        self.assertEqual(self.ask(server, certificate="aggregator-next", headers=FRONT_PROXY)[0], 401)
        with contextlib.closing(self.connect(server, "aggregator")) as old:
            self.assertEqual(self.on(old, headers=FRONT_PROXY)[0], 200)
            both = self.pki.read("proxies.crt") + self.pki.read("next.crt")
            cluster.change(requestheader_client_ca_file=both)
            server.wait_log("read the changed ConfigMap .*: client certificates accepted, aggregator recognised")
            for certificate in ("aggregator", "aggregator-next"):
                self.assertEqual(self.ask(server, certificate=certificate, headers=FRONT_PROXY)[0], 200, certificate)
            self.assertEqual(self.on(old, headers=FRONT_PROXY)[0], 200)
            cluster.change(requestheader_client_ca_file=self.pki.read("next.crt"))
            # The connection that was opened under the old CA loses its rights too.
            harness.eventually(lambda: self.on_again(server, "aggregator") == 401, "the old CA refused")
            status, _ = self.on(old, headers=FRONT_PROXY)
            self.assertEqual(status, 401)
            self.assertEqual(self.ask(server, certificate="aggregator-next", headers=FRONT_PROXY)[0], 200)

    def on_again(self, server, certificate):
        return self.ask(server, certificate=certificate, headers=FRONT_PROXY)[0]

    def test_a_ca_that_came_this_moment_is_looked_up(self):
        """Without a watch and between polls, an unknown certificate makes the server look at the ConfigMap."""
        cluster = self.cluster()
        cluster.watch_status = 403
        server = self.server(cluster)
        cluster.change(requestheader_client_ca_file=self.pki.read("next.crt"))
        self.assertEqual(self.ask(server, certificate="aggregator-next", headers=FRONT_PROXY)[0], 200)

    def test_a_broken_config_map_changes_nothing(self):
        cluster = self.cluster()
        server = self.server(cluster)
        harness.eventually(lambda: cluster.watches, "a watch")
        cluster.change(requestheader_client_ca_file="junk")
        server.wait_log("the key requestheader-client-ca-file of the ConfigMap .* cannot be used")
        self.assertEqual(self.ask(server, certificate="aggregator", headers=FRONT_PROXY)[0], 200)

    def test_the_servers_own_token_and_the_clusters_ca(self):
        cluster = self.cluster()
        server = self.server(cluster, *SHORT)
        with contextlib.closing(self.connect(server, "alice")) as connection:
            self.assertEqual(self.on(connection)[0], 200)
            # The token first: the file is new before the old token ends.
            token = server.kubeconfig_folder / "token"
            token.write_text("second-token", encoding="ascii")
            cluster.credential = "second-token"
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                self.assertEqual(self.on(connection)[0], 200)
            # Then the API server's certificate, of a CA that the kubeconfig trusts from now on.
            cluster.kubeconfig(server.kubeconfig_folder, ca="cluster2")
            cluster.use_certificate("apiserver2")
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                self.assertEqual(self.on(connection)[0], 200)
        server.wait_log("read the changed credentials")


class Start(Case):
    def test_unready_until_the_config_map_can_be_read(self):
        cluster = self.cluster()
        cluster.config_status = 403
        server = self.server(cluster, wait=False)
        server.wait_log("the ConfigMap kube-system/extension-apiserver-authentication cannot be read: .*is forbidden"
                        ".*extension-apiserver-authentication-reader")
        status, body = self.ask(server, "/readyz")
        self.assertEqual(status, 500)
        self.assertIn("[-]authentication failed: reason withheld\n", body)
        self.assertEqual(self.ask(server, "/livez"), (200, "ok"))
        self.assertIn("extension-apiserver-authentication-reader", server.get("/readyz/authentication").body.decode())
        self.assertEqual(self.ask(server, certificate="aggregator", headers=FRONT_PROXY)[0], 401)
        cluster.config_status = 200
        harness.eventually(lambda: self.ask(server, "/readyz")[0] == 200, "ready")
        self.assertEqual(self.ask(server, certificate="aggregator", headers=FRONT_PROXY)[0], 200)

    def test_without_a_cluster_only_this_host_reads(self):
        with harness.Server(uri=self.simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            self.assertEqual(self.ask(server)[0], 401)
            self.assertEqual(self.ask(server, certificate="admin")[0], 401)
            self.assertEqual(self.ask(server, "/livez"), (200, "ok"))
            server.wait_log("no cluster to authorize clients.*--insecure-skip-auth")

    def test_without_authentication(self):
        with harness.Server("--insecure-skip-auth", uri=self.simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            self.assertEqual(self.ask(server)[0], 200)
            server.wait_log("anyone who can reach the port can read everything")

    def test_client_certificate_towards_the_cluster(self):
        """One kubeconfig for each question; the one with a client certificate and data in base64."""
        cluster = self.cluster()
        folder = tempfile.mkdtemp(dir=self.folder)
        user = {"token": cluster.credential, "client-certificate": self.pki.path("alice.crt"),
                "client-key": self.pki.path("alice.key")}
        authentication = cluster.kubeconfig(folder, "authentication", user=user)
        authorization = cluster.kubeconfig(folder, "authorization")
        with harness.Server("--authentication-kubeconfig", authentication, "--authorization-kubeconfig", authorization,
                            uri=self.simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            harness.eventually(lambda: self.ask(server, certificate="alice")[0] == 200, "alice may")

    def test_kubeconfigs_that_cannot_be_used(self):
        cluster = self.cluster()
        folder = tempfile.mkdtemp(dir=self.folder)
        def start(*arguments):
            done = harness.run("start", "--port", "0", "--host", "127.0.0.1", *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            return done.stderr
        self.assertIn("does not exist", start("--kubeconfig", os.path.join(folder, "none")))
        with_exec = cluster.kubeconfig(folder, "exec", user={"exec": {"command": "aws"}})
        self.assertIn("starts another program for its credentials (exec), which this program does not support",
                      start("--kubeconfig", with_exec))
        good = cluster.kubeconfig(folder)
        self.assertIn("outside a cluster, give both", start("--authentication-kubeconfig", good))


if __name__ == "__main__":
    harness.main()
