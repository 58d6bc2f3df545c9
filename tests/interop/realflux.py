"""A real Flux instance for a test, and what Flux's own commands say of it."""
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import tempfile

import harness
from demand import Job, NOTHING, Room, World, shape_of_jobspec


# Which scheduler instances get that name none, and how it queues. tools/interop.sh runs the tests under each.
SCHEDULER = os.environ.get("FLUX_METRICS_SCHED", "")
SIMPLE = '[modules]\nalternatives.sched = "sched-simple"\n'
# Under its default, fcfs, jobs wider than what is up fail; test_real_fluxion.py has the tests of that.
FLUXION = '[sched-fluxion-qmanager]\nqueue-policy = "easy"\n'


def has_fluxion():
    folder = subprocess.run(["flux", "config", "builtin", "module_path"], text=True, capture_output=True, check=False,
                            env=harness.clean_environment()).stdout.strip()
    return any(os.path.exists(os.path.join(path, "sched-fluxion-qmanager.so")) for path in folder.split(":"))


def scheduler_config(config):
    """What must be added to a configuration that names no scheduler."""
    if "sched-fluxion" in config or "alternatives.sched" in config or not has_fluxion():
        return ""  # without Fluxion sched-simple is the only one
    return SIMPLE if SCHEDULER == "simple" else FLUXION


def idset(text):
    """"0-2,7" or "[0-2,7]" -> {0, 1, 2, 7}"""
    ranks = set()
    for part in text.strip("[]").split(","):
        if part:
            first, _, last = part.partition("-")
            ranks |= set(range(int(first), int(last or first) + 1))
    return ranks


def rooms(document):
    """R (RFC 20) -> {rank: Room}"""
    found = {}
    for entry in document["execution"]["R_lite"]:
        children = entry["children"]
        for rank in idset(entry["rank"]):
            found[rank] = Room(len(idset(children.get("core", ""))), len(idset(children.get("gpu", ""))))
    return found


