"""Which objects have metrics: the Service, the MiniCluster, the namespace, the pods; and external metrics."""
import shutil
import tempfile
import unittest

import harness
import kubeapi
from harness import CUSTOM
from test_auth import config_of

V2 = f"{CUSTOM}/v1beta2/namespaces/flux-operator"
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1/namespaces/flux-operator"
CORES = "node_cores_allocated_count"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fma-objects-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.pki = kubeapi.Pki(cls.folder)
        for ca in ("cluster", "clients", "proxies"):
            cls.pki.ca(ca)
        cls.pki.leaf("apiserver", "cluster", "/CN=kube-apiserver", "serverAuth", ["IP:127.0.0.1"])

    def simulator(self, *arguments, **options):
        return self.enterContext(harness.Simulator(*arguments, size=2, max_size=4, cores=4, **options))

    def cluster(self):
        return self.enterContext(kubeapi.KubeApi(self.pki, config_of(self.pki)))

    def server(self, cluster, simulator, *arguments):
        path = cluster.kubeconfig(tempfile.mkdtemp(dir=self.folder))
        server = self.enterContext(harness.Server("--kubeconfig", path, *arguments, uri=simulator.uri))
        server.wait_number("node_up_count", 2)
        return server

    def pods(self, server, query="", metric=CORES, name="%2A"):
        """{pod: value}, or the answer when it is not 200."""
        answer = server.get(f"{V2}/pods/{name}/{metric}{query}")
        if answer.status != 200:
            return answer
        return {item["describedObject"]["name"]: item["value"] for item in answer.json()["items"]}

    def becomes(self, ask, wanted):
        try:
            harness.eventually(lambda: ask() == wanted, str(wanted))
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {ask()}") from None


class Objects(Case):
    def test_the_minicluster_is_named_by_the_leaders_host(self):
        with harness.Server(uri=self.simulator().uri) as server:
            server.wait_number("node_up_count", 2)
            item = server.get(f"{V2}/miniclusters.flux-framework.org/flux-sample/node_up_count").value()
            self.assertEqual(item["describedObject"], {"kind": "MiniCluster", "namespace": "flux-operator",
                                                       "name": "flux-sample", "apiVersion": "flux-framework.org/v1alpha2"})
            self.assertEqual(item["value"], "2")
            other = server.get(f"{V2}/miniclusters.flux-framework.org/other/node_up_count")
            self.assertEqual(other.status, 404)
            self.assertIn("miniclusters.flux-framework.org/flux-sample in the namespace flux-operator", other.json()["message"])

    def test_the_minicluster_can_be_named(self):
        with harness.Server("--minicluster", "mine", uri=self.simulator().uri) as server:
            server.wait_number("node_up_count", 2)
            self.assertEqual(server.get(f"{V2}/miniclusters.flux-framework.org/mine/node_up_count").value()["value"], "2")
            self.assertEqual(server.get(f"{V2}/miniclusters.flux-framework.org/flux-sample/node_up_count").status, 404)

    def test_bad_selectors_are_400(self):
        with harness.Server(uri=self.simulator().uri) as server:
            for parameter in ("labelSelector", "metricLabelSelector"):
                for bad in ("a%20b", "a=b=c", "a%20in%20b", "-a=b", ",a"):
                    answer = server.get(f"{V2}/services/%2A/node_up_count?{parameter}={bad}")
                    self.assertEqual(answer.status, 400, answer)
                    self.assertEqual(answer.json()["reason"], "BadRequest")


