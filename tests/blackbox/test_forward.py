"""--forward-cluster-apis: clients on this host get the cluster's own /apis and /openapi, everybody else this server's."""
import harness
from test_auth import FRONT_PROXY, METRIC, Case

APIS = {"kind": "APIGroupList", "groups": [{"name": "apps"}]}
SWAGGER = {"swagger": "2.0", "info": {"title": "the cluster"}}
DOCUMENTS = {"/apis": ('"e1"', APIS), "/openapi/v2": ('"e2"', SWAGGER), "/openapi/v3": ("", {"paths": {}}),
             "/openapi/v3/apis/apps/v1?hash=AB": ('"e3"', {"openapi": "3.0.0"})}


class Forward(Case):
    def forwarding(self, *arguments):
        cluster = self.cluster()
        cluster.documents = dict(DOCUMENTS)
        cluster.may = lambda spec: (True, "")
        return cluster, self.server(cluster, "--forward-cluster-apis", *arguments)

    def test_this_host_gets_the_clusters_documents(self):
        cluster, server = self.forwarding()
        for path, (_, body) in DOCUMENTS.items():
            answer = server.get(path)
            self.assertEqual((answer.status, answer.json()), (200, body), path)
            self.assertEqual(answer.headers["Content-Type"], "application/json")
            self.assertTrue(answer.headers["Audit-Id"])
        # What is this server's stays so.
        self.assertEqual(server.get("/apis/custom.metrics.k8s.io").json()["name"], "custom.metrics.k8s.io")
        self.assertEqual(server.get(METRIC).status, 200)

    def test_the_aggregator_gets_this_servers_own(self):
        cluster, server = self.forwarding()
        status, body = self.ask(server, "/apis", "aggregator", FRONT_PROXY)
        self.assertEqual(status, 200)
        self.assertIn("custom.metrics.k8s.io", body)
        self.assertNotIn('"apps"', body)
        self.ask(server, "/openapi/v2", "aggregator", FRONT_PROXY)
        self.ask(server, "/openapi/v3", "aggregator", FRONT_PROXY)
        self.assertEqual(cluster.document_requests, [])

    def test_nothing_is_forwarded_without_the_flag(self):
        cluster = self.cluster()
        cluster.documents = dict(DOCUMENTS)
        server = self.server(cluster)
        self.assertNotIn(b'"apps"', server.get("/apis").body)
        self.assertEqual(cluster.document_requests, [])

    def test_documents_are_kept_and_their_etags_passed_on(self):
        cluster, server = self.forwarding()
        first = server.get("/openapi/v2")
        self.assertEqual(first.headers["ETag"], '"e2"')
        for _ in range(5):
            self.assertEqual(server.get("/openapi/v2").json(), SWAGGER)
        self.assertEqual(cluster.document_requests, [("/openapi/v2", None)])
        unchanged = server.get("/openapi/v2", headers={"If-None-Match": '"e2"'})
        self.assertEqual((unchanged.status, unchanged.body), (304, b""))

    def test_no_cache_asks_each_time(self):
        cluster, server = self.forwarding("--no-cache")
        server.get("/apis")
        cluster.documents["/apis"] = ('"e9"', {"kind": "APIGroupList", "groups": []})
        self.assertEqual(server.get("/apis").json()["groups"], [])
        self.assertEqual([known for _, known in cluster.document_requests], [None, None])

    def test_only_documents_are_forwarded(self):
        cluster, server = self.forwarding()
        for path in ("/api", "/api/v1/secrets", "/openapi/v3/../../api/v1/secrets", "/openapi/v3/%2e%2e/x", "/openapi/v1",
                     "/openapi/v2/x", "/openapi", "/apis/apps", "//apis", "/openapi//v2", "/apisx"):
            server.get(path)
        server.get("/apis", method="POST")
        self.assertEqual(cluster.document_requests, [])

    def test_what_the_cluster_refuses_is_told(self):
        cluster, server = self.forwarding()
        missing = server.get("/openapi/v3/nope")
        self.assertEqual(missing.status, 404)
        self.assertIn("there is no such document", missing.json()["message"])
        cluster.down = True
        refused = server.get("/apis")
        self.assertEqual(refused.status, 403)
        self.assertIn("the cluster does not return /apis: nobody may", refused.json()["message"])

    def test_redirects_lead_to_other_documents_only(self):
        cluster, server = self.forwarding()
        cluster.redirects = {"/openapi/v3/a?hash=old": "/openapi/v3/a?hash=new", "/openapi/v3/b": "https://elsewhere.example/"}
        moved = server.get("/openapi/v3/a?hash=old")
        self.assertEqual((moved.status, moved.headers["Location"]), (301, "/openapi/v3/a?hash=new"))
        elsewhere = server.get("/openapi/v3/b")
        self.assertEqual((elsewhere.status, elsewhere.headers["Location"]), (503, None))

    def test_without_a_cluster_the_flag_is_misused(self):
        done = harness.run("start", "--forward-cluster-apis", "--port", "0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--kubeconfig", done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
