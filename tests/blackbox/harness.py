"""Helpers of the black-box tests: the built program as a process, and HTTP towards it. Standard library only.

Every process that is started here ends with the `with` block that started it, and dies with this test should the
test be killed. Waiting is polling with a generous deadline, so that tests also pass in slow sanitizer builds.
"""
import contextlib
import ctypes
import datetime
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = os.environ.get("FLUX_METRICS_API", "flux-metrics-api")
DEADLINE = 30.0  # for things that take well under a second on an idle machine
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
CUSTOM = "/apis/custom.metrics.k8s.io"
# Metrics that the clock moves, or that take somebody who has watched for a while.
OF_TIME = frozenset({"job_wait_oldest_seconds", "job_finished_per_second", "node_arrival_seconds"})


def eventually(question, what, deadline=DEADLINE, pause=0.02):
    """Asks until the answer is true, and returns it; AssertionError naming `what` when the deadline passes."""
    end = time.monotonic() + deadline
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s: {what}; last answer: {answer!r}")
        time.sleep(pause)


_ports_held = []


def free_port():
    """A port that is this process's until it ends, below those that the kernel lends to connections.

    A port that was bound and let go again may be anybody's a moment later, as many tests run at once. So each port
    is held by a name among the abstract Unix sockets: one process has it, and the kernel frees it with the process.
    """
    first = random.randrange(22000)
    for port in (10000 + (first + step) % 22000 for step in range(22000)):
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0flux-metrics-api-tests-port-{port}")
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind(("", port))
        except OSError:
            held.close()
            continue
        _ports_held.append(held)
        return port
    raise AssertionError("no port between 10000 and 32000 is free")


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def clean_environment(**extra):
    """This environment without what would lead the program to a Flux of this machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLUX_")}
    return {**environment, **{name: str(value) for name, value in extra.items()}}


def run(*arguments, environment=None, timeout=DEADLINE * 2):
    """Runs the program to its end: a CompletedProcess with text."""
    return subprocess.run([BINARY, *map(str, arguments)], env=environment or clean_environment(), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          check=False)


class Program:
    """The program in the background; what it prints goes to a file that log() reads."""

    def __init__(self, *arguments, environment=None, expected_exit=0):
        self.arguments = [str(argument) for argument in arguments]
        self.expected_exit = expected_exit
        self._environment = environment or clean_environment()
        self._output = tempfile.TemporaryFile()
        self.process = None

    def __enter__(self):
        try:
            self.process = subprocess.Popen([BINARY, *self.arguments], env=self._environment, stdin=subprocess.DEVNULL,
                                            stdout=self._output, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
            self.ready()
        except BaseException:
            if self.process:
                self.kill()
                print(f"--- output of {' '.join(self.arguments)}:\n{self.log()}", file=sys.stderr)
            self._output.close()
            self.tidy()
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            code = self.end()
            if kind is None and self.expected_exit is not None and code != self.expected_exit:
                raise AssertionError(f"{self.arguments[0]} ended with {code}, not {self.expected_exit}:\n{self.log()}")
            if kind is not None:
                print(f"--- output of {' '.join(self.arguments)}:\n{self.log()[-8000:]}", file=sys.stderr)
        finally:
            self._output.close()
            self.tidy()

    def ready(self):
        """Returns when the program can be talked to."""

    def tidy(self):
        """Removes what was made for the program, however it ended."""

    def log(self):
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def wait_log(self, pattern, deadline=DEADLINE):
        return eventually(lambda: re.search(pattern, self.log(), re.M), f"/{pattern}/ in the log:\n{self.log()}", deadline)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()
        self.expected_exit = None

    def end(self):
        """Asks it to end as Kubernetes would, insists after a while; returns the exit code."""
        if self.running():
            self.signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.arguments[0]} does not end on SIGTERM:\n{self.log()}") from None
        return self.process.returncode


def _unix_answers(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
            return True
        except OSError:
            return False


class Simulator(Program):
    """`flux-metrics-api simulate`: the only double of Flux. `uri` is its FLUX_URI."""

    def __init__(self, *arguments, socket_path=None, size=2, max_size=4, cores=4, expected_exit=0, **more):
        self.folder = None if socket_path else tempfile.mkdtemp(prefix="fma-")
        self.path = str(socket_path or os.path.join(self.folder, "local"))
        self.uri = f"local://{self.path}"
        options = {"size": size, "max_size": max_size, "cores": cores, **more}
        flags = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        super().__init__("simulate", "--socket", self.path, *flags, *arguments, expected_exit=expected_exit)

    def ready(self):
        eventually(lambda: not self.running() or _unix_answers(self.path), f"a socket at {self.path}")
        if not self.running():
            raise AssertionError(f"simulate ended at once with {self.process.returncode}:\n{self.log()}")

    def tidy(self):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, *arguments):
        """`simulate-ctl` towards this instance; returns what it printed, without the newline."""
        done = run("simulate-ctl", *arguments, environment=clean_environment(FLUX_URI=self.uri))
        if done.returncode != 0:
            raise AssertionError(f"simulate-ctl {arguments}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def requests(self):
        """How many requests the simulated broker has received."""
        return json.loads(self.ctl("stats"))["requests"]

    def get(self, *metrics):
        """`get -o json` of this instance: {name: value, or {label values: value}, or None when missing}."""
        return get_metrics(self.uri, *metrics)


def get_metrics(uri, *metrics, options=()):
    """`get -o json`, reduced to {name: number | {(label values): number} | None}."""
    return reduce_metrics(get_document(uri, *metrics, options=options))


def get_document(uri, *metrics, options=()):
    done = run("get", *metrics, "-o", "json", *options, environment=clean_environment(FLUX_URI=uri))
    if done.returncode != 0:
        raise AssertionError(f"get: exit {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def reduce_metrics(document):
    values = {}
    for metric in document["metrics"]:
        if "missing" in metric:
            values[metric["name"]] = None
        elif all(not item["labels"] for item in metric["items"]) and len(metric["items"]) == 1:
            values[metric["name"]] = metric["items"][0]["value"]
        else:
            values[metric["name"]] = {tuple(item["labels"].values()): item["value"] for item in metric["items"]}
    return values


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def value(self):
        """The one item of a MetricValueList."""
        items = self.json()["items"]
        if len(items) != 1:
            raise AssertionError(f"{len(items)} items: {self.body!r}")
        return items[0]

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fetch(port, path, host="127.0.0.1", tls=False, ca=None, headers=None, method="GET", timeout=DEADLINE,
          server_hostname=None):
    """One request. `ca`: file that must have signed the server's certificate; without it TLS is not verified."""
    if tls:
        context = ssl.create_default_context(cafile=ca) if ca else unverified()
        connection = http.client.HTTPSConnection(server_hostname or host, port, timeout=timeout, context=context)
        if server_hostname:
            connection._create_connection = lambda _, *rest: socket.create_connection((host, port), *rest)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


