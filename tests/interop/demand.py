"""The sizing metrics, calculated a second time: slow, short, and written without a look at the program's own code.

Numbers are worked out by trying: a job is put on the lowest ranks with room, and the smallest number of ranks that
is enough is found by counting up.
"""
import collections
import dataclasses
import math

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
    """N nodes of S slots (N None: S slots anywhere) of C cores and G gpus; `ranks` None: all admitted."""
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
        if shape.nodes:
            if free.cores < need.cores or free.gpus < need.gpus or (shape.exclusive and not used.empty()):
                continue
            got[rank] = capacity[rank] if shape.exclusive else need
            left -= 1
        else:
            count = min([left, free.cores // need.cores if need.cores else left]
                        + ([free.gpus // need.gpus] if need.gpus else []))
            if count:
                got[rank] = Room(count * need.cores, count * need.gpus)
                left -= count
    return got if left == 0 else None


def first_size(world, shape, usable, used):
    """The smallest n such that the shape fits the usable ranks below n: (n, ranks taken), or None."""
    for n in range(1, world.size + 1):
        got = place(shape, world.rooms, used, [rank for rank in usable if rank < n])
        if got is not None:
            return n, set(got)
    return None


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
        "node_demand_count": {queue: node_demand(world, queue) for queue in world.queues},
        **amounts(world),
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


def node_demand(world, queue):
    jobs = held_shapes(world, queue) + [job for job in world.eligible if job.queue == queue]
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
            if got is None:  # larger than a node of any kind: it still needs as many nodes as it names
                got = {rank: kind for rank in list(capacity)[-(job.shape.nodes or job.shape.slots):]}
            for rank, room in got.items():
                taken[rank] = taken.get(rank, NOTHING) + room
        total += sum(not room.empty() for room in taken.values())
    return total


def amounts(world):
    cores, gpus = {}, {}
    for queue in world.queues:
        sums = Room(sum(c for name, _, c, _ in world.running if name == queue),
                    sum(g for name, _, _, g in world.running if name == queue))
        for job in world.eligible:
            if job.queue != queue:
                continue
            shape = job.shape
            one = common_kind(world, shape) if shape.exclusive else shape.per_node()
            times = shape.nodes or shape.slots
            sums += Room(one.cores * times, one.gpus * times)
        cores[queue], gpus[queue] = sums.cores, sums.gpus
    return {"core_demand_count": cores, "gpu_demand_count": gpus}


def shape_of_jobspec(jobspec, admitted=None):
    """RFC 14 version 1 -> Shape. `admitted`: the ranks that its constraints and its queue leave, None for all."""
    def count(vertex):
        value = vertex["count"]
        return value["min"] if isinstance(value, dict) else value

    vertex = jobspec["resources"][0]
    nodes, exclusive = None, False
    if vertex["type"] == "node":
        nodes, exclusive = count(vertex), bool(vertex.get("exclusive"))
        vertex = vertex["with"][0]
    amount = {child["type"]: count(child) for child in vertex["with"]}
    return Shape(nodes=nodes, slots=count(vertex), cores=amount.get("core", 0), gpus=amount.get("gpu", 0),
                 exclusive=exclusive, ranks=None if admitted is None else frozenset(admitted))
