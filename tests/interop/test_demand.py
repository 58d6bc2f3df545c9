"""The calculation of demand.py against states whose numbers were worked out by hand. Needs no Flux."""
import unittest

from demand import Job, Room, Shape, World, calculate, possible_jobs, shape_of_jobspec

NODE = Room(8, 2)
ONE = Room(1)


def world(size=6, online=4, jobs=(), **more):
    rooms = {rank: NODE for rank in range(size)}
    return World(size=size, rooms=rooms, offline=set(range(online, size)),
                 eligible=[Job(shape, id=number) for number, shape in enumerate(jobs)], **more)


def nodes(count, **more):
    return Shape(nodes=count, **more)


def whole(count, **more):
    return Shape(nodes=count, exclusive=True, **more)


BUSY3 = {"used": {3: ONE}, "running": [("", 1, 1, 0)]}
ADMIN = "broken fan"


class States(unittest.TestCase):
    """(safe_min, wanted_all, shortage, demand, unsatisfiable) on 8 cores and 2 gpus a rank, ranks 0-3 of 6 online."""

    def expect(self, numbers, state):
        got = calculate(state)
        self.assertEqual(numbers, (got["node_safe_min_count"], got["node_wanted_all_count"], got["node_shortage_count"],
                                   sum(got["node_demand_count"].values()), got["job_unsatisfiable_count"]))

    def test_nothing_and_one_core(self):
        self.expect((1, 1, 0, 0, 0), world())
        self.expect((4, 4, 0, 1, 0), world(**BUSY3))

    def test_beside_one_busy_core(self):
        self.expect((4, 4, 0, 4, 0), world(jobs=[nodes(4)], **BUSY3))
        self.expect((4, 5, 1, 5, 0), world(jobs=[whole(4)], **BUSY3))
        self.expect((4, 4, 0, 5, 0), world(size=4, jobs=[whole(4)], **BUSY3))

    def test_drained(self):
        self.expect((4, 6, 2, 5, 0), world(jobs=[whole(4)], drains={1: ADMIN}, **BUSY3))
        self.expect((4, 4, 0, 6, 1), world(jobs=[whole(5)], drains={1: ADMIN, 2: ADMIN}, **BUSY3))
        self.expect((4, 4, 0, 2, 0), world(jobs=[whole(1)], drains={3: ADMIN}, **BUSY3))
        self.expect((1, 6, 2, 6, 0), world(jobs=[whole(6)], drains={4: "flux-metrics-api: idle", 5: "flux-metrics-api: idle"}))
        self.expect((1, 1, 0, 6, 1), world(jobs=[whole(6)], drains={4: ADMIN, 5: ADMIN}))

    def test_lost_rank_that_is_still_allocated(self):
        self.expect((3, 3, 0, 3, 0), world(online=3, used={1: ONE, 2: NODE, 3: NODE},
                                           running=[("", 1, 1, 0), ("", 2, 16, 4)]))

    def test_slots_anywhere(self):
        self.expect((1, 3, 0, 3, 0), world(jobs=[Shape(slots=20)]))
        self.expect((1, 3, 0, 3, 0), world(jobs=[Shape(slots=3, cores=5)]))
        self.expect((1, 6, 2, 6, 0), world(jobs=[Shape(slots=3, cores=5)] * 2))
        self.expect((1, 2, 0, 2, 0), world(jobs=[Shape(slots=3, gpus=1)]))

    def test_slots_anywhere_beside_busy_cores(self):
        state = world(jobs=[Shape(slots=20)], used={0: Room(4)})
        self.assertEqual(calculate(state)["node_wanted_all_count"], 3)

    def test_queue_on_some_ranks(self):
        only = frozenset({2, 3})
        self.expect((1, 3, 0, 1, 0), world(jobs=[nodes(1, ranks=only)]))
        self.expect((4, 4, 0, 3, 0), world(jobs=[whole(2, ranks=only)], **BUSY3))

    def test_caps(self):
        self.expect((1, 10, 6, 10, 0), world(size=64, jobs=[whole(10)]))
        self.expect((1, 1, 0, 10, 1), world(size=64, jobs=[whole(10)], max_replicas=4))
        self.expect((1, 4, 0, 10, 0), world(size=64, jobs=[whole(1)] * 10, max_replicas=4))
        self.expect((6, 6, 0, 1, 0), world(size=64, online=6, used={5: ONE}, running=[("", 1, 1, 0)], max_replicas=4))

    def test_excluded_torpid_and_a_hole(self):
        self.expect((1, 3, 0, 2, 0), world(jobs=[whole(2)], excluded={0}))
        self.expect((1, 5, 1, 4, 0), world(jobs=[whole(4)], torpid={2}))
        hole = world(jobs=[whole(4)])
        hole.offline = {1, 4, 5}
        self.expect((1, 4, 1, 4, 0), hole)

    def test_whole_nodes(self):
        self.expect((1, 6, 2, 6, 0), world(jobs=[Shape()] * 6, whole_nodes=True))
        self.expect((1, 2, 0, 2, 0), world(jobs=[Shape(slots=9)], whole_nodes=True))
        self.expect((4, 4, 0, 3, 0), world(jobs=[Shape(slots=9)], whole_nodes=True, used={3: NODE}, running=[("", 1, 8, 2)]))
        sums = calculate(world(jobs=[Shape(slots=9), nodes(1)], whole_nodes=True))
        self.assertEqual((sums["core_demand_count"], sums["gpu_demand_count"]), ({"": 24}, {"": 6}))

    def test_jobs_that_never_start(self):
        self.expect((1, 1, 0, 0, 1), world(jobs=[whole(7)]))
        self.expect((1, 1, 0, 0, 2), world(jobs=[Shape(cores=9), Shape(ranks=frozenset())]))
        self.assertEqual([job.id for job in possible_jobs(world(jobs=[whole(7), nodes(1)]))], [1])

    def test_gpus_on_two_of_many(self):
        state = world(size=64, jobs=[nodes(2, gpus=2)], used={0: NODE, 1: NODE}, running=[("", 2, 16, 4)])
        state.rooms = {rank: NODE if rank < 2 else Room(8) for rank in range(64)}
        self.expect((2, 2, 0, 4, 0), state)


class Jobspecs(unittest.TestCase):
    def test_trees(self):
        def vertex(kind, count, *inside, **more):
            return {"type": kind, "count": count, "with": list(inside), **more}

        core, gpu = vertex("core", 2), vertex("gpu", 1)
        for tree, shape in (
                (vertex("slot", 3, core), Shape(slots=3, cores=2)),
                (vertex("node", 4, vertex("socket", 2, vertex("slot", 1, core))), Shape(nodes=4, slots=2, cores=2)),
                (vertex("node", 2, vertex("slot", 1, core, gpu), exclusive=True),
                 Shape(nodes=2, cores=2, gpus=1, exclusive=True)),
                (vertex("slot", 2, vertex("node", {"min": 3}, vertex("socket", 2, core, gpu))),
                 Shape(nodes=6, cores=4, gpus=2, exclusive=True)),
                (vertex("rack", 2, vertex("node", "[2-4]", vertex("slot", 1, core))), Shape(nodes=4, cores=2)),
                (vertex("slot", 2, vertex("gpu", 1), vertex("memory", 4)), Shape(slots=2, cores=0, gpus=1))):
            self.assertEqual(shape_of_jobspec({"resources": [tree]}), shape, tree)


if __name__ == "__main__":
    unittest.main()
