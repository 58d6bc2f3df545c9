"""Each jobspec of docs/jobspecs.md: what is counted while it waits, and what a real Flux then gives it."""
import json
import os
import re
import subprocess
import tempfile
import unittest

import harness
import realflux

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "jobspecs.md")
NODES, CORES = 4, 4
PLAIN = ("-r", f"0-{NODES - 1}", "-c", f"0-{CORES - 1}", "-g", "0", "-H", f"node[0-{NODES - 1}]")
FLUXION = '[sched-fluxion-qmanager]\nqueue-policy = "easy"\n[sched-fluxion-resource]\nmatch-policy = "lonode"\n'
SIMPLE = '[modules]\nalternatives.sched = "sched-simple"\n'


def tables():
    """The tables of the document with a column "counted": lists of {column: cell}."""
    found, head = [], None
    with open(DOCUMENT, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("|"):
                head = None
                continue
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if head is None:
                head = cells
                found.append([])
            elif not set(line) <= set("|-\n"):
                found[-1].append(dict(zip(head, cells)))
    return [table for table in found if table and "counted" in table[0]]


def tree(text):
    """"node 2! > slot 1 > core 2 + gpu 1" -> the resources of a jobspec."""
    level, _, below = text.partition(" > ")
    vertices = []
    for part in level.split(" + "):
        kind, count = part.rstrip("!").split(" ", 1)
        vertices.append({"type": kind, "count": json.loads(count)})
        if part.endswith("!"):
            vertices[-1]["exclusive"] = True
        if kind == "slot":
            vertices[-1]["label"] = "task"
    if below:
        vertices[-1]["with"] = tree(below)
    return vertices


def jobspec(text):
    plain = re.fullmatch(r'[^"{]*', text) is not None
    return {"version": 1 if plain else 9999, "resources": tree(text),
            "tasks": [{"command": ["true"], "slot": "task", "count": {"per_slot": 1}}],
            "attributes": {"system": {"duration": 0}}}


def R_with_a_graph():
    """R of four nodes, each of two sockets of two cores, with a gpu in the first."""
    nodes, edges = [], []

    def add(above, kind, number, rank=-1):
        name = f"{kind}{number}"
        path = (above["metadata"]["paths"]["containment"] if above else "") + "/" + name
        vertex = {"id": str(len(nodes)), "metadata": {
            "type": kind, "basename": kind, "name": name, "id": number, "uniq_id": len(nodes), "rank": rank,
            "exclusive": False, "unit": "", "size": 1, "paths": {"containment": path}}}
        nodes.append(vertex)
        if above:
            edges.append({"source": above["id"], "target": vertex["id"], "metadata": {"subsystem": "containment"}})
        return vertex

    cluster = add(None, "cluster", 0)
    for rank in range(NODES):
        node = add(cluster, "node", rank, rank)
        for number in range(2):
            socket = add(node, "socket", number, rank)
            for core in (2 * number, 2 * number + 1):
                add(socket, "core", core, rank)
            if number == 0:
                add(socket, "gpu", 0, rank)
    return {"version": 1, "execution": {"R_lite": [{"rank": "0-3", "children": {"core": "0-3", "gpu": "0"}}],
                                        "starttime": 0.0, "expiration": 0.0, "nodelist": ["node[0-3]"]},
            "scheduling": {"graph": {"directed": False, "nodes": nodes, "edges": edges}}}


def scheduler(flux):
    return "Fluxion" if "sched-fluxion" in flux.flux("module", "list") else "sched-simple"


class Jobspecs(unittest.TestCase):
    maxDiff = None

    def submit(self, flux, text):
        """Held, so that nobody looks at it yet."""
        spec = jobspec(text)
        flags = [] if spec["version"] == 1 else ["--flags=novalidate"]
        done = subprocess.run(["flux", "job", "submit", "--urgency=0", *flags], input=json.dumps(spec), text=True,
                              capture_output=True, check=False, env={**flux.environment, "FLUX_URI": flux.uri})
        self.assertEqual(done.returncode, 0, f"{text}: {done.stderr}")
        return done.stdout.strip()

    def numbers(self, flux):
        got = harness.get_metrics(flux.uri, options=("--hold", "0s", "--patience", "0s"))
        return [sum(got[name].values()) if isinstance(got[name], dict) else got[name]
                for name in ("node_demand_count", "core_demand_count", "gpu_demand_count")]

    def counted(self, flux, job, before):
        """Nodes, cores and gpus that are counted for the job while it waits for busy nodes; None: it is denied."""
        flux.flux("job", "urgency", job, "16")
        now = self.numbers(flux)
        if flux.flux("jobs", "-n", "-o", "{state}", job) != "SCHED":
            return None
        flux.flux("job", "urgency", job, "0")
        return "/".join(str(int(after - first)) for after, first in zip(now, before))

    def given(self, flux, job):
        """What the job gets when nothing else runs, or what becomes of it instead."""
        flux.flux("job", "urgency", job, "16", check=False)
        if subprocess.run(["flux", "job", "wait-event", "-t10", job, "alloc"], capture_output=True, check=False,
                          env={**flux.environment, "FLUX_URI": flux.uri}).returncode == 0:
            rooms = realflux.rooms(json.loads(flux.flux("job", "info", job, "R")))
            amounts = (len(rooms), sum(room.cores for room in rooms.values()), sum(room.gpus for room in rooms.values()))
            result = "/".join(map(str, amounts))
        else:
            result = "waits" if flux.flux("jobs", "-n", "-o", "{state}", job) == "SCHED" else "denied"
        flux.flux("cancel", job, check=False)
        flux.flux("job", "wait-event", "-t20", job, "clean", check=False)
        return result

    def compare(self, rows, column, **instance):
        with realflux.Instance(size=NODES, **instance) as flux:
            if column != scheduler(flux):
                self.skipTest(f"{column} is not installed")
            blocker = flux.flux("submit", f"-N{NODES}", "--exclusive", "sleep", "inf")
            flux.flux("job", "wait-event", "-t20", blocker, "start")
            before = self.numbers(flux)
            jobs = [self.submit(flux, row["jobspec"].strip("`")) for row in rows]
            counted = [self.counted(flux, job, before) for job in jobs]
            flux.flux("cancel", blocker)
            flux.flux("job", "wait-event", "-t20", blocker, "clean")
            got = [(row["jobspec"], numbers if numbers is not None else row["counted"], self.given(flux, job))
                   for row, job, numbers in zip(rows, jobs, counted)]
        self.assertEqual(got, [(row["jobspec"], row["counted"], row[column]) for row in rows])

    def test_what_differs_is_explained(self):
        for row in (row for table in tables() for row in table):
            others = {row[name] for name in ("Fluxion", "sched-simple") if name in row} - {row["counted"]}
            self.assertEqual(bool(others), bool(row["why"]), row["jobspec"])
        self.assertGreaterEqual(sum(map(len, tables())), 30)

    def test_fluxion(self):
        self.compare(tables()[0], "Fluxion", config=FLUXION, resources=PLAIN)

    def test_fluxion_with_sockets(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(R_with_a_graph(), file)
            file.flush()
            self.compare(tables()[1], "Fluxion", config=f'{FLUXION}[resource]\npath = "{file.name}"\nnoverify = true\n')

    def test_sched_simple(self):
        self.compare(tables()[0], "sched-simple", config=SIMPLE, resources=PLAIN)


if __name__ == "__main__":
    harness.main()
