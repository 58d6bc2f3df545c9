"""Values in a broker's replies that are not what they should be: resources, counts, jobs, queues, journals."""
import json
import unittest

import harness
import hostile
from badbroker import HANG_UP, MIB, fails, says
from hostile import Case, edited, only_for

REFUSED = {"job-manager.events-journal": fails(1, b"Request requires owner credentials")}


def R(ranks="0-3", cores="0-3", **more):
    return {"version": 1, "execution": {"R_lite": [{"rank": ranks, "children": {"core": cores}}], "starttime": 0,
                                        "expiration": 0, "nodelist": ["n[0-3]"], **more}}


def with_R(value):
    return {"resource.status": edited(lambda status: status.update(R=value))}


def with_status(**members):
    return {"resource.status": edited(lambda status: status.update(members))}


def with_states(**counts):
    def change(stats):
        stats["job_states"].update(counts)
    return {"job-list.job-stats": edited(change)}


def with_jobs(jobs):
    return {**REFUSED, "job-list.list": says(json.dumps({"jobs": jobs}))}


def job(**more):
    return {"id": 1, "state": 8, "priority": 16, "t_submit": 1.0, "queue": "", "nnodes": 1, "ncores": 1,
            "duration": 0.0, "expiration": 0.0, **more}


RESOURCES = [
    Case("an idset that goes down", r"idset '5-2': '5-2' goes down", with_status(online="5-2")),
    Case("an idset up to 2^32-1", r"0-4294967295.*is above 4294967294", with_status(online="0-4294967295")),
    Case("an idset of 64-bit ids", "above", with_status(offline="0-18446744073709551615")),
    Case("an idset that is no text", "online is not a string", with_status(online=5)),
    Case("an idset with junk", "is not a number", with_status(torpid="1,x\n\x1b[31m")),
    Case("an idset of 4 MB of junk", "is not above", with_status(online="1," * (2 * MIB) + "x")),
    Case("an idset of a million ranges", "ranges", with_status(online=",".join(map(str, range(0, 2_000_000, 2))))),
    Case("drains with a bad idset", "drain: idset '3-1'", with_status(drain={"3-1": {"timestamp": 1, "reason": ""}})),
    Case("drains that are a list", "drain is not an object", with_status(drain=[1])),
    Case("a drain without details", "drain is not an object", with_status(drain={"1": 5})),
    Case("resource.status without R", "R is missing", {"resource.status": edited(lambda status: status.pop("R") and None)}),
    Case("resource.status that is empty", "is missing", {"resource.status": says("{}")}),
    Case("resource.status without online", "online is missing",
         {"resource.status": edited(lambda status: status.pop("online") and None)}),
    Case("R of version 2", "version is 2", with_R({**R(), "version": 2})),
    Case("R that is text", "R is not an object", with_R("0-3")),
    Case("R with a rank twice", "lists rank 1 twice", with_R({"version": 1, "execution": {"R_lite": [
        {"rank": "0-1", "children": {"core": "0"}}, {"rank": "1", "children": {"core": "0"}}]}})),
    Case("R with cores that go down", "goes down", with_R(R(cores="7-0"))),
    Case("R with a nodelist of numbers", "nodelist", with_R(R(nodelist=[1, 2]))),
    Case("R_lite of 100,000 equal entries", "twice", with_R({"version": 1, "execution": {
        "R_lite": [{"rank": "0", "children": {"core": "0"}}] * 100_000}})),
    Case("allocated that is missing", 'no "allocated"', {"job-manager.resource-status": says("{}")}),
    Case("allocated with a bad rank", "idset", {"job-manager.resource-status": says(json.dumps({"allocated": R("3-0")}))}),
    Case("the size is negative", "size", {"attr.get": only_for("size", says('{"value":"-1"}'))}),
    Case("the size is huge", "size", {"attr.get": only_for("size", says('{"value":"4294967296"}'))}),
    Case("the size is no text", "value", {"attr.get": only_for("size", says('{"value":4}'))}),
    Case("there is no size", "size", {"attr.get": only_for("size", fails(2))}),
    Case("a level without end", "level", {"attr.get": only_for("instance-level", says('{"value":"4294967295"}'))}),
]

