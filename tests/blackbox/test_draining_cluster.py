"""`start --drain` in a cluster: the MiniCluster, its Job and its pods say which ranks stay."""
import tempfile
import time
import unittest

import fluxwire
import harness
import kubeapi
from draining import PROMPT, SHRINK, WithFlux
from harness import eventually

JOB = "flux-sample"


class InACluster(WithFlux):
    """The MiniCluster, its Job and its pods, as an API server tells of them."""

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.pki = kubeapi.Pki(cls.folder)
        cls.pki.ca("cluster")
        cls.pki.leaf("apiserver", "cluster", "/CN=apiserver", uses="serverAuth", names=["IP:127.0.0.1"])

    def cluster(self, size, parallelism, staying, terminating=()):
        root = "namespaces/flux-operator"
        pods = [{"metadata": {"name": f"{JOB}-{index}-{kind}", "namespace": "flux-operator", "labels": {
            "batch.kubernetes.io/job-name": JOB, "batch.kubernetes.io/job-completion-index": str(index)},
            **({"deletionTimestamp": "2026-11-22T12:00:00Z"} if kind == "old" else {})}}
            for kind, indexes in (("new", staying), ("old", terminating)) for index in indexes]
        self.api.objects = {
            f"/apis/flux-framework.org/v1alpha2/{root}/miniclusters/{JOB}": {"spec": {"size": size}},
            f"/apis/batch/v1/{root}/jobs/{JOB}": {"spec": {"parallelism": parallelism}},
            f"/api/v1/{root}/pods": {"items": pods, "metadata": {"resourceVersion": "1"}}}

    def serve(self, *more):
        return harness.Server(*PROMPT, "--insecure-skip-auth", "--kubeconfig", self.kubeconfig, *more,
                              uri=self.simulator.uri)

    def setUp(self):
        self.size = 4
        self.start(size=4, max_size=4)
        self.api = self.enterContext(kubeapi.KubeApi(self.pki, {}))
        self.kubeconfig = self.api.kubeconfig(self.folder)

    def test_a_regrowth_over_pods_that_terminate(self):
        self.cluster(4, 4, range(4))
        with self.serve() as server:
            self.await_read(server, 4)
            self.await_read(server, 1)
            # The reader obeys; the operator, too; the pods live on for their grace period, and their brokers with them.
            self.cluster(1, 1, [0], [1, 2, 3])
            waiting = self.flux.submit(fluxwire.jobspec(3, exclusive=True))
            self.await_read(server, 3)  # over old pods, whose ranks are drained and empty
            self.cluster(3, 3, range(3), [1, 2, 3])
            time.sleep(3)
            self.assertEqual(self.flux.ours(), {1, 2, 3}, "the brokers may be those of the old pods")
            self.assertIn("the broker of a pod that stays", server.get("/readyz/flux?verbose").body.decode())
            self.simulator.ctl("offline", "2-3")
            eventually(lambda: self.flux.online() == {0, 1}, "the end of two brokers")  # a pod is gone when it is dead
            self.cluster(3, 3, range(3))
            eventually(lambda: self.flux.ours() == {2, 3}, f"the end of rank 1's drain\n{server.log()}")
            time.sleep(1.5)
            self.assertEqual(self.flux.ours(), {2, 3}, "rank 2 has no broker")
            self.simulator.ctl("online", "2")
            eventually(lambda: self.flux.running().get(waiting) == {0, 1, 2}, "the job")

    def test_a_size_that_somebody_made_smaller(self):
        self.flux.fill(4)
        self.cluster(4, 4, range(4))
        with self.serve() as server:
            self.await_read(server, 4)
            self.cluster(2, 2, range(2), [2, 3])
            eventually(lambda: self.flux.ours() == {2, 3}, "drains of ranks whose pods go", SHRINK)

    def test_a_watch_tells_of_pods_that_go(self):
        jobs = self.flux.fill(4)
        self.cluster(4, 4, [])
        self.api.objects.pop("/api/v1/namespaces/flux-operator/pods")
        for index in range(4):
            self.api.put_pod(f"{JOB}-{index}", index)
        with self.serve() as server:
            self.await_read(server, 4)
            self.assertEqual(self.flux.drains(), {})
            minicluster = f"/apis/flux-framework.org/v1alpha2/namespaces/flux-operator/miniclusters/{JOB}"
            self.api.objects[minicluster] = (500, {"kind": "Status", "message": "not now", "code": 500})
            self.api.terminate_pod(f"{JOB}-3")
            eventually(lambda: self.flux.ours() == {3}, f"a drain of the rank whose pod goes\n{server.log()}")
            self.flux.cancel(*jobs.values())

    def test_without_the_right_to_read_there_is_no_value(self):
        self.cluster(4, 4, range(4))
        job = f"/apis/batch/v1/namespaces/flux-operator/jobs/{JOB}"
        self.api.objects[job] = (403, {"kind": "Status", "message": "jobs.batch is forbidden", "code": 403})
        with self.serve() as server:
            answer = eventually(lambda: (a := server.metric("node_wanted_count")).status == 503 and
                                b"resources [jobs]" in a.body and a, "the right that is missing")
            self.assertIn(b"jobs.batch is forbidden", answer.body)
            self.assertEqual(self.flux.drains(), {})
            self.cluster(4, 4, range(4))
            self.await_read(server, 4)


if __name__ == "__main__":
    unittest.main()