class External(Case):
    def test_every_item_of_a_family_is_a_series(self):
        simulator = self.simulator("--queue", "batch", "--queue", "debug")
        with harness.Server(uri=simulator.uri) as server:
            server.wait_number("node_up_count", 2)
            simulator.ctl("submit", "-N1", "-q", "batch", "--cc", "3")
            path = f"{EXTERNAL}/job_count?labelSelector=state%3Dsched"
            values = lambda: {item["metricLabels"]["queue"]: item["value"] for item in server.get(path).json()["items"]}
            self.becomes(values, {"batch": "3", "debug": "0"})
            document = server.get(f"{EXTERNAL}/job_count?labelSelector=queue+in+%28batch%29%2Cstate+notin+%28run%29").json()
            self.assertEqual(document["kind"], "ExternalMetricValueList")
            self.assertEqual(document["apiVersion"], "external.metrics.k8s.io/v1beta1")
            self.assertEqual([item["metricLabels"]["state"] for item in document["items"]],
                             ["cleanup", "depend", "priority", "sched"])
            for item in document["items"]:
                self.assertEqual(item["metricName"], "job_count")
                self.assertLess(abs(harness.utc_age(item["timestamp"])), 30)
            self.assertEqual(server.get(f"{EXTERNAL}/job_count?labelSelector=queue%3Dnope").status, 404)

    def test_every_metric_is_external_too(self):
        with harness.Server(uri=self.simulator().uri) as server:
            server.wait_number("node_up_count", 2)
            names = {resource["name"].split("/")[1] for resource in server.get(f"{CUSTOM}/v1beta2").json()["resources"]
                     if resource["name"].startswith("services/")}
            self.assertGreater(len(names), 30)
            for name in names - harness.OF_TIME:
                answer = server.get(f"{EXTERNAL}/{name}")
                self.assertEqual(answer.status, 200, answer)
                self.assertTrue(answer.json()["items"], name)
            for path, status in ((f"{EXTERNAL}/nope", 404), (EXTERNAL, 404), (f"{EXTERNAL}/a/b", 404),
                                 (EXTERNAL.replace("flux-operator", "other") + "/node_up_count", 404),
                                 (f"{EXTERNAL}/node_up_count?labelSelector=a%20b", 400),
                                 (f"{EXTERNAL}/node_up_count?watch=1", 405)):
                self.assertEqual(server.get(path).status, status, path)


