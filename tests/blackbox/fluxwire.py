"""A small client of a Flux broker's local socket (RFC 3 messages), for tests. Standard library only."""
import base64
import json
import os
import socket
import struct
import time

MAGIC = bytes.fromhex("1200eeff")
REQUEST, RESPONSE, EVENT = 1, 2, 4
TOPIC, PAYLOAD, NORESPONSE, ROUTE, STREAMING = 1, 2, 4, 8, 0x40
ANY_RANK = 0xFFFFFFFF
PATIENCE = 30.0


class BrokerError(Exception):
    def __init__(self, topic, number, text):
        super().__init__(f"{topic}: {os.strerror(number)} ({number}): {text}")
        self.number, self.text = number, text


class Message:
    """One message: kind, flags, userid, roles, the two numbers that depend on the kind, routes, topic, payload."""

    def __init__(self, frames):
        *frames, header = frames
        magic, version, self.kind, self.flags, self.userid, self.roles, self.first, self.second = struct.unpack(
            ">4B4I", header)
        assert (magic, version) == (0x8E, 1), header
        self.routes, self.topic, self.payload = [], None, None
        rest = iter(frames)
        if self.flags & ROUTE:
            self.routes = list(iter(lambda: next(rest), b""))
        if self.flags & TOPIC:
            self.topic = next(rest).decode()
        if self.flags & PAYLOAD:
            payload = next(rest)
            assert payload.endswith(b"\0"), payload
            self.payload = payload[:-1]
        assert not list(rest), "frames that no flag tells of"

    def value(self):
        """The payload as JSON, None without; BrokerError when the message is a failure."""
        if self.kind == RESPONSE and self.first:
            raise BrokerError(self.topic, self.first, (self.payload or b"").decode())
        return None if self.payload is None else json.loads(self.payload)


def _frame(data):
    return (bytes([len(data)]) if len(data) < 255 else b"\xff" + struct.pack(">I", len(data))) + data


def _frames(body):
    found, at = [], 0
    while at < len(body):
        size, at = body[at], at + 1
        if size == 255:
            size, at = struct.unpack_from(">I", body, at)[0], at + 4
        found.append(bytes(body[at:at + size]))
        at += size
    return found


def request_bytes(topic, payload=None, tag=1, flags=0, rank=ANY_RANK, roles=0):
    """A request as it goes over the socket."""
    flags |= TOPIC | (PAYLOAD if payload is not None else 0)
    body = _frame(topic.encode())
    if payload is not None:
        body += _frame(json.dumps(payload).encode() + b"\0")
    body += _frame(struct.pack(">4B4I", 0x8E, 1, REQUEST, flags, 0xFFFFFFFF, roles, rank, tag))
    return MAGIC + struct.pack(">I", len(body)) + body


class Broker:
    """A connection. Replies and events that nobody asked for yet wait in `unclaimed`."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        admitted = self.socket.recv(1)
        assert admitted == b"\0", f"the broker refuses: {admitted!r}"
        self.unclaimed, self._bytes, self._tag = [], bytearray(), 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, topic, payload=None, **options):
        """Sends a request; returns its tag."""
        self._tag += 1
        self.socket.sendall(request_bytes(topic, payload, self._tag, **options))
        return self._tag

    def receive(self):
        """The next message; None when the broker closed the connection. socket.timeout after a long silence."""
        while True:
            if len(self._bytes) >= 8:
                assert self._bytes[:4] == MAGIC, bytes(self._bytes[:8])
                size = struct.unpack_from(">I", self._bytes, 4)[0]
                if len(self._bytes) >= 8 + size:
                    body = bytes(self._bytes[8:8 + size])
                    del self._bytes[:8 + size]
                    return Message(_frames(body))
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self._bytes += more

    def _claim(self, wanted):
        for message in self.unclaimed:
            if wanted(message):
                self.unclaimed.remove(message)
                return message
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            message = self.receive()
            if message is None:
                raise ConnectionError("the broker closed the connection")
            if wanted(message):
                return message
            self.unclaimed.append(message)
        raise TimeoutError("the message that was waited for did not come")

    def reply(self, tag):
        return self._claim(lambda message: message.kind == RESPONSE and message.second == tag)

    def event(self, topic):
        return self._claim(lambda message: message.kind == EVENT and message.topic == topic)

    def rpc(self, topic, payload=None, **options):
        return self.reply(self.send(topic, payload, **options)).value()

    def error(self, topic, payload=None, **options):
        """The BrokerError that a request must end with."""
        try:
            value = self.rpc(topic, payload, **options)
        except BrokerError as error:
            return error
        raise AssertionError(f"{topic} was answered: {value}")

    def stream(self, topic, payload=None, **options):
        """Yields the values of a streaming request, until it ends with an error."""
        tag = self.send(topic, payload, flags=STREAMING, **options)
        while True:
            yield self.reply(tag).value()

    def submit(self, jobspec, urgency=16):
        """A job of this user, unsigned; returns its id."""
        header = b"".join(part + b"\0" for part in
                          (b"version", b"i1", b"userid", b"i%d" % os.getuid(), b"mechanism", b"snone"))
        text = ".".join(base64.b64encode(part).decode() for part in (header, json.dumps(jobspec).encode())) + ".none"
        return self.rpc("job-ingest.submit", {"J": text, "urgency": urgency, "flags": 0})["id"]


def jobspec(nodes=None, slots=1, cores=1, exclusive=False, duration=0, **system):
    """A V1 jobspec: `nodes` of `slots` each, or `slots` anywhere."""
    resource = {"type": "slot", "count": slots, "label": "task", "with": [{"type": "core", "count": cores}]}
    if nodes is not None:
        resource = {"type": "node", "count": nodes, "with": [resource], **({"exclusive": True} if exclusive else {})}
    return {"version": 1, "resources": [resource],
            "tasks": [{"command": ["sleep", "inf"], "slot": "task", "count": {"per_slot": 1}}],
            "attributes": {"system": {"duration": duration, "cwd": "/", **system}}}
