"""What is said of the scheduler. Fluxion's answers are those that were recorded of flux-sched 0.54."""
import errno
import json
import pathlib
import tempfile
import unittest

import harness
from badbroker import BadBroker, fails, says

RECORDED = pathlib.Path(__file__).resolve().parent.parent / "data" / "fluxion-captures"
MODULES = {"mods": [{"name": "resource", "services": ["resource"]},
                    {"name": "sched-fluxion-resource", "services": []},
                    {"name": "sched-fluxion-qmanager", "services": ["sched"]}]}
HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: flux-sample}
spec:
  scaleTargetRef: {apiVersion: flux-framework.org/v1alpha2, kind: MiniCluster, name: flux-sample}
  maxReplicas: 4
  metrics:
  - type: Object
    object:
      describedObject: {apiVersion: v1, kind: Service, name: custom-metrics-apiserver}
      metric: {name: node_wanted_count}
      target: {type: AverageValue, averageValue: "1"}
"""


def recorded(topic):
    return json.loads((RECORDED / f"fluxion.{topic}.json").read_text())["reply"]


def answers(document):
    return says(json.dumps(document), errnum=0)


def fluxion(queue_policy="fcfs", match_policy="first", prune_filters="ALL:core,ALL:node", queues=("default",)):
    """Rules for a broker whose scheduler is Fluxion."""
    queue_params = recorded("sched-fluxion-qmanager.params")
    common = {"queue-policy": queue_policy, "queue-params": "", "policy-params": ""}
    queue_params["params"] = {**common, **{queue: dict(common) for queue in queues}}
    match_params = recorded("sched-fluxion-resource.params")
    match_params["params"].update({"policy": match_policy, "prune-filters": prune_filters})
    return {"module.list": answers(MODULES), "sched-fluxion-qmanager.params": answers(queue_params),
            "sched-fluxion-resource.params": answers(match_params),
            "sched-fluxion-resource.stats-get": answers(recorded("sched-fluxion-resource.stats-get"))}


class OfFluxion(unittest.TestCase):
    def setUp(self):
        self.simulator = self.enterContext(harness.Simulator(size=2, max_size=4, cores=4))
        self.broker = self.enterContext(BadBroker(self.simulator.path))

    def info(self):
        items = harness.get_metrics(self.broker.uri, "scheduler_info")["scheduler_info"]
        return None if items is None else sorted(items)

    def verbose(self, server):
        return server.get("/readyz/flux?verbose").body.decode()

    def test_its_defaults_are_shown_and_warned_of(self):
        self.broker.behave(fluxion())
        self.assertEqual(self.info(), [("", "Fluxion", "fcfs", "first", "ALL:core,ALL:node")])
        with harness.Server(uri=self.broker.uri) as server:
            server.wait_number("node_up_count", 2)
            text = self.verbose(server)
            for part in ("scheduler: Fluxion, queue policy fcfs, match policy first, prune filters ALL:core,ALL:node\n",
                         "warning: Fluxion's queue policy fcfs immediately denies a job", 'queue-policy = "easy"',
                         "queuePolicy: easy", 'match-policy = "lonode"', "brokerConfig: |"):
                self.assertIn(part, text)
            self.assertIn("warning scheduler: Fluxion's queue policy fcfs immediately denies", server.log())
            page = server.get("/metrics").body.decode()
        self.assertIn('flux_scheduler_info{queue="",scheduler="Fluxion",queue_policy="fcfs",match_policy="first",'
                      'prune_filters="ALL:core,ALL:node"} 1', page)
        self.assertIn("flux_fluxion_graph_vertices 25\n", page)
        self.assertIn('flux_fluxion_matches_total{result="succeeded"} 1\n', page)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(HPA)
            file.flush()
            done = harness.run("explain", file.name, "--flux-uri", self.broker.uri)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("(scheduler-denies-wide-jobs)", done.stdout)
        self.assertIn('             queue-policy = "easy"\n', done.stdout)
        self.assertEqual(done.stderr, "", "it is said once")

    def test_what_mends_it_mends_it(self):
        for rules in (fluxion("easy", "lonode"), fluxion("fcfs", "low", "ALL:core")):
            self.broker.behave(rules)
            with harness.Server(uri=self.broker.uri) as server:
                server.wait_number("node_up_count", 2)
                self.assertNotIn("warning", self.verbose(server))
                self.assertNotIn("warning scheduler", server.log())

    def test_a_guest_is_told_what_it_may_not_know(self):
        self.broker.behave({**fluxion("easy"), "job-manager.list": fails(errno.EPERM, b"owner only"),
                            "sched-fluxion-resource.params": fails(errno.EPERM, b"Request requires owner credentials")})
        self.assertEqual(self.info(), [("", "Fluxion", "easy", "", "")])
        done = harness.run("get", "--state", environment=harness.clean_environment(FLUX_URI=self.broker.uri))
        scheduling = json.loads(done.stdout)["scheduling"]
        self.assertNotIn("match_policy", scheduling)
        self.assertIn("only the owner of the Flux instance can query Fluxion", scheduling["unknown"]["match_policy"])

    def test_another_one_is_noticed(self):
        with harness.Server(uri=self.broker.uri) as server:
            server.wait_number("node_up_count", 2)
            self.assertIn("scheduler: sched-simple\n", self.verbose(server))
            self.simulator.ctl("scheduler", "unload")
            harness.eventually(lambda: "scheduler: none\n" in self.verbose(server), "no scheduler")
            self.broker.rules = fluxion("hybrid", "lonode")
            self.simulator.ctl("scheduler", "load")
            harness.eventually(lambda: "scheduler: Fluxion, queue policy hybrid, match policy lonode" in self.verbose(server),
                               "Fluxion")

    def test_an_empty_set_of_an_older_flux_is_null(self):
        """Where Flux before 0.61 has no job-manager.resource-status and no resource.sched-status, Fluxion answers."""
        older = answers(recorded("sched.resource-status.idle-3of4"))
        self.broker.behave({**fluxion("easy"), "job-manager.resource-status": fails(errno.ENOSYS),
                            "resource.sched-status": fails(errno.ENOSYS), "sched.resource-status": older})
        wanted = {"node_allocated_count": 0, "node_cores_allocated_count": 0, "node_free_count": 2}
        self.assertEqual(harness.get_metrics(self.broker.uri, *wanted), wanted)

    def test_one_that_is_busy_holds_up_nothing(self):
        self.broker.behave({**fluxion(), "sched-fluxion-qmanager.params": lambda reply: []})
        self.assertEqual(harness.get_metrics(self.broker.uri, "node_up_count"), {"node_up_count": 2})
        self.assertIsNone(self.info())


if __name__ == "__main__":
    harness.main()