class Pods(Case):
    def test_a_pod_has_the_numbers_of_its_rank(self):
        cluster, simulator = self.cluster(), self.simulator(gpus=2)
        for index in range(2):
            cluster.put_pod(f"flux-sample-{index}-abc", index, tier="flux", odd=str(index % 2))
        cluster.put_pod("somebody-0", 0, job="somebody", tier="flux")
        server = self.server(cluster, simulator)
        self.becomes(lambda: self.pods(server), {"flux-sample-0-abc": "0", "flux-sample-1-abc": "0"})
        simulator.ctl("submit", "-N2", "-n2", "-c3", "-g1")
        self.becomes(lambda: self.pods(server, "?labelSelector=tier%3Dflux"),
                     {"flux-sample-0-abc": "3", "flux-sample-1-abc": "3"})
        self.assertEqual(self.pods(server, metric="node_gpus_allocated_count"),
                         {"flux-sample-0-abc": "1", "flux-sample-1-abc": "1"})
        self.assertEqual(self.pods(server, metric="core_utilization_ratio", query="?labelSelector=odd%3D1"),
                         {"flux-sample-1-abc": "750m"})
        self.assertEqual(self.pods(server, name="flux-sample-0-abc"), {"flux-sample-0-abc": "3"})
        self.assertEqual(self.pods(server, "?labelSelector=tier%3Dother"), {})
        self.assertEqual(self.pods(server, name="somebody-0").status, 404)
        self.assertEqual(self.pods(server, metric="node_up_count").status, 404)
        self.assertEqual(self.pods(server, "?labelSelector=a%20b").status, 400)

    def test_pods_that_come_and_go_are_seen_by_the_watch(self):
        cluster, simulator = self.cluster(), self.simulator()
        server = self.server(cluster, simulator)
        self.becomes(lambda: self.pods(server), {})
        cluster.put_pod("p0", 0)
        self.becomes(lambda: self.pods(server), {"p0": "0"})
        cluster.put_pod("p1", 1, color="red")
        self.becomes(lambda: self.pods(server, "?labelSelector=color%3Dred"), {"p1": "0"})
        cluster.put_pod("p1", 1, color="blue")
        self.becomes(lambda: self.pods(server, "?labelSelector=color%3Dred"), {})
        cluster.delete_pod("p0")
        self.becomes(lambda: self.pods(server), {"p1": "0"})
        accepts = {accept.split(",")[0] for _, accept in cluster.pod_queries}
        self.assertEqual({accept.split(";")[1] for accept in accepts}, {"as=PartialObjectMetadataList", "as=PartialObjectMetadata"})

    def test_long_lists_come_in_pages(self):
        cluster, simulator = self.cluster(), self.simulator()
        for index in range(1200):
            cluster.put_pod(f"p{index:04}", index)
        server = self.server(cluster, simulator)
        self.becomes(lambda: self.pods(server), {f"p{index:04}": "0" for index in range(4)})
        self.assertEqual(len([query for query, _ in cluster.pod_queries if "continue" in query]), 2)

    def test_where_watching_is_forbidden_pods_are_polled(self):
        cluster, simulator = self.cluster(), self.simulator()
        cluster.pods_watch_status = 403
        server = self.server(cluster, simulator)
        self.becomes(lambda: self.pods(server), {})
        cluster.put_pod("p0", 0)
        self.becomes(lambda: self.pods(server), {"p0": "0"})

    def test_without_the_right_to_list_pods_the_missing_rule_is_named(self):
        cluster, simulator = self.cluster(), self.simulator()
        cluster.pods_status = cluster.pods_watch_status = 403
        cluster.put_pod("p0", 0)
        server = self.server(cluster, simulator)
        harness.eventually(lambda: server.get(f"{V2}/pods/%2A/{CORES}").status == 403, "403")
        message = server.get(f"{V2}/pods/%2A/{CORES}").json()["message"]
        self.assertIn("Role in the namespace flux-operator", message)
        self.assertIn("resources [pods], verbs [get, list, watch]", message)
        self.assertEqual(server.get(f"{V2}/services/%2A/node_up_count").status, 200, "nothing else needs it")
        cluster.pods_status = cluster.pods_watch_status = 200
        self.becomes(lambda: self.pods(server), {"p0": "0"})

    def test_nonsense_of_the_cluster_is_no_list(self):
        cluster, simulator = self.cluster(), self.simulator()
        cluster.put_pod("p0", 0)
        cluster.pods_garbage = [1, {"items": "many"}]
        server = self.server(cluster, simulator)
        harness.eventually(lambda: b"not a list of pods" in server.get(f"{V2}/pods/%2A/{CORES}").body, "the reason")
        self.assertEqual(server.get(f"{V2}/pods/%2A/{CORES}").status, 503)
        cluster.pods_garbage = {"items": [7, {}, {"metadata": {"name": 5}}, {"metadata": {"name": "x", "labels": []}}]}
        self.becomes(lambda: self.pods(server), {})
        cluster.pods_garbage = {"type": "ADDED"}
        lists = lambda: len([query for query, _ in cluster.pod_queries if "watch" not in query])
        before = lists()
        cluster.put_pod("p1", 1)
        harness.eventually(lambda: lists() > before, "a list after the watch has told nonsense")
        cluster.pods_garbage = None
        self.becomes(lambda: self.pods(server), {"p0": "0", "p1": "0"})

    def test_without_a_cluster_there_are_no_pods(self):
        with harness.Server(uri=self.simulator().uri) as server:
            server.wait_number("node_up_count", 2)
            answer = server.get(f"{V2}/pods/%2A/{CORES}")
            self.assertEqual(answer.status, 503)
            self.assertIn("--kubeconfig", answer.json()["message"])

    def test_the_cluster_lists_pods_also_where_it_is_asked_about_nobody(self):
        cluster, simulator = self.cluster(), self.simulator()
        cluster.put_pod("p0", 0)
        server = self.server(cluster, simulator, "--insecure-skip-auth")
        self.becomes(lambda: self.pods(server), {"p0": "0"})
        self.assertEqual(server.get(f"{V2}/pods/%2A/{CORES}", tls=True).status, 200)
        self.assertEqual(cluster.reviews, [])


if __name__ == "__main__":
    harness.main()