class Server(Program):
    """`flux-metrics-api start` on a free port of 127.0.0.1 (or `host`)."""

    def __init__(self, *arguments, uri=None, host="127.0.0.1", port=None, expected_exit=0):
        self.host = host
        self.port = port or free_port()
        super().__init__("start", "--host", host, "--port", self.port, *arguments, expected_exit=expected_exit,
                         environment=clean_environment(**({"FLUX_URI": uri} if uri else {})))

    def ready(self):
        eventually(self._bound, f"a listener at port {self.port}", pause=0.002)

    def _bound(self):
        if not self.running():
            raise AssertionError(f"start ended at once with {self.process.returncode}:\n{self.log()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE).close()
            return True
        except OSError:
            return False

    def get(self, path, **options):
        return fetch(self.port, path, **options)

    def metric(self, name, namespace="flux-operator", version="v1beta2", **options):
        return self.get(f"{CUSTOM}/{version}/namespaces/{namespace}/metrics/{name}", **options)

    def number(self, name):
        """The metric's value as text, or None while it is not 200."""
        answer = self.metric(name)
        return answer.value()["value"] if answer.status == 200 else None

    def wait_number(self, name, wanted, deadline=DEADLINE):
        eventually(lambda: count_of(self.number(name)) == count_of(str(wanted)),
                   f"{name} = {wanted}, last {self.metric(name)}", deadline)


def count_of(quantity):
    """2000 of "2k"; what is no whole number stays as it is, None too."""
    found = re.fullmatch(r"(-?\d+)([kMG]?)", quantity or "")
    return int(found[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[found[2]] if found else quantity


def utc_age(text):
    """Seconds since a timestamp as the API writes it."""
    if not TIMESTAMP.match(text):
        raise AssertionError(f"not an RFC 3339 UTC timestamp with whole seconds: {text!r}")
    then = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()


def make_certificate(folder, *names):
    """A self-signed certificate with openssl: (certificate file, key file); SkipTest where there is no openssl."""
    if not shutil.which("openssl"):
        raise unittest.SkipTest("no openssl command here")
    certificate, key = pathlib.Path(folder) / "tls.crt", pathlib.Path(folder) / "tls.key"
    subject = ",".join(f"IP:{name}" if re.match(r"^[\d.]+$", name) else f"DNS:{name}" for name in names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={subject}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return str(certificate), str(key)


class ForeignHost:
    """A network namespace with its own address, joined to this host by a cable: a peer that is not this host.
    Leaves nothing behind. Raises SkipTest where it cannot be made."""

    def __init__(self):
        self.name = f"fma{os.getpid()}"
        self.here, self.there = "198.18.77.1", "198.18.77.2"

    def __enter__(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("making a network namespace needs root")
        if not shutil.which("ip"):
            raise unittest.SkipTest("no ip command here")
        try:
            self._ip("netns", "add", self.name)
            self._ip("link", "add", self.name + "a", "type", "veth", "peer", "name", self.name + "b", "netns", self.name)
            self._ip("addr", "add", f"{self.here}/30", "dev", self.name + "a")
            self._ip("link", "set", self.name + "a", "up")
            self._ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", self.name + "b")
            self._ip("-n", self.name, "link", "set", self.name + "b", "up")
        except subprocess.CalledProcessError as error:
            self.__exit__()
            raise unittest.SkipTest(f"no network namespace here: {error.stderr.strip()}") from None
        return self

    def __exit__(self, *_):
        for command in (["link", "del", self.name + "a"], ["netns", "del", self.name]):
            subprocess.run(["ip", *command], capture_output=True, check=False)

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

    def fetch(self, port, path, tls=False):
        """As harness.fetch, from over there to this host: (status, body)."""
        script = (f"import sys; sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r}); import harness\n"
                  f"a = harness.fetch({port}, {path!r}, host={self.here!r}, tls={tls})\n"
                  "print(a.status); print(a.body.decode())")
        done = subprocess.run(["ip", "netns", "exec", self.name, sys.executable, "-B", "-c", script], text=True,
                              capture_output=True, timeout=DEADLINE * 2, check=True)
        status, _, body = done.stdout.partition("\n")
        return int(status), body


def main(module="__main__"):
    """unittest.main() that ends with one line for each skipped test, so that no skip reads as a pass."""
    program = unittest.main(module=module, exit=False, verbosity=2)
    for case, reason in program.result.skipped:
        print(f"SKIPPED: {case.id().removeprefix('__main__.')}: {reason}", file=sys.stderr)
    sys.exit(not program.result.wasSuccessful())
