"""The sizing metrics, calculated a second time: slow, short, and written without a look at the program's own code.

Numbers are worked out by trying: a job is put on the lowest ranks with room, and the smallest number of ranks that
is enough is found by counting up.
"""
import collections
import dataclasses
import json
import math
import re

OURS = "flux-metrics-api:"


@dataclasses.dataclass(frozen=True)
class Room:
    cores: int
    gpus: int = 0

    def __sub__(self, other):
        return Room(max(0, self.cores - other.cores), max(0, self.gpus - other.gpus))

    def __add__(self, other):
        return Room(self.cores + other.cores, self.gpus + other.gpus)

    def empty(self):
        return self == Room(0, 0)


NOTHING = Room(0, 0)


@dataclasses.dataclass(frozen=True)
class Shape:
    """N nodes of S slots (N None: S slots anywhere) of C cores and G gpus; `ranks` None: all admitted.
    Exclusive slots are on nodes that no other job has."""
    nodes: int | None = None
    slots: int = 1
    cores: int = 1
    gpus: int = 0
    exclusive: bool = False
    ranks: frozenset | None = None

    def admits(self, rank):
        return self.ranks is None or rank in self.ranks

    def per_node(self):
        return Room(self.slots * self.cores, self.slots * self.gpus) if self.nodes else Room(self.cores, self.gpus)


@dataclasses.dataclass(frozen=True)
class Job:
    shape: Shape
    queue: str = ""
    id: int = 0


@dataclasses.dataclass
class World:
    """One instance at one moment. `rooms`: what each rank of R has; `used`: what jobs hold there."""
    size: int
    rooms: dict
    used: dict = dataclasses.field(default_factory=dict)
    offline: set = dataclasses.field(default_factory=set)
    excluded: set = dataclasses.field(default_factory=set)
    torpid: set = dataclasses.field(default_factory=set)
    drains: dict = dataclasses.field(default_factory=dict)  # rank -> reason
    eligible: list = dataclasses.field(default_factory=list)  # jobs that wait and might start
    running: list = dataclasses.field(default_factory=list)  # (queue, nodes, cores, gpus) held by RUN and CLEANUP
    queues: tuple = ("",)
    min_replicas: int = 1
    max_replicas: int | None = None
    whole_nodes: bool = False  # the scheduler gives each job whole nodes

    def __post_init__(self):
        if self.whole_nodes:
            self.eligible = [dataclasses.replace(job, shape=dataclasses.replace(job.shape, exclusive=True))
                             for job in self.eligible]

    def usable(self):
        cap = min(self.size, self.max_replicas or self.size)
        return [rank for rank in sorted(self.rooms) if rank < cap and rank not in self.excluded
                and rank not in self.torpid and self.drains.get(rank, OURS).startswith(OURS)]


