"""A broker whose bytes are no messages, or whose messages come late, in part, or never."""
import os
import struct
import tempfile
import shutil
import time
import unittest

import badbroker
import harness
import hostile
from badbroker import HANG_UP, MIB, framed, says
from hostile import Case


def sends(*steps):
    """A greeting that replaces the conversation: bytes to send, seconds to wait; then it hangs up."""
    def greet(client):
        for step in steps:
            if isinstance(step, (int, float)):
                client.settimeout(step)
                try:
                    while client.recv(65536):
                        pass
                except TimeoutError:
                    pass
            else:
                client.sendall(step)
    return greet


def flood(unit, total):
    def greet(client):
        client.sendall(b"\0")
        block = unit * max(1, MIB // len(unit))
        for _ in range(total // len(block)):
            client.sendall(block)
    return greet


def message(kind=2, flags=0, body=b"", first=0, second=1, magic=0x8E, version=1):
    return framed(body + b"\x14" + struct.pack(">4B4I", magic, version, kind, flags, 0, 5, first, second))


EVENT = message(kind=4, flags=3, body=b"\x01e" + b"\xff" + struct.pack(">I", 1000) + b"x" * 999 + b"\0")
NOT_FLUX = "does not speak Flux's protocol"

GREETINGS = [
    Case("it hangs up at once", "hung up before", greet=sends()),
    Case("it refuses with EPERM", "does not let user", greet=sends(b"\x01")),
    Case("it refuses with an errno that is none", "refuses", greet=sends(b"\xff")),
    Case("it greets and hangs up", "closed it|hung up|reset|[Bb]roken pipe", greet=sends(b"\0")),
    Case("it is a web server", "refuses", greet=sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    Case("garbage after the greeting", NOT_FLUX, greet=sends(b"\0" + b"\xa5" * 4096, 2)),
    Case("random bytes", NOT_FLUX, greet=lambda client: sends(b"\0" + b"\x99" + os.urandom(65536), 2)(client)),
    Case("a 4 GiB length", "over the limit", greet=sends(b"\0" + badbroker.MAGIC + b"\xff\xff\xff\xff", 2)),
    Case("a length of 65 MiB", "over the limit", greet=sends(b"\0" + badbroker.MAGIC + struct.pack(">I", 65 * MIB), 2)),
    Case("a length of nothing", NOT_FLUX, greet=sends(b"\0" + framed(b""), 2)),
    Case("another magic", NOT_FLUX, greet=sends(b"\0\xff\xee\x00\x12\x00\x00\x00\x14", 2)),
    Case("a header of another magic", NOT_FLUX, greet=sends(b"\0" + message(magic=0x8F), 2)),
    Case("a header of version 2", NOT_FLUX, greet=sends(b"\0" + message(version=2), 2)),
    Case("a message of type 3", NOT_FLUX, greet=sends(b"\0" + message(kind=3), 2)),
    Case("routes without an end", NOT_FLUX, greet=sends(b"\0" + message(flags=8, body=b"\x01r" * 1000), 2)),
    Case("a topic that does not fit", NOT_FLUX, greet=sends(b"\0" + message(flags=1, body=b"\xff\xff\xff\xff\xff"), 2)),
    Case("a frame of 4 GiB", NOT_FLUX, greet=sends(b"\0" + message(flags=2, body=b"\xff\xff\xff\xff\xffab"), 2)),
    Case("frames that no flag tells of", NOT_FLUX, greet=sends(b"\0" + message(body=b"\x01a\x01b"), 2)),
    Case("200 MiB of zeros", NOT_FLUX, greet=flood(b"\0", 200 * MIB)),
    Case("300 MiB of events", "closed it|reset|[Bb]roken pipe", greet=flood(EVENT, 300 * MIB)),
    Case("300 MiB of replies to nobody", "closed it|reset|[Bb]roken pipe",
         greet=flood(message(second=4_000_000_000, flags=3, body=b"\x01t\x02x\0"), 300 * MIB)),
    Case("a message of 60 MiB that nobody asked for", "closed it|reset|[Bb]roken pipe|did not answer", greet=sends(
        b"\0" + message(second=7, flags=2, body=b"\xff" + struct.pack(">I", 60 * MIB) + b"x" * (60 * MIB)), 1)),
]


def cut(reply):
    return [reply.raw[:len(reply.raw) // 2], HANG_UP]


def twice(reply):
    return [reply.raw, reply.raw]


def bytewise(reply):
    return [reply.raw[i:i + 1] for i in range(len(reply.raw))]


SPOILED = [
    Case("half a reply, then the end", "closed it|reset", {"resource.status": cut}),
    Case("the end instead of a reply", "closed it|reset", {"resource.status": lambda reply: [HANG_UP]}),
    Case("a reply cut short by a byte", NOT_FLUX, {"resource.status": lambda reply: [
        framed(reply.raw[8:-21] + reply.raw[-21:-1])]}),
    Case("junk between replies", NOT_FLUX, {"resource.status": lambda reply: [reply.raw, b"junk"]}),
    Case("a stream that breaks off", None, {"job-list.job-stats": lambda reply: [reply.raw] if not
                                            reply.message.flags & 0x40 else [reply.raw, reply.encoded(errnum=5)]},
         asks="job-list.job-stats", logged="the stream job-list.job-stats .* ended"),
    Case("every reply twice", None, {"resource.status": twice, "attr.get": twice, "job-list.job-stats": twice},
         asks="resource.status"),
    Case("replies byte by byte", None, {"resource.status": bytewise}, asks="resource.status"),
    Case("replies without an end mark", None, {"resource.status": lambda reply: [reply.encoded(terminated=False)]},
         asks="resource.status"),
    Case("a reply under another topic", None, {"resource.status": lambda reply: [reply.encoded(topic="x" * 300)]},
         asks="resource.status"),
]

# Each takes as long as the server waits for an answer.
SILENT = [
    Case("no greeting", "did not|no answer|greet", greet=sends(40)),
    Case("a greeting and no answer", "attr.get: .* did not answer within", greet=sends(b"\0", 40)),
    Case("half a head", "did not answer", greet=sends(b"\0" + badbroker.MAGIC[:3], 40)),
    Case("60 MiB announced and not sent", "did not answer",
         greet=sends(b"\0" + badbroker.MAGIC + struct.pack(">I", 60 * MIB) + b"x" * 100, 40)),
    Case("resource.status never", "resource.status: .* did not answer", {"resource.status": lambda reply: []}),
    Case("half of resource.status", "resource.status: .* did not answer",
         {"resource.status": lambda reply: [reply.raw[:30]]}),
    Case("a reply with another's tag", "resource.status: .* did not answer",
         {"resource.status": lambda reply: [reply.encoded(tag=0xFFFF_0000)]}),
    Case("the reply as a request", "resource.status: .* did not answer",
         {"resource.status": lambda reply: [reply.encoded(kind=1)]}),
    Case("job-stats never", "job-list.job-stats: .* did not answer", {"job-list.job-stats": lambda reply: []}),
    Case("allocations never", "resource-status: .* did not answer", {"job-manager.resource-status": lambda reply: []}),
    Case("an events journal without an end", None, {"job-manager.events-journal": lambda reply: [] if b'"id":-1' in
                                                    reply.message.payload else [reply.raw]},
         logged="backlog of the events journal never ends"),
    Case("an events journal that says nothing", None, {"job-manager.events-journal": lambda reply: []},
         logged="backlog of the events journal never ends"),
    Case("a resource journal that says nothing", None, {"resource.journal": lambda reply: []}, asks="resource.journal"),
    Case("answers after a second", "waiting for the next answer|has no value", {"resource.status": lambda reply: [1.0, reply.raw]}),
    Case("a broker without its half of the list", None, {
        "job-manager.events-journal": badbroker.fails(1, b"no"), "job-manager.getattr": lambda reply: [0.5, reply.raw]},
         asks="job-manager.events-journal"),
]


class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.enterClassContext(harness.Simulator(size=2, max_size=4, cores=4))

    def test_greetings(self):
        hostile.run_cases(self, self.simulator, GREETINGS, lanes=6)

    def test_spoiled_replies(self):
        hostile.run_cases(self, self.simulator, SPOILED, lanes=5)

    def test_silence(self):
        hostile.run_cases(self, self.simulator, SILENT, lanes=len(SILENT))

    def test_connection_of_the_streams_that_breaks(self):
        """The polls go on, and the streams come back."""
        with badbroker.BadBroker(self.simulator.path) as broker, harness.Server(uri=broker.uri) as server:
            server.wait_number("node_up_count", 2)
            broker.rules = {"job-list.job-stats": lambda reply: [HANG_UP] if reply.message.flags & 0x40 else [reply.raw]}
            self.simulator.ctl("submit", "-N1")
            server.wait_log("the stream job-list.job-stats .* ended: .*closed")
            broker.rules = {}
            self.assertEqual(server.metric("node_up_count").status, 200)
            harness.eventually(lambda: server.log().count("connected to Flux") > 1, "the streams again", deadline=60)
            server.wait_number("job_running_count", 1)

    def test_parent_that_is_no_parent(self):
        """A sub-instance leads to its parent: not round and round."""
        def rules(path):
            def attr(reply):
                name = reply.asked.payload.decode()
                if "instance-level" in name:
                    return [reply.encoded('{"value":"1"}')]
                if "parent-uri" in name:
                    return [reply.encoded(f'{{"value":"local://{path}"}}', errnum=0)]
                return [reply.raw]
            return {"attr.get": attr}
        with badbroker.BadBroker(self.simulator.path) as broker:
            broker.rules = rules(broker.path)
            with harness.Server(uri=broker.uri) as server:
                server.wait_log("chain of parents is a circle")
                begin, lines = time.monotonic(), len(server.log().splitlines())
                harness.eventually(lambda: time.monotonic() > begin + 3, "three seconds")
                self.assertLess(len(server.log().splitlines()) - lines, 60)
                self.assertEqual(server.metric("node_up_count").status, 503)

    def test_good_broker_comes_to_the_path_of_a_bad_one(self):
        folder = tempfile.mkdtemp(prefix="fma-")
        self.addCleanup(shutil.rmtree, folder, True)
        path = f"{folder}/local"
        with harness.Server(uri=f"local://{path}") as server:
            with badbroker.BadBroker(self.simulator.path, path=path) as broker:
                broker.behave(greet=sends(b"\0" + os.urandom(4096).replace(b"\x12", b"\x13"), 1))
                harness.eventually(lambda: NOT_FLUX in server.metric("node_up_count").json()["message"], "the reason")
            with harness.Simulator(socket_path=path, size=3, max_size=5):
                server.wait_number("node_up_count", 3)
            with badbroker.BadBroker(self.simulator.path, path=path) as broker:
                broker.behave(greet=sends(b"\x01"))
                server.wait_log("does not let user")
                broker.behave({"resource.status": says("{}")})
                server.wait_log("R is missing")
                broker.behave()
                server.wait_number("node_up_count", 2)


if __name__ == "__main__":
    harness.main()
