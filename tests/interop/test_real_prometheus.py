"""/metrics beside a real Flux: waits, ends and nodes as Flux's own commands tell them."""
import collections
import re
import unittest

import harness
import realflux

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$', re.M)


class Exporter(harness.Server):
    def __init__(self, uri):
        super().__init__(uri=uri)
        self.arguments[0] = "exporter"

    def samples(self):
        """{name: {(label values): number}}"""
        found = collections.defaultdict(dict)
        for name, labels, value in SAMPLE.findall(self.get("/metrics").body.decode()):
            found[name][tuple(re.findall(r'="([^"]*)"', labels))] = float(value)
        return found

    def wait(self, name, labels, wanted):
        harness.eventually(lambda: self.samples()[name].get(labels) == wanted,
                           f"{name}{labels} = {wanted}, last {self.samples()[name]}")


class Prometheus(unittest.TestCase):
    def test_a_day_in_a_minute(self):
        with realflux.Instance(size=4) as flux, Exporter(flux.uri) as exporter:
            exporter.wait("flux_node_counts", ("up",), 4)
            exporter.wait("flux_metrics_instance_state", ("running",), 1)
            flux.flux("submit", "--cc=1-3", "-N4", "--exclusive", "sleep", "1")
            flux.flux("submit", "--wait", "false", check=False)
            doomed = flux.submit("-N4", "--exclusive", "sleep", "inf")
            harness.eventually(lambda: any(job["id"] == str(doomed) and job["state"] == "RUN" for job in flux.jobs()),
                               "the last job runs")
            flux.flux("cancel", str(doomed))
            harness.eventually(lambda: all(job["state"] == "INACTIVE" for job in flux.jobs()), "all jobs end")
            jobs = flux.jobs()
            exporter.wait("flux_jobs_finished_total", ("",), len(jobs))
            exporter.wait("flux_job_wait_seconds_count", ("",), len(jobs))
            results = collections.Counter(job["result"] for job in jobs)
            for result, name in (("COMPLETED", "successful"), ("FAILED", "failed"), ("CANCELED", "canceled")):
                exporter.wait("flux_jobs_inactive", ("", name), results[result])
            # What Flux says of each job's wait, added up.
            times = [line.split() for line in flux.flux("jobs", "-A", "-a", "-n", "-o", "{t_run} {t_submit}").splitlines()]
            longest = sum(float(run) - float(submit) for run, submit in times)
            waited = exporter.samples()["flux_job_wait_seconds_sum"]["",]
            self.assertGreater(waited, 1, "the second and third job waited for the ones before")
            self.assertLessEqual(waited, longest + 0.01)
            flux.flux("resource", "drain", "3", "broken fan")
            exporter.wait("flux_nodes", ("drained",), len(flux.ranks("drained")))
            exporter.wait("flux_nodes", ("idle",), 3)
            flux.kill_broker(2)
            states = harness.eventually(lambda: (s := exporter.samples()["flux_nodes"])[("idle",)] == 2 and s, "two idle")
            self.assertIn(sum(states.values()), (3, 4), "a lost rank may have left the resources for good")
            topics = exporter.samples()["flux_metrics_rpc_duration_seconds_count"]
            self.assertGreater(topics["resource.status",], 0)

    def test_shutdown(self):
        with realflux.Instance(size=2) as flux:
            with Exporter(flux.uri) as exporter:
                exporter.wait("flux_metrics_instance_state", ("running",), 1)
                flux.process.stdin.close()
                seen = set()
                while flux.process.poll() is None:
                    seen.update(labels[0] for labels, value in exporter.samples()["flux_metrics_instance_state"].items()
                                if value)
                exporter.wait("flux_metrics_instance_state", ("gone",), 1)
                self.assertLessEqual(seen, {"running", "shutdown", "silent", "gone"})


if __name__ == "__main__":
    unittest.main()