def place(shape, capacity, taken, ranks):
    """The ranks that the shape takes, lowest first, and how much of each: {rank: Room}; None if it does not fit."""
    got = {}
    left = shape.nodes or shape.slots
    for rank in sorted(ranks):
        if left == 0:
            break
        if not shape.admits(rank) or rank not in capacity:
            continue
        used = taken.get(rank, NOTHING)
        free, need = capacity[rank] - used, shape.per_node()
        if shape.exclusive and not used.empty():
            continue
        if shape.nodes:
            if free.cores < need.cores or free.gpus < need.gpus:
                continue
            got[rank] = capacity[rank] if shape.exclusive else need
            left -= 1
        else:
            count = min([left, free.cores // need.cores if need.cores else left]
                        + ([free.gpus // need.gpus] if need.gpus else []))
            if count:
                got[rank] = capacity[rank] if shape.exclusive else Room(count * need.cores, count * need.gpus)
                left -= count
    return got if left == 0 else None


def first_size(world, shape, usable, used):
    """The smallest n such that the shape fits the usable ranks below n: (n, ranks taken), or None."""
    for n in range(1, world.size + 1):
        got = place(shape, world.rooms, used, [rank for rank in usable if rank < n])
        if got is not None:
            return n, set(got)
    return None


def ever_fits(world, shape):
    """Whether all ranks that are not excluded hold the shape, were they up and empty: else it is no demand."""
    return place(shape, world.rooms, {}, set(world.rooms) - world.excluded) is not None


def possible_jobs(world):
    return [job for job in world.eligible if ever_fits(world, job.shape)]


def n1(world, shape, usable):
    return first_size(world, shape, usable, world.used) or first_size(world, shape, usable, {})


def order(world, usable):
    """The sort key of the packing."""
    def key(job):
        shape = job.shape
        admitted = [rank for rank in usable if shape.admits(rank)]
        whole = max((world.rooms[rank] for rank in admitted), key=lambda room: (room.gpus, room.cores), default=NOTHING)
        node = whole if shape.exclusive else shape.per_node()
        return (len(admitted), -node.gpus, -node.cores, -(shape.nodes or 0), -shape.slots, job.id)
    return key


def calculate(world):
    """{metric name: number, or {queue: number}}"""
    usable = world.usable()
    busy = [rank for rank, room in world.used.items() if not room.empty() and rank not in world.offline]
    safe_min = 1 + max(busy, default=0)

    possible = possible_jobs(world)
    satisfiable = [job for job in world.eligible if place(job.shape, world.rooms, {}, usable) is not None]
    touched = set()
    taken = dict(world.used)
    for job in sorted(satisfiable, key=order(world, usable)):
        got = place(job.shape, world.rooms, taken, usable)
        if got is None:
            touched |= n1(world, job.shape, usable)[1]
            continue
        touched |= set(got)
        for rank, room in got.items():
            taken[rank] = taken.get(rank, NOTHING) + room
    wanted = min(world.size, max(world.min_replicas, safe_min, 1 + max(touched, default=-1)))
    return {
        "node_safe_min_count": safe_min,
        "node_wanted_all_count": wanted,
        "node_shortage_count": len(touched & world.offline),
        "job_unsatisfiable_count": len(world.eligible) - len(satisfiable),
        "node_demand_count": {queue: node_demand(world, possible, queue) for queue in world.queues},
        **amounts(world, possible),
    }


def common_kind(world, shape):
    """The most common kind of node among those of R that the shape admits and that could hold it at all."""
    admitted = [room for rank, room in world.rooms.items() if shape.admits(rank) and rank not in world.excluded]
    need = shape.per_node()
    able = [room for room in admitted if room.cores >= need.cores and room.gpus >= need.gpus] or admitted
    return collections.Counter(able).most_common(1)[0][0]


def held_shapes(world, queue):
    """Running jobs as shapes: nnodes nodes of ncores/nnodes cores, by definition without their gpus."""
    return [Job(Shape(nodes=nodes, cores=math.ceil(cores / nodes)), queue)
            for name, nodes, cores, _ in world.running if name == queue and nodes]


def node_demand(world, possible, queue):
    jobs = held_shapes(world, queue) + [job for job in possible if job.queue == queue]
    by_kind = collections.defaultdict(list)
    for job in jobs:
        by_kind[common_kind(world, job.shape)].append(dataclasses.replace(job, shape=dataclasses.replace(job.shape, ranks=None)))
    total = 0
    for kind, members in by_kind.items():
        plenty = sum((job.shape.nodes or job.shape.slots) for job in members)
        capacity = {rank: kind for rank in range(plenty)}
        taken = {}
        empty_world = World(size=plenty, rooms=capacity)
        for job in sorted(members, key=order(empty_world, list(capacity))):
            got = place(job.shape, capacity, taken, list(capacity))
            if got is None:  # it runs on nodes that R no longer has
                got = {rank: kind for rank in list(capacity)[-(job.shape.nodes or job.shape.slots):]}
            for rank, room in got.items():
                taken[rank] = taken.get(rank, NOTHING) + room
        total += sum(not room.empty() for room in taken.values())
    return total


def amounts(world, possible):
    cores, gpus = {}, {}
    for queue in world.queues:
        sums = Room(sum(c for name, _, c, _ in world.running if name == queue),
                    sum(g for name, _, _, g in world.running if name == queue))
        for job in possible:
            if job.queue != queue:
                continue
            shape = job.shape
            one, times = shape.per_node(), shape.nodes or shape.slots
            if shape.exclusive:
                one = common_kind(world, shape)
                if not shape.nodes:
                    times = math.ceil(times / min([one.cores // shape.cores] if shape.cores else []
                                                  + ([one.gpus // shape.gpus] if shape.gpus else [])))
            sums += Room(one.cores * times, one.gpus * times)
        cores[queue], gpus[queue] = sums.cores, sums.gpus
    return {"core_demand_count": cores, "gpu_demand_count": gpus}


def shape_of_jobspec(jobspec, admitted=None):
    """RFC 14 -> Shape. `admitted`: the ranks that its constraints and its queue leave, None for all."""
    def count(vertex):
        value = vertex["count"]
        if isinstance(value, str):
            value = json.loads(value) if value.startswith("{") else int(re.match(r"\[?(\d+)", value).group(1))
        return value["min"] if isinstance(value, dict) else value

    # One path leads to the slot or the node that is furthest up and holds no other of the two but slots in nodes.
    # Along it counts multiply; what lies beside it (storage) does not count.
    def find(vertices, types):
        for vertex in vertices:
            if vertex["type"] in types:
                return [vertex]
            below = find(vertex.get("with", []), types)
            if below:
                return [vertex, *below]
        return None

    def amount(vertices, kind):
        return sum(count(vertex) * ((vertex["type"] == kind) + amount(vertex.get("with", []), kind)) for vertex in vertices)

    path = find(jobspec["resources"], {"node"}) or find(jobspec["resources"], {"slot"})
    times = math.prod(map(count, path))
    *above, last = path
    inside = last.get("with", [])
    cores, gpus = amount(inside, "core"), amount(inside, "gpu")
    ranks = None if admitted is None else frozenset(admitted)
    if last["type"] == "slot":
        return Shape(slots=times, cores=cores or (0 if gpus else 1), gpus=gpus, ranks=ranks)
    exclusive = bool(last.get("exclusive")) or any(v["type"] == "slot" or v.get("exclusive") for v in above)
    slots = math.prod(map(count, find(inside, {"slot"}) or []))
    return Shape(nodes=times, slots=slots, cores=(cores or (0 if gpus else 1)) // slots or (0 if gpus else 1),
                 gpus=gpus // slots, exclusive=exclusive, ranks=ranks)