# The metrics stay: what is wrong here is not needed for the number of nodes, or says something that may be.
HARMLESS = [
    Case("a hostlist bomb", None, {"attr.get": only_for("hostlist", says('{"value":"n[0-999999999]"}'))}, asks="attr.get"),
    Case("a hostlist of a million names", None,
         {"attr.get": only_for("hostlist", says('{"value":"n[0-1048574]"}'))}, asks="attr.get"),
    Case("hostlist bombs in R", None, with_R(R(nodelist=["n[0-999999999]"] * 1000)), asks="resource.status"),
    Case("a version of a megabyte", None,
         {"attr.get": only_for("version", says('{"value":"' + "9\\n" * 300_000 + '"}'))}, asks="attr.get"),
    Case("config.get that is no JSON", None, {"config.get": says("{")}),
    Case("stats-get with negative jobs", None, {"job-manager.stats-get": says('{"active_jobs":-5}')},
         asks="job-manager.stats-get"),
    Case("stats-get with half a job", None, {"job-manager.stats-get": says('{"active_jobs":0.5}')},
         asks="job-manager.stats-get"),
    Case("stats-get with 1e300 jobs", None, {"job-manager.stats-get": says('{"active_jobs":1e300}')},
         asks="job-manager.stats-get"),
    Case("stats-get that is no JSON", None, {"job-manager.stats-get": says("nope")}, asks="job-manager.stats-get"),
    Case("a resource journal of junk", None, {"resource.journal": says("junk")}, asks="resource.journal"),
    Case("a resource journal that fails", None, {"resource.journal": fails(5, b"no")}, asks="resource.journal"),
    Case("an events journal of junk", None, {"job-manager.events-journal": says("junk")}, logged="journal.*not JSON"),
    Case("an events journal of the wrong shape", None,
         {"job-manager.events-journal": says('{"id":"x","events":5}')}, logged="journal.*not an"),
    Case("an events journal that fails", None, {"job-manager.events-journal": fails(5, b"no\nway")},
         logged="journal.*no"),
    Case("an events journal of odd jobs", None, {"job-manager.events-journal": says(json.dumps(
        {"id": 7, "events": [{"timestamp": 1e308, "name": "submit"}, {"timestamp": -1e308, "name": "priority",
                                                                     "context": {"priority": 1e300}},
                             {"timestamp": 0, "name": "alloc"}, {"timestamp": 0, "name": "exception",
                                                                 "context": {"severity": "0"}}],
         "R": 5, "jobspec": [[[]]]}))}, logged="journal"),
    Case("queues without a status", None, {"job-manager.queue-status": fails(2, b"no such queue")}),
]

JOBS = [
    Case("a count that is negative", "run", with_states(run=-5)),
    Case("a count above 2^63", "sched", with_states(sched=2**63)),
    Case("a count of 2^62", "sched", with_states(sched=2**62)),
    Case("a count that is a fraction", "inactive", with_states(inactive=1.5)),
    Case("a count that is text", "cleanup", with_states(cleanup="1")),
    Case("a count that is not a number", "is not JSON",
         {"job-list.job-stats": says('{"job_states":{"depend":NaN},"queues":[]}')}),
    Case("a count that is infinite", "depend|is not JSON",
         {"job-list.job-stats": says('{"job_states":{"depend":1e999},"queues":[]}')}),
    Case("stats without states", "job_states is missing", {"job-list.job-stats": says('{"queues":[]}')}),
    Case("stats with empty states", "is missing", {"job-list.job-stats": says('{"job_states":{},"queues":[]}')}),
    Case("stats of queues that are numbers", "queues", {"job-list.job-stats": edited(lambda s: s.update(queues=[5]))}),
    Case("jobs that are missing", "jobs is missing", {**REFUSED, "job-list.list": says("{}")}),
    Case("jobs that are an object", "jobs is not an array", {**REFUSED, "job-list.list": says('{"jobs":{}}')}),
    Case("a job that is a number", "job is not an object", with_jobs([5])),
    Case("a job without an id", "a job has no id", with_jobs([{"state": 8}])),
    Case("a job without a state", "job 1 has no state", with_jobs([{"id": 1}])),
    Case("a job in no state", "is not a job state", with_jobs([job(state=9)])),
    Case("a job with an idset for nodes", "is not of the kind", with_jobs([job(nnodes="0-3")])),
    Case("a million jobs", "more jobs than the 500000", with_jobs([{"id": n, "state": 8} for n in range(1_000_000)])),
    Case("queues that are text", "queues is not an array", {"job-manager.queue-list": says('{"queues":"batch"}')}),
    Case("queues that are numbers", "queues", {"job-manager.queue-list": says('{"queues":[5]}')}),
    Case("100,000 queues", "queues", {"job-manager.queue-list": says(json.dumps({"queues": [f"q{n}" for n in
                                                                                            range(100_000)]}))}),
    Case("a queue's status is text", "start is not true or false",
         {"job-manager.queue-status": says('{"enable":true,"start":"yes"}')}),
    Case("the journal hangs up", "closed", {"job-manager.events-journal": lambda reply: [HANG_UP]},
         greet=None, asks="job-manager.events-journal"),
]

