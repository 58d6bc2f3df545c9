"""A broker that misbehaves: a proxy before a simulated instance that spoils what it is told to spoil.

`rules` maps a topic to a corruption: a function of the true reply (a Reply) that yields what to do instead: bytes to
send, a number of seconds to wait, or HANG_UP. Without a rule for its topic a message passes as it is. `before` maps a
topic to a function of such a request; when it returns true, the request is not passed on. `greet` replaces the whole conversation: a
function that is given the socket of each client.
"""
import contextlib
import os
import shutil
import socket
import struct
import tempfile
import threading

from fluxwire import ANY_RANK, MAGIC, PAYLOAD, RESPONSE, ROUTE, STREAMING, TOPIC, Message, _frame, _frames

HANG_UP = object()
NONE = object()  # no payload at all
MIB = 1 << 20


def framed(body):
    return MAGIC + struct.pack(">I", len(body)) + body


class Reply:
    """One response on its way from the true broker: `raw` as it came, `about` what was asked."""

    def __init__(self, raw, message, asked):
        self.raw, self.message, self.asked = raw, message, asked

    def encoded(self, payload=None, errnum=None, terminated=True, flags=None, tag=None, topic=None, kind=RESPONSE,
                header=None):
        """A response to the same request with another payload (text or bytes), errno, or broken on purpose."""
        message = self.message
        if payload is None:
            payload = message.payload
        if payload is NONE:
            payload = None
        if isinstance(payload, str):
            payload = payload.encode()
        if flags is None:
            flags = ROUTE | TOPIC | (PAYLOAD if payload is not None else 0) | (message.flags & STREAMING)
        body = _frame(b"") if flags & ROUTE else b""
        if flags & TOPIC:
            body += _frame((topic or message.topic).encode())
        if payload is not None:
            body += _frame(payload + (b"\0" if terminated else b""))
        if header is None:
            header = struct.pack(">4B4I", 0x8E, 1, kind, flags, message.userid, message.roles,
                                 message.first if errnum is None else errnum, message.second if tag is None else tag)
        return framed(body + _frame(header))


def says(payload, **options):
    """The corruption that answers `payload` in the true reply's place."""
    return lambda reply: [reply.encoded(payload, **options)]


def fails(errnum, text=b""):
    return lambda reply: [reply.encoded(text, errnum=errnum)]


def _read_message(connection):
    """One message as it came, or None at the end."""
    def exactly(count):
        data = bytearray()
        while len(data) < count:
            more = connection.recv(min(count - len(data), MIB))
            if not more:
                return None
            data += more
        return bytes(data)

    head = exactly(8)
    body = exactly(struct.unpack_from(">I", head, 4)[0]) if head else None
    return None if body is None else head + body


class BadBroker:
    """Listens at `path` (a new one without) before the true broker at `upstream`."""

    def __init__(self, upstream=None, path=None):
        self.upstream = upstream
        self._folder = None if path else tempfile.mkdtemp(prefix="fma-")
        self.path = path or os.path.join(self._folder, "bad")
        self.uri = f"local://{self.path}"
        self.rules, self.before, self.greet, self.asked = {}, {}, None, set()
        self._lock, self._open = threading.Lock(), set()
        self._stopped = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self):
        self._listener.bind(self.path)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(10)
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def behave(self, rules=None, greet=None):
        """Misbehaves so from now on; clients must come anew."""
        self.rules, self.greet = rules or {}, greet
        self.asked = set()
        self.hang_up()

    def hang_up(self):
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _keep(self, *connections):
        with self._lock:
            self._open.update(connections)

    def _accept(self):
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._keep(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.closing(client), contextlib.suppress(OSError):
            if self.greet:
                self.greet(client)
                return
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as broker:
                broker.connect(self.upstream)
                self._keep(broker)
                client.sendall(broker.recv(1))
                topics = {}
                forward = threading.Thread(target=self._forward, args=(client, broker, topics), daemon=True)
                forward.start()
                try:
                    self._backward(broker, client, topics)
                finally:
                    for end in (client, broker):
                        with contextlib.suppress(OSError):
                            end.shutdown(socket.SHUT_RDWR)
                    forward.join()

    def _forward(self, client, broker, topics):
        with contextlib.suppress(OSError):
            while raw := _read_message(client):
                message = Message(_frames(raw[8:]))
                topics[message.second] = message
                self.asked.add(message.topic)
                if self.before.get(message.topic, lambda _: False)(message):
                    continue
                broker.sendall(raw)
            broker.shutdown(socket.SHUT_WR)

    def _backward(self, broker, client, topics):
        while raw := _read_message(broker):
            message = Message(_frames(raw[8:]))
            asked = topics.get(message.second)
            rule = self.rules.get(asked.topic) if asked and message.kind == RESPONSE else None
            if rule is None:
                client.sendall(raw)
                continue
            for step in rule(Reply(raw, message, asked)):
                if step is HANG_UP:
                    return
                if isinstance(step, (int, float)):
                    if self._stopped.wait(step):
                        return
                else:
                    client.sendall(step)


__all__ = ["ANY_RANK", "BadBroker", "HANG_UP", "MIB", "NONE", "Reply", "fails", "framed", "says"]