class Instance:
    """`flux start --test-size=N` that stays until the with block ends. `config`: text of a TOML file.
    `folder`: where to live, for an instance that takes another one's place. `guests`: other users may connect."""

    def __init__(self, size=4, config="", resources=None, folder=None, guests=False, excluded=0):
        self.size = size
        self.up = size - excluded
        self.given_folder = folder
        self.guests = guests
        self._config = config
        self._resources = resources

    def __enter__(self):
        self.folder = self.given_folder or tempfile.mkdtemp(prefix="fma-flux-")
        rundir = os.path.join(self.folder, "run")
        shutil.rmtree(rundir, ignore_errors=True)
        os.mkdir(rundir)
        if self.guests:
            for path in (self.folder, rundir):
                os.chmod(path, 0o755)
        self.uri = f"local://{rundir}/local-0"
        self.environment = harness.clean_environment()
        config = scheduler_config(self._config) + self._config
        if self._resources:
            path = os.path.join(self.folder, "R")
            with open(path, "w", encoding="utf-8") as file:
                subprocess.run(["flux", "R", "encode", *self._resources], check=True, stdout=file, env=self.environment)
            config += f'\n[resource]\npath = "{path}"\nnoverify = true\n'
        with open(os.path.join(self.folder, "flux.toml"), "w", encoding="utf-8") as file:
            file.write(config)
        self._output = open(os.path.join(self.folder, "output"), "w+", encoding="utf-8")
        # The first program reads until its input is closed: that ends the instance in good order.
        self.process = subprocess.Popen(
            ["flux", "start", f"--test-size={self.size}", f"--test-hosts=node[0-{self.size - 1}]",
             f"--test-rundir={rundir}", "--test-exit-mode=leader", "--config-path", os.path.join(self.folder, "flux.toml"),
             "cat"], env=self.environment, stdin=subprocess.PIPE, stdout=self._output, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=harness._die_with_parent)
        try:
            harness.eventually(self._is_up, f"a Flux instance of {self.size}", 60)
            self.pids = self._pids()
            # Ranks that were lost leave R of an instance that found its resources by itself; they are remembered here.
            self.first_rooms = rooms(self.json("resource", "R"))
            self.properties = {name: idset(ranks) for name, ranks in
                               self.json("resource", "R")["execution"].get("properties", {}).items()}
            settings = self.json("config", "get")
            self.queue_requires = settings.get("queues", {})
            policy = settings.get("sched-fluxion-resource", {}).get("match-policy", "first")
            self.whole_nodes = policy in ("lonodex", "hinodex", "firstnodex") or "node_exclusive=true" in policy.split()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _is_up(self):
        if self.process.poll() is not None:
            self._output.seek(0)
            raise AssertionError(f"flux start ended with {self.process.returncode}: {self._output.read()}")
        done = subprocess.run(["flux", "resource", "list", "-n", "-s", "up", "-o", "{nnodes}"], text=True,
                              env={**self.environment, "FLUX_URI": self.uri}, capture_output=True, check=False)
        return done.returncode == 0 and done.stdout.strip() == str(self.up)

    def _pids(self):
        pids = {}
        for rank in range(self.size):
            pids[rank] = int(self.flux("exec", "-r", str(rank), "flux", "getattr", "broker.pid"))
        return pids

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in [*getattr(self, "pids", {}).values(), self.process.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        self._output.close()
        if not self.given_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill_broker(self, rank):
        os.kill(self.pids[rank], signal.SIGKILL)
        harness.eventually(lambda: rank in self.ranks("offline"), f"rank {rank} offline")

    def flux(self, *arguments, check=True):
        done = subprocess.run(["flux", *arguments], env={**self.environment, "FLUX_URI": self.uri}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"flux {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def json(self, *arguments):
        return json.loads(self.flux(*arguments))

    def submit(self, *arguments):
        return int(self.flux("job", "id", self.flux("submit", *arguments)))

    # What Flux's commands say.

    def resources(self):
        """`flux resource list`: {state: (nodes, cores, gpus)}"""
        text = self.flux("resource", "list", "-n", "--no-skip-empty", "-s", "all,up,down,allocated,free",
                         "-o", "{state}|{nnodes}|{ncores}|{ngpus}")
        table = {}
        for line in text.splitlines():
            state, *numbers = line.split("|")
            table[state] = tuple(map(int, numbers))
        return table

    def ranks(self, state):
        """Ranks of a state of `flux resource status` (online, offline, drained, torpid, exclude, ...)."""
        text = self.flux("resource", "status", "-n", "--skip-empty", "-s", state, "-o", "{ranks}")
        return set().union(*(idset(line) for line in text.splitlines())) if text else set()

    def drains(self):
        """`flux resource drain`: {rank: reason}"""
        found = {}
        for line in self.flux("resource", "drain", "-n", "-o", "{ranks}|{reason}").splitlines():
            ranks, _, reason = line.partition("|")
            found.update(dict.fromkeys(idset(ranks), reason))
        return found

    def jobs(self):
        """`flux jobs -a` of everybody: a list of dictionaries."""
        text = self.flux("jobs", "-A", "-a", "-c0", "-n", "-o",
                         "{id.dec}|{state}|{queue}|{priority}|{result}|{nnodes}|{ncores}|{duration}")
        names = ("id", "state", "queue", "priority", "result", "nnodes", "ncores", "duration")
        return [dict(zip(names, line.split("|"))) for line in text.splitlines()]

    def queues(self):
        """`flux queue status`: {queue: started}; {"": started} when there are no queues."""
        text = self.flux("queue", "status")
        names = [name for name in self.queue_requires] or [""]
        found = {}
        for name in names:
            prefix = f"{name}: " if name else ""
            found[name] = f"{prefix}Scheduling is started" in text.splitlines()
        return found

    def jobspec(self, number):
        return self.json("job", "info", str(number), "jobspec")

    def held(self, number):
        """What a running job holds: Room, by `flux job info ID R`."""
        total = NOTHING
        for room in rooms(json.loads(self.flux("job", "info", str(number), "R"))).values():
            total += room
        return total

    def admitted(self, jobspec):
        """Ranks that the jobspec's constraint (properties only: what these tests use) admits; None for all."""
        wanted = jobspec["attributes"]["system"].get("constraints", {}).get("properties", [])
        if not wanted:
            return None
        return set.intersection(*(self.properties.get(name, set()) for name in wanted))

    def world(self):
        """All of it, as the calculation of demand.py wants it."""
        jobs, started = self.jobs(), self.queues()
        world = World(size=int(self.flux("getattr", "size")), rooms=self.first_rooms,
                      used=rooms(self.json("resource", "R", "-s", "allocated")),
                      offline=self.ranks("offline"), excluded=self.ranks("exclude"), torpid=self.ranks("torpid"),
                      drains=self.drains(), queues=tuple(started))
        for job in jobs:
            number, queue = int(job["id"]), job["queue"]
            if job["state"] in ("RUN", "CLEANUP"):
                gpus = self.held(number).gpus
                world.running.append((queue, int(job["nnodes"]), int(job["ncores"]), gpus))
            elif job["state"] == "SCHED" and int(job["priority"]) > 0 and started[queue]:
                jobspec = self.jobspec(number)
                world.eligible.append(Job(shape_of_jobspec(jobspec, self.admitted(jobspec)), queue, number))
        return dataclasses.replace(world, whole_nodes=self.whole_nodes)


class MiniCluster(Instance):
    """Brokers that are told of each other by a configuration, as the operator does it: each can end and come back."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="fma-flux-")
        self.uri = f"local://{self.folder}/run0/local"
        self.environment = harness.clean_environment()
        self.brokers, self._outputs = {}, []
        hosts = f"node[0-{self.size - 1}]"
        ipc = f"ipc://{self.folder}/leader"
        subprocess.run(["flux", "keygen", f"{self.folder}/curve.cert"], check=True, env=self.environment)
        with open(f"{self.folder}/R", "w", encoding="utf-8") as file:
            subprocess.run(["flux", "R", "encode", f"--ranks=0-{self.size - 1}", "--cores=0-3", f"--hosts={hosts}"],
                           check=True, stdout=file, env=self.environment)
        with open(f"{self.folder}/flux.toml", "w", encoding="utf-8") as file:
            file.write(scheduler_config(self._config) + self._config + f"""
[bootstrap]
curve_cert = "{self.folder}/curve.cert"
hosts = [{{host="node0", bind="{ipc}", connect="{ipc}"}}, {{host="node[1-{self.size - 1}]"}}]
[resource]
path = "{self.folder}/R"
noverify = true
""")
        try:
            for rank in range(self.size):
                self.start_broker(rank)
            harness.eventually(self._is_up, f"a MiniCluster of {self.size}", 120)
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_broker(self, rank):
        """As a pod that comes up."""
        rundir = f"{self.folder}/run{rank}"
        shutil.rmtree(rundir, ignore_errors=True)
        os.mkdir(rundir)
        output = open(f"{self.folder}/output{rank}", "a", encoding="utf-8")
        self._outputs.append(output)
        self.brokers[rank] = subprocess.Popen(
            ["flux", "broker", f"--config-path={self.folder}/flux.toml", f"-Shostname=node{rank}", f"-Srundir={rundir}",
             f"-Slocal-uri=local://{rundir}/local", "-Sbroker.quorum=1", *(["cat"] if rank == 0 else [])],
            env=self.environment, stdin=subprocess.PIPE if rank == 0 else subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=harness._die_with_parent)

    def end_broker(self, rank):
        """As a pod whose grace period is over."""
        self.brokers[rank].kill()
        self.brokers.pop(rank).wait()
        harness.eventually(lambda: rank in self.ranks("offline"), f"rank {rank} offline", 60)

    def _is_up(self):
        for rank, broker in self.brokers.items():
            if broker.poll() is not None:
                with open(f"{self.folder}/output{rank}", encoding="utf-8") as output:
                    raise AssertionError(f"the broker of rank {rank} ended with {broker.returncode}: {output.read()}")
        done = subprocess.run(["flux", "resource", "list", "-n", "-s", "up", "-o", "{nnodes}"], text=True,
                              env={**self.environment, "FLUX_URI": self.uri}, capture_output=True, check=False)
        return done.returncode == 0 and done.stdout.strip() == str(self.size)

    def __exit__(self, *_):
        if 0 in self.brokers:
            self.brokers[0].stdin.close()
        for broker in self.brokers.values():
            try:
                broker.wait(30)
            except subprocess.TimeoutExpired:
                broker.kill()
                broker.wait()
        for output in self._outputs:
            output.close()
        shutil.rmtree(self.folder, ignore_errors=True)