# Jobs whose numbers are odd, though of the right kind: they count, and nothing breaks.
ODD_JOBS = [
    Case("negative nodes and cores", None, with_jobs([job(nnodes=-1, ncores=-5)]), asks="job-list.list"),
    Case("2^32 nodes", None, with_jobs([job(nnodes=2**32)]), asks="job-list.list"),
    Case("2^32-1 nodes", None, with_jobs([job(nnodes=2**32 - 1, ncores=2**32 - 1)] * 3), asks="job-list.list"),
    Case("a duration of 1e308 and times before 1970", None,
         with_jobs([job(duration=1e308, t_submit=-1e308), job(id=2, state=16, duration=-1, expiration=1e308,
                                                              t_run=1e308)]), asks="job-list.list"),
    Case("200 jobs, no two of a queue or a shape", None, with_jobs([job(id=n, queue=f"q{n}", nnodes=n, ncores=3 * n)
                                                                       for n in range(1, 201)]), asks="job-list.list"),
    Case("ids at both ends", None, with_jobs([job(id=-2**63), job(id=2**63 - 1), job(id=2**63 - 1)]),
         asks="job-list.list"),
    Case("a priority at both ends", None, with_jobs([job(priority=-2**63), job(id=2, priority=2**63 - 1)]),
         asks="job-list.list"),
    Case("a queue nobody knows", None, with_jobs([job(queue="\x00\x1b]0;x\x07")]), asks="job-list.list"),
    Case("jobspecs of junk", None, {**with_jobs([job()]), "job-manager.getattr": says("junk")},
         asks="job-manager.getattr"),
    Case("jobspecs that are numbers", None, {**with_jobs([job()]), "job-manager.getattr": says('{"jobspec":7}')},
         asks="job-manager.getattr"),
    Case("a jobspec of 4294967295 nodes, slots, cores and gpus", None,
         {**with_jobs([job()]), "job-manager.getattr": says(json.dumps({"jobspec": {"version": 1, "resources": [
             {"type": "node", "count": 2**32 - 1, "with": [{"type": "slot", "count": 2**32 - 1, "label": "task", "with": [
                 {"type": "core", "count": 2**32 - 1}, {"type": "gpu", "count": 2**32 - 1}]}]}],
             "attributes": {"system": {"duration": 1e308, "constraints": {"hostlist": ["n[0-999999999]"]}}}}}))},
         asks="job-manager.getattr"),
]


class Replies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.enterClassContext(harness.Simulator(size=2, max_size=4, cores=4))

    def test_resources(self):
        hostile.run_cases(self, self.simulator, RESOURCES, lanes=8)

    def test_jobs(self):
        hostile.run_cases(self, self.simulator, JOBS, lanes=8)

    def test_what_does_no_harm(self):
        hostile.run_cases(self, self.simulator, HARMLESS, lanes=8)

    def test_odd_jobs(self):
        hostile.run_cases(self, self.simulator, ODD_JOBS, lanes=8)


if __name__ == "__main__":
    harness.main()
