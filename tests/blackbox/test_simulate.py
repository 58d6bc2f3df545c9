"""`simulate` and `simulate-ctl` as people and programs meet them: the command line, the socket, the steering."""
import errno
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import fluxwire
import harness
from harness import Simulator, clean_environment, eventually, run


def states(broker):
    return broker.rpc("job-list.job-stats")["job_states"]


def dothex(job_id):
    return ".".join(f"{job_id >> shift & 0xffff:04x}" for shift in (48, 32, 16, 0))


class CommandLine(unittest.TestCase):
    def test_it_prints_its_uri_and_removes_its_socket(self):
        process = subprocess.Popen([harness.BINARY, "simulate"], stdout=subprocess.PIPE, text=True,
                                   env=clean_environment())
        try:
            line = process.stdout.readline()
            self.assertRegex(line, r"^FLUX_URI=local:///\S+$")
            path = line.strip().removeprefix("FLUX_URI=local://")
            self.assertIn("simulate-ctl", process.stdout.readline())
            self.assertEqual(os.stat(os.path.dirname(path)).st_mode & 0o777, 0o700)
            with fluxwire.Broker(path) as broker:
                self.assertEqual(broker.rpc("attr.get", {"name": "local-uri"})["value"], f"local://{path}")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(harness.DEADLINE), 0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        self.assertFalse(os.path.exists(os.path.dirname(path)))

    def test_misuse_is_told_with_a_sentence(self):
        with tempfile.TemporaryDirectory() as folder, Simulator() as running:
            trace = pathlib.Path(folder) / "trace"
            trace.write_text('{"t":0,"slots":1}\n{"t":0,"slots":"x"}\n', encoding="utf-8")
            for arguments, words in (
                    (("--size", 5, "--max-size", 4), "the size 5 is above the maximum size 4"),
                    (("--size", 0), "the size is 0"),
                    (("--max-size", 0), "the maximum size is 0"),
                    (("--cores", 0), "0 cores"),
                    (("--speed", 0), "speed"),
                    (("--queue", "a", "--queue", "a"), "'a' is given twice"),
                    (("--queue", "a=7"), "rank 7"),
                    (("--queue", "="), "NAME=RANKS"),
                    (("--trace", folder + "/none"), "cannot be read"),
                    (("--trace", trace), f"{trace}, line 2: field 'slots' is not a whole number"),
                    (("--socket", running.path), "another program listens on"),
                    (("--socket", folder + "/no/such"), "no directory"),
                    (("--socket", folder + "/" + "x" * 120), "107"),
                    (("--socket", trace), "is not a socket")):
                with self.subTest(arguments=arguments):
                    done = run("simulate", *arguments)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(words, done.stderr)
            self.assertTrue(trace.exists())
            self.assertEqual(running.ctl("clock").split()[-2:], ["speed", "1"])

    def test_a_socket_that_was_left_behind_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            with Simulator(socket_path=path, expected_exit=None) as first:
                first.kill()
                self.assertTrue(os.path.exists(path))
                with Simulator(socket_path=path) as second:
                    second.ctl("clock")
            self.assertFalse(os.path.exists(path))

    def test_a_trace_submits_itself(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as trace:
            trace.write('{"t":0,"nodes":2,"duration":5}\n{"t":1,"slots":2,"cores":2,"duration":5,"queue":null}\n')
            trace.flush()
            with Simulator(trace=trace.name, speed=20) as simulator, fluxwire.Broker(simulator.path) as broker:
                eventually(lambda: broker.rpc("job-list.job-stats")["successful"] == 2, "both jobs of the trace")


class Steering(unittest.TestCase):
    def test_brokers_come_and_go(self):
        with Simulator(speed=10) as simulator, fluxwire.Broker(simulator.path) as broker:
            def online():
                return broker.rpc("resource.status")["online"]
            self.assertEqual(online(), "0-1")
            simulator.ctl("online", "2-3")
            eventually(lambda: online() == "0-3", "four ranks")
            simulator.ctl("offline", "3", "--lost")
            simulator.ctl("offline", "1-2")
            eventually(lambda: online() == "0", "one rank")
            children = broker.rpc("overlay.health")["children"]
            self.assertEqual([child["status"] for child in children], ["offline", "offline", "lost"])

    def test_the_broker_of_a_deleted_pod_takes_jobs_until_it_is_killed(self):
        with Simulator("--pod-grace", "20s", size=4, speed=10) as simulator, fluxwire.Broker(simulator.path) as broker:
            def online():
                return broker.rpc("resource.status")["online"]

            def failures():
                jobs = broker.rpc("job-list.list", {"max_entries": 100, "attrs": ["all"], "constraint": {"states": ["inactive"]}})
                return [job["exception_note"] for job in jobs["jobs"]]
            deleted = time.monotonic()
            simulator.ctl("offline", "1-3")
            simulator.ctl("submit", "-N4")
            eventually(lambda: states(broker)["run"] == 1, "a job on ranks whose pods are deleted")
            eventually(lambda: failures(), "the job's end")
            self.assertGreaterEqual(time.monotonic() - deleted, 2)
            self.assertEqual(failures(), ["node failure on flux-sample-1 (rank 1)"])
            eventually(lambda: online() == "0", "the ends of all brokers whose pods were deleted")

    def test_a_second_broker_takes_a_rank_over(self):
        with Simulator("--pod-grace", "1000s", size=4, speed=10) as simulator, fluxwire.Broker(simulator.path) as broker:
            simulator.ctl("drain", "3", "it goes")
            simulator.ctl("submit", "-N3")
            eventually(lambda: states(broker)["run"] == 1, "a job on ranks 0 to 2")
            simulator.ctl("offline", "2-3")
            simulator.ctl("online", "3")
            eventually(lambda: broker.rpc("resource.status")["online"] == "0-3", "rank 3 under its new broker")
            self.assertEqual(states(broker)["run"], 1)
            self.assertEqual(broker.rpc("resource.status")["drain"]["3"]["reason"], "it goes")
            simulator.ctl("online", "2")
            eventually(lambda: broker.rpc("job-list.job-stats")["failed"] == 1, "the end of the job on rank 2")
            eventually(lambda: broker.rpc("resource.status")["online"] == "0-3", "rank 2 under its new broker")

    def test_jobs_queues_and_drains(self):
        with Simulator("--queue", "batch", "--queue", "debug=2-3", speed=10) as simulator, \
                fluxwire.Broker(simulator.path) as broker:
            first = simulator.ctl("submit", "-N4", "--duration", "20s", "-q", "batch")
            self.assertRegex(first, "^(ƒ|f)[1-9A-HJ-NP-Za-km-z]+$")
            eventually(lambda: states(broker)["sched"] == 1, "a job that waits for its queue")
            simulator.ctl("queue", "start", "--all")
            self.assertTrue(broker.rpc("job-manager.queue-status", {"name": "debug"})["start"])
            simulator.ctl("queue", "stop", "debug")
            self.assertFalse(broker.rpc("job-manager.queue-status", {"name": "debug"})["start"])
            simulator.ctl("online", "2-3")
            eventually(lambda: broker.rpc("job-list.job-stats")["successful"] == 1, "the job's end", 60)
            copies = simulator.ctl("submit", "-n2", "-c2", "-q", "batch", "--cc", "3").splitlines()
            self.assertEqual(len(set(copies)), 3)
            eventually(lambda: states(broker)["run"] == 3, "three jobs")
            simulator.ctl("cancel", copies[0])
            eventually(lambda: broker.rpc("job-list.job-stats")["canceled"] == 1, "a cancelled job")
            held = simulator.ctl("submit", "-n1", "-q", "batch", "--urgency", "0")
            self.assertTrue(held)
            eventually(lambda: states(broker)["sched"] == 1, "a held job")
            simulator.ctl("drain", "3", "why not")
            self.assertEqual(list(broker.rpc("resource.status")["drain"]), ["3"])
            self.assertEqual(broker.rpc("resource.status")["drain"]["3"]["reason"], "why not")
            simulator.ctl("undrain", "3")
            self.assertEqual(broker.rpc("resource.status")["drain"], {})

    def test_job_ids_are_printed_and_read_as_flux_does(self):
        def submitted(**environment):
            done = run("simulate-ctl", "submit", "-n1", "-q", "batch", environment=clean_environment(
                FLUX_URI=simulator.uri, **{"LC_ALL": "C.UTF-8", **environment}))
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.strip()

        with Simulator("--queue", "batch") as simulator, fluxwire.Broker(simulator.path) as broker:
            with_hook = submitted()
            self.assertRegex(with_hook, "^ƒ[1-9A-HJ-NP-Za-km-z]+$")
            for environment in ({"FLUX_F58_FORCE_ASCII": "1"}, {"FLUX_F58_FORCE_ASCII": ""}, {"LC_ALL": "C"},
                                {"LC_ALL": "POSIX"}, {"LC_ALL": "xx_YY.UTF-8"}):
                with self.subTest(environment):
                    self.assertRegex(submitted(**environment), "^f[1-9A-HJ-NP-Za-km-z]+$")
            canceled = 0
            for write in (lambda id: str(id), hex, lambda id: dothex(id), lambda id: "job." + dothex(id)):
                simulator.ctl("submit", "-n1", "-q", "batch")
                jobs = broker.rpc("job-list.list", {"max_entries": 100, "attrs": [], "constraint": {"states": ["pending"]}})
                simulator.ctl("cancel", write(max(job["id"] for job in jobs["jobs"])))
                canceled += 1
                eventually(lambda: broker.rpc("job-list.job-stats")["canceled"] == canceled, "a cancelled job")
            simulator.ctl("cancel", with_hook.replace("ƒ", "f"))
            eventually(lambda: broker.rpc("job-list.job-stats")["canceled"] == canceled + 1, "a cancelled job")
            refused = run("simulate-ctl", "cancel", "victor-slalom-serial--blitz-academy-academy",
                          environment=clean_environment(FLUX_URI=simulator.uri))
            self.assertIn("turns words and emoji into a number", refused.stderr)

    def test_shapes_are_those_of_flux_submit(self):
        with Simulator(cores=8) as simulator, fluxwire.Broker(simulator.path) as broker:
            for arguments, resource in (
                    (("-N2",), {"type": "node", "count": 2, "exclusive": True, "with": [
                        {"type": "slot", "count": 1, "label": "task", "with": [{"type": "core", "count": 1}]}]}),
                    (("-N3", "-n7", "-c2"), {"type": "node", "count": 3, "with": [
                        {"type": "slot", "count": 3, "label": "task", "with": [{"type": "core", "count": 2}]}]}),
                    (("-n4", "-g0"), {"type": "slot", "count": 4, "label": "task",
                                      "with": [{"type": "core", "count": 1}]})):
                simulator.ctl("submit", *arguments)
                job = broker.rpc("job-manager.getinfo")["max_jobid"]
                got = broker.rpc("job-manager.getattr", {"id": job, "attrs": ["jobspec"]})["jobspec"]
                self.assertEqual(got["resources"], [resource])

    def test_errors_say_what_to_do(self):
        with Simulator() as simulator:
            for arguments, code, words in ((("offline", "0"), 1, "rank 0 leads the instance"),
                                           (("online", "9"), 1, "rank 9 does not exist"),
                                           (("online", "x"), 2, "x"),
                                           (("cancel", "!"), 2, "job id"),
                                           (("cancel", "12345"), 1, "unknown job id"),
                                           (("submit", "-N4", "-n2"), 2, "2 slots cannot be spread over 4 nodes"),
                                           (("submit", "--duration", "x"), 2, "duration 'x'"),
                                           (("submit", "-q", "x"), 1, "'x' is not a valid queue"),
                                           (("undrain", "1"), 1, "rank 1 not drained"),
                                           (("queue", "start", "x"), 1, "'x' is not a valid queue")):
                with self.subTest(arguments=arguments):
                    done = run("simulate-ctl", *arguments, environment=clean_environment(FLUX_URI=simulator.uri))
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertIn(words, done.stderr)
        done = run("simulate-ctl", "--flux-uri", simulator.uri, "clock")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(simulator.path, done.stderr)

    def test_a_broker_that_cannot_be_steered_is_told_apart(self):
        # A real broker answers simulate.* as this one answers topics nobody knows.
        with tempfile.TemporaryDirectory() as folder, Simulator() as simulator:
            path = os.path.join(folder, "real")
            with Relay(path, simulator.path, b"simulate.", b"simulatX."):
                done = run("simulate-ctl", "online", "2", "--flux-uri", f"local://{path}")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("this is a real broker", done.stderr)
                done = run("simulate-ctl", "submit", "-n1", "--flux-uri", f"local://{path}")
                self.assertEqual(done.returncode, 0, done.stderr)


class Relay:
    """A socket at `path` that leads to `target`, with `old` replaced by `new` on the way there."""

    def __init__(self, path, target, old, new):
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(8)
        self._target, self._old, self._new = target, old, new
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client):
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as broker:
            broker.connect(self._target)
            back = threading.Thread(target=self._copy, args=(broker, client, False), daemon=True)
            back.start()
            self._copy(client, broker, True)
            back.join()

    def _copy(self, source, sink, change):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data.replace(self._old, self._new) if change else data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other end left first

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Wire(unittest.TestCase):
    def setUp(self):
        self.simulator = self.enterContext(Simulator(speed=10))

    def broker(self):
        return self.enterContext(fluxwire.Broker(self.simulator.path))

    def test_messages_look_like_a_brokers(self):
        broker = self.broker()
        reply = broker.reply(broker.send("attr.get", {"name": "size"}))
        self.assertEqual((reply.flags, reply.userid, reply.roles, reply.routes), (11, os.getuid(), 5, []))
        self.assertEqual(reply.value(), {"value": "4", "flags": 1})
        broker.rpc("event.subscribe", {"topic": "heartbeat"})
        event = broker.event("heartbeat.pulse")
        self.assertEqual((event.flags, event.payload), (9, None))
        self.assertRegex(event.routes[0].decode(), r"^[0-9a-f-]{36}$")
        self.assertEqual(broker.error("no.such").number, errno.ENOSYS)
        self.assertEqual(broker.error("no.such").text, "No service matching no.such is registered")
        self.assertEqual(broker.error("attr.get").number, errno.EPROTO)
        self.assertEqual(broker.error("job-manager.list", {"max_entries": 0}, roles=2).text,
                         "Request requires owner credentials")

    def test_a_jobs_life_is_streamed(self):
        watcher, broker = self.broker(), self.broker()
        stats = watcher.stream("job-list.job-stats")
        self.assertEqual(next(stats)["job_states"]["total"], 0)
        journal = self.broker().stream("job-manager.events-journal", {})
        self.assertEqual(next(journal), {"id": -1, "events": []})
        job = broker.submit(fluxwire.jobspec(nodes=2, duration=5))
        names = []
        while "clean" not in names:
            reply = next(journal)
            self.assertEqual(reply["id"], job)
            names += [event["name"] for event in reply["events"]]
        self.assertEqual(names, ["submit", "validate", "depend", "priority", "annotations", "alloc", "start", "finish",
                                 "release", "free", "clean"])
        while next(stats)["successful"] != 1:
            pass
        listed = broker.rpc("job-list.list", {"max_entries": 0, "attrs": ["all"]})["jobs"][0]
        self.assertEqual((listed["id"], listed["state"], listed["result"], listed["ranks"], listed["nodelist"]),
                         (job, 64, 1, "[0-1]", "flux-sample-[0-1]"))
        self.assertAlmostEqual(listed["t_cleanup"] - listed["t_run"], 5, places=2)

    def test_garbage_closes_the_connection_without_a_word(self):
        good = fluxwire.request_bytes("attr.get", {"name": "size"})
        for bad in (b"x" + good[1:], good[:-20] + b"x" + good[-19:], b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64,
                    good[:4] + b"\xff\xff\xff\xff" + good[8:]):
            broker = self.broker()
            broker.socket.sendall(bad)
            self.assertIsNone(broker.receive())
        self.assertEqual(self.broker().rpc("attr.get", {"name": "size"})["value"], "4")

    def test_bytes_may_come_one_by_one_and_requests_all_at_once(self):
        broker = self.broker()
        for byte in fluxwire.request_bytes("attr.get", {"name": "size"}, tag=7):
            broker.socket.sendall(bytes([byte]))
        self.assertEqual(broker.reply(7).value()["value"], "4")
        tags = [broker.send("attr.get", {"name": "rank"}) for _ in range(500)]
        for tag in tags:
            self.assertEqual(broker.reply(tag).value()["value"], "0")

    def test_many_clients_at_once(self):
        brokers = [self.broker() for _ in range(64)]
        tags = [broker.send("resource.status") for broker in brokers]
        answers = {str(broker.reply(tag).value()) for broker, tag in zip(brokers, tags)}
        self.assertEqual(len(answers), 1)

    def test_a_lost_rank_is_seen_by_everybody(self):
        broker = self.broker()
        self.simulator.ctl("online", "2-3")
        eventually(lambda: broker.rpc("resource.status")["online"] == "0-3", "four ranks")
        job = broker.submit(fluxwire.jobspec(nodes=4, exclusive=True))
        eventually(lambda: states(broker)["run"] == 1, "a running job")
        groups = self.broker().stream("groups.get", {"name": "broker.online"})
        self.assertEqual(next(groups), {"members": "0-3"})
        journal = self.broker().stream("resource.journal")
        while next(journal)["events"]:
            pass
        broker.rpc("simulate.offline", {"ranks": "3", "how": "lost"})
        self.assertEqual(next(groups), {"members": "0-2"})
        event = next(journal)["events"][0]
        self.assertEqual((event["name"], event["context"]), ("offline", {"idset": "3"}))
        eventually(lambda: states(broker)["inactive"] == 1, "the job's end")
        ended = broker.rpc("job-list.list-id", {"id": job, "attrs": ["all"]})["job"]
        self.assertEqual((ended["exception_type"], ended["exception_severity"], ended["result"]), ("exec", 0, 2))
        self.assertTrue(re.match("node failure on flux-sample-3", ended["exception_note"]))


if __name__ == "__main__":
    harness.main()
