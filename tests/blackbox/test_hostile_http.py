"""Clients that do not speak HTTP well, or mean harm: each gets a sentence or a closed connection, nobody else notices."""
import contextlib
import http.client
import os
import re
import resource
import socket
import ssl
import struct
import threading
import time
import unittest

import harness
import hostile

METRIC = f"{harness.CUSTOM}/v1beta2/namespaces/flux-operator/metrics/node_up_count"
HOST = b"Host: localhost\r\n"
MIB = 1 << 20
MEMORY_LIMIT_MIB = 128


def raise_open_files(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Hostile(unittest.TestCase):
    options = ("--insecure-skip-auth",)

    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.enterClassContext(harness.Simulator(size=2, max_size=4))
        cls.server = cls.enterClassContext(harness.Server(*cls.options, uri=cls.simulator.uri))
        cls.server.wait_number("node_up_count", 2)

    def tearDown(self):
        """Whatever a test did: the server lives, serves, and has not grown."""
        self.assertTrue(self.server.running(), self.server.log()[-2000:])
        self.assertEqual(self.server.metric("node_up_count").status, 200)
        self.assertLess(hostile.peak_memory_mib(self.server), MEMORY_LIMIT_MIB * hostile.MEMORY_FACTOR)
        for line in self.server.log().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[\d:.]+Z \w+ ")

    def connect(self, timeout=harness.DEADLINE):
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=timeout)
        self.addCleanup(connection.close)
        return connection

    def connect_tls(self):
        connection = harness.unverified().wrap_socket(self.connect(), server_hostname="localhost")
        self.addCleanup(connection.close)
        return connection

    @staticmethod
    def read_all(connection):
        """Everything until the server closes; the reset of a connection counts as its end."""
        data = bytearray()
        with contextlib.suppress(ConnectionResetError, ssl.SSLError, BrokenPipeError):
            while more := connection.recv(65536):
                data += more
        return bytes(data)

    def say(self, data, tls=False, shutdown=False):
        """Sends `data`; returns (status of the first answer or None, everything that came until the end)."""
        connection = self.connect_tls() if tls else self.connect()
        with contextlib.suppress(OSError):  # refused before all was sent
            for at in range(0, len(data), 65536):
                connection.sendall(data[at:at + 65536])
            if shutdown:
                connection.shutdown(socket.SHUT_WR)
        answer = self.read_all(connection)
        status = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
        return (int(status[1]) if status else None), answer

    @staticmethod
    def count(answer):
        """How many responses are in it."""
        return len(re.findall(rb"HTTP/1\.[01] \d{3} ", answer))

    def table(self, cases):
        """{name: (bytes, the statuses allowed, [words in the answer])}; each must end the connection."""
        for name, (data, statuses, *words) in cases.items():
            with self.subTest(name):
                status, answer = self.say(data)
                self.assertIn(status, statuses, answer[:500])
                self.assertEqual(self.count(answer), 0 if status is None else 1, answer[:1000])
                for word in words:
                    self.assertRegex(answer.decode(errors="replace"), word)
                self.assertNotRegex(answer, rb"\r\n\r\n.*[\x00\x1b]")


def request(line=f"GET {METRIC} HTTP/1.1", *headers, body=b"", host=HOST, close=True):
    """A request as bytes; header lines are given whole."""
    if isinstance(line, str):
        line = line.encode()
    lines = b"".join((h.encode() if isinstance(h, str) else h) + b"\r\n" for h in headers)
    return line + b"\r\n" + host + (b"Connection: close\r\n" if close else b"") + lines + b"\r\n" + body


class Requests(Hostile):
    def test_heads(self):
        self.table({
            "a request line of 1 MiB": (request(f"GET /{'a' * MIB} HTTP/1.1"), (414, 431, 400), "larger|head"),
            "a request line of 8 MiB without an end": (b"GET /" + b"a" * (8 * MIB), (414, 431, 400), "larger|head"),
            "200,000 headers": (request(f"GET {METRIC} HTTP/1.1", *[f"x{n}: y" for n in range(200_000)]), (431,), "head"),
            "a header of 1 MiB": (request(f"GET {METRIC} HTTP/1.1", "x: " + "y" * MIB), (431,), "head"),
            "a header name of 1 MiB": (request(f"GET {METRIC} HTTP/1.1", "y" * MIB + ": x"), (431,), "head"),
            "an Audit-Id of 30 KB": (request(f"GET {METRIC} HTTP/1.1", "Audit-Id: " + "y" * 30_000), (200, 431)),
            "8 MiB of line ends": (b"\r\n" * (4 * MIB), (400, 431, None)),
            "random bytes": (os.urandom(64) + b"\r\n\r\n", (400, None)),
            "zeros": (bytes(100_000), (400, None)),
            "an HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), (505, 400), r"HTTP/1\.1"),
            "HTTP/3.0": (request(f"GET {METRIC} HTTP/3.0"), (505, 400), "HTTP"),
            "HTTP/1.2": (request(f"GET {METRIC} HTTP/1.2"), (505, 400, 200)),
            "no version": (b"GET /\r\n\r\n", (400,)),
            "HTTP/0.9": (b"GET " + METRIC.encode() + b"\r\n\r\n", (400,)),
            "a lower-case version": (request(f"GET {METRIC} http/1.1"), (400, 505)),
            "a method of 100,000 letters": (request(f"{'X' * 100_000} / HTTP/1.1"), (400, 431)),
            "a method of brackets": (request("G<>T / HTTP/1.1"), (400,)),
            "no method": (request(" / HTTP/1.1"), (400,)),
            "two blanks": (request("GET  / HTTP/1.1"), (400,)),
            "a tab for a blank": (request("GET\t/ HTTP/1.1"), (400,)),
            "a NUL in the line": (request(b"GET /\x00 HTTP/1.1"), (400,)),
            "a NUL in a header": (request(f"GET {METRIC} HTTP/1.1", b"x: a\x00b"), (400,)),
            "an escape code in a header's name": (request(f"GET {METRIC} HTTP/1.1", b"x\x1b[31m: a"), (400,)),
            "a header without a colon": (request(f"GET {METRIC} HTTP/1.1", "nonsense"), (400,)),
            "a header without a name": (request(f"GET {METRIC} HTTP/1.1", ": x"), (400,)),
            "a blank before the colon": (request(f"GET {METRIC} HTTP/1.1", "x : y"), (400,)),
            "a folded header": (request(f"GET {METRIC} HTTP/1.1", "x: y\r\n  Host: other"), (200, 400)),
            "no Host": (request(host=b""), (400,)),
            "an empty Host": (request(host=b"Host:\r\n"), (200, 400)),
            "two Hosts": (request(host=HOST + b"Host: other\r\n"), (400,)),
            "the same Host twice": (request(host=HOST + HOST), (400,)),
            "no Host in HTTP/1.0": (request(f"GET {METRIC} HTTP/1.0", host=b""), (200,)),
            "a bare LF after the line": (b"GET / HTTP/1.1\n" + HOST + b"\r\n", (400, 505)),
            "bare LFs": (b"GET / HTTP/1.1\nHost: localhost\n\n", (400, 505)),
            "a bare CR after the line": (b"GET / HTTP/1.1\rHost: localhost\r\n\r\n", (400, 505)),
            "a bare CR in a header": (request(f"GET {METRIC} HTTP/1.1", b"x: a\rb: c"), (400,)),
            "a bare LF in a header": (request(f"GET {METRIC} HTTP/1.1", b"x: a\nTransfer-Encoding: chunked"), (400,)),
        })

    def test_targets(self):
        def get(target):
            return request(b"GET " + (target.encode() if isinstance(target, str) else target) + b" HTTP/1.1")
        base = f"{harness.CUSTOM}/v1beta2/namespaces"
        self.table({
            "absolute form": (get(f"http://localhost{METRIC}"), (200,), "node_up_count"),
            "absolute form of another host": (get(f"http://other.example:1{METRIC}"), (200,)),
            "absolute form without a path": (get("http://localhost"), (200,), "/apis"),
            "absolute form of another scheme": (get(f"ftp://localhost{METRIC}"), (200, 400)),
            "authority form": (request("CONNECT localhost:443 HTTP/1.1"), (400, 405), "path"),
            "an asterisk": (request("OPTIONS * HTTP/1.1"), (400, 405, 404)),
            "a relative path": (get("apis"), (400,), "must begin with /"),
            "percent-encoded letters": (get(METRIC.replace("node", "%6eode")), (200,), "node_up_count"),
            "an escape twice": (get(METRIC.replace("node", "%256eode")), (404,)),
            "%2F in a name": (get(f"{base}/flux-operator/metrics%2Fnode_up_count"), (200,), "node_up_count"),
            "%2F in a metric": (get(f"{METRIC}%2Fx"), (404,)),
            "%2F twice": (get(f"{base}/flux-operator/metrics%2F%2Fnode_up_count"), (404,)),
            "%252F in a name": (get(f"{base}/flux-operator/metrics%252Fnode_up_count"), (400, 404)),
            "%00 in a namespace": (get(f"{base}/a%00b/metrics/node_up_count"), (404,), r"\\u0000"),
            "%00 in a metric": (get(f"{METRIC}%00"), (404,)),
            "%0D%0A in a metric": (get(f"{METRIC}%0d%0aSet-Cookie:%20x=1"), (404,), r"\\r\\n"),
            "terminal codes": (get(f"{METRIC}%1b[31m"), (404,), r"\\u001b"),
            "an overlong slash": (get(f"{METRIC}%c0%af"), (404,), r"\\ufffd"),
            "a surrogate": (get(f"{METRIC}%ed%a0%80"), (404,), r"\\ufffd"),
            "half an escape": (get(f"{METRIC}%4"), (400,), "escape"),
            "a percent sign alone": (get(f"{METRIC}%"), (400,), "escape"),
            "an escape of letters": (get(f"{METRIC}%zz"), (400,), "escape"),
            "a broken escape in the query": (get(f"{METRIC}?a=%f"), (400,), "escape"),
            "dots": (get("/apis/../../../etc/passwd"), (404,)),
            "encoded dots": (get("/%2e%2e/%2e%2e/etc/passwd"), (404,)),
            "slashes": (get("/" * 20_000), (404, 414, 431)),
            "raw bytes above 127": (get(b"/\xff\xfe"), (400, 404)),
            "a fragment": (get(f"{METRIC}#x"), (200, 400)),
            "20,000 parameters": (get(f"{METRIC}?" + "a=b&" * 5_000), (200, 400)),
            "a selector of 20 KB": (get(f"{METRIC}?metricLabelSelector=" + "a%3Db%2C" * 2_000), (400, 404, 200)),
            "a selector of brackets": (get(f"{METRIC}?metricLabelSelector=a+in+" + "(" * 5_000), (400,)),
        })

    def test_bodies(self):
        chunk = b"5\r\nhello\r\n"
        self.table({
            "a body on GET": (request(f"GET {METRIC} HTTP/1.1", "Content-Length: 5", body=b"hello"), (200,)),
            "a chunked body on GET": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked",
                                              body=chunk + b"0\r\n\r\n"), (200,)),
            "16 MiB on GET": (request(f"GET {METRIC} HTTP/1.1", f"Content-Length: {16 * MIB}", body=b"x" * (16 * MIB)),
                              (413,), "body"),
            "16 MiB in chunks": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked",
                                         body=(b"10000\r\n" + b"x" * 65536 + b"\r\n") * 256 + b"0\r\n\r\n"), (413,), "body"),
            "2^64-1 bytes announced": (request(f"GET {METRIC} HTTP/1.1", "Content-Length: 18446744073709551615"),
                                       (413, 400)),
            "2^64 bytes announced": (request(f"GET {METRIC} HTTP/1.1", "Content-Length: 18446744073709551616"), (400,)),
            "-1 bytes": (request(f"GET {METRIC} HTTP/1.1", "Content-Length: -1"), (400,)),
            "+5 bytes": (request(f"GET {METRIC} HTTP/1.1", "Content-Length: +5", body=b"hello"), (400,)),
            "0x5 bytes": (request(f"GET {METRIC} HTTP/1.1", "Content-Length: 0x5", body=b"hello"), (400,)),
            "a length that is empty": (request(f"GET {METRIC} HTTP/1.1", "Content-Length:"), (400,)),
            "a chunk of 2^64 bytes": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked",
                                              body=b"10000000000000000\r\n"), (400, 413)),
            "a chunk of -1 bytes": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked", body=b"-1\r\n\r\n"),
                                    (400,)),
            "a chunk with the wrong end": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked",
                                                   body=b"5\r\nhelloXX0\r\n\r\n"), (400,)),
            "a chunk extension of 1 MiB": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked",
                                                   body=b"5;" + b"x" * MIB + b"\r\nhello\r\n0\r\n\r\n"), (400, 413, 431)),
            "a chunk extension of 100 MiB": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked",
                                                     body=b"5;" + b"x" * (100 * MIB)), (400, 413, 431, None)),
            "trailers without end": (request(f"GET {METRIC} HTTP/1.1", "Transfer-Encoding: chunked",
                                             body=b"0\r\n" + b"x: y\r\n" * 200_000), (400, 413, 431)),
        })

    def test_smuggling(self):
        inner = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        line = f"GET {METRIC} HTTP/1.1"
        length = f"Content-Length: {len(inner)}"
        self.table({
            "two lengths": (request(line, length, "Content-Length: 0", body=inner, close=False), (400,)),
            "two lengths in one": (request(line, f"Content-Length: {len(inner)}, 0", body=inner, close=False), (400,)),
            "the same length twice": (request(line, length, length, body=inner), (400,)),
            "a length and chunks": (request(line, length, "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + inner,
                                            close=False), (400,)),
            "chunks and a length": (request(line, "Transfer-Encoding: chunked", length, body=b"0\r\n\r\n" + inner,
                                            close=False), (400,)),
            "chunked twice": (request(line, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
                                      body=b"0\r\n\r\n" + inner, close=False), (400,)),
            "chunked and identity": (request(line, "Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + inner,
                                             close=False), (400, 501)),
            "another coding": (request(line, "Transfer-Encoding: gzip", body=inner, close=False), (400, 501)),
            "a coding that looks like chunked": (request(line, "Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + inner,
                                                         close=False), (400, 501)),
            "chunked with a vertical tab": (request(line, b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n" + inner,
                                                    close=False), (400, 501)),
            "a blank before the colon": (request(line, "Transfer-Encoding : chunked", body=b"0\r\n\r\n" + inner,
                                                 close=False), (400,)),
            "chunks in HTTP/1.0": (request(f"GET {METRIC} HTTP/1.0", "Transfer-Encoding: chunked",
                                           "Connection: keep-alive", body=b"0\r\n\r\n" + inner, close=False), (400, 501)),
        })

    def test_pipelined_requests_are_answered_in_order(self):
        paths = ["/healthz", METRIC, "/readyz", "/version"] * 50
        data = b"".join(request(f"GET {path} HTTP/1.1", close=False) for path in paths) + request("GET /livez HTTP/1.1")
        _, answer = self.say(data)
        self.assertEqual(self.count(answer), len(paths) + 1)
        bodies = [re.search(rb"node_up_count|gitVersion|ok", part)[0] for part in answer.split(b"HTTP/1.1 200")[1:]]
        self.assertEqual(bodies[:8], [b"ok", b"node_up_count", b"ok", b"gitVersion"] * 2)

    def test_half_closed_client_is_answered(self):
        status, answer = self.say(request(close=False), shutdown=True)
        self.assertEqual(status, 200)
        self.assertIn(b"node_up_count", answer)

    def test_client_that_leaves_in_the_middle(self):
        whole = request()
        for cut in (1, 3, 20, len(whole) // 2, len(whole) - 1):
            for reset in (False, True):
                connection = self.connect()
                connection.sendall(whole[:cut])
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        self.assertEqual(self.server.get("/healthz").status, 200)


class Tls(Hostile):
    def test_hellos(self):
        def record(kind, version, data):
            return bytes([kind]) + version + struct.pack(">H", len(data)) + data
        cases = {
            "a hello of garbage": record(22, b"\x03\x01", os.urandom(200)),
            "a record of 65,535 bytes": b"\x16\x03\x01\xff\xff" + os.urandom(65535),
            "an empty record": record(22, b"\x03\x01", b""),
            "10,000 empty records": record(22, b"\x03\x01", b"") * 10_000,
            "SSL 3.0": record(22, b"\x03\x00", b"\x01\x00\x00\x26\x03\x00" + os.urandom(34)),
            "a version that is none": record(22, b"\x09\x09", os.urandom(50)),
            "a hello that says 16 MiB": record(22, b"\x03\x01", b"\x01\xff\xff\xff" + os.urandom(500)),
            "HTTP after one byte of TLS": b"\x16GET / HTTP/1.1\r\n\r\n",
            "a heartbeat that lies": record(22, b"\x03\x02", os.urandom(30)) + record(24, b"\x03\x02", b"\x01\x40\x00"),
            "an alert": record(22, b"\x03\x03", b"\x00\x00\x00\x00") + record(21, b"\x03\x03", b"\x02\x28"),
        }
        for name, data in cases.items():
            with self.subTest(name):
                status, answer = self.say(data, shutdown=True)
                self.assertIsNone(status, answer)
                self.assertLess(len(answer), 1000, "an alert at most")

    def test_old_versions_are_refused(self):
        context = harness.unverified()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(self.connect(), server_hostname="localhost")

    def test_garbage_after_the_handshake(self):
        for name, data in {"records of garbage": b"\x17\x03\x03\x40\x00" + os.urandom(16384), "no records": os.urandom(5000),
                           "plain HTTP": request(), "a second hello": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"}.items():
            with self.subTest(name):
                connection = self.connect_tls()
                raw = socket.socket(fileno=os.dup(connection.fileno()))
                self.addCleanup(raw.close)
                raw.settimeout(harness.DEADLINE)
                raw.sendall(data)
                self.assertNotIn(b"HTTP/1.1 200", self.read_all(raw))

    def test_http2_of_garbage(self):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

        def frame(kind, flags, stream, data):
            return struct.pack(">I", len(data))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + data
        cases = {
            "no preface": request(),
            "garbage after the preface": preface + os.urandom(500),
            "a frame of 16 MiB": preface + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(1000),
            "headers of garbage": preface + frame(4, 0, 0, b"") + frame(1, 5, 1, os.urandom(200)),
            "100,000 pings": preface + frame(4, 0, 0, b"") + frame(6, 0, 0, bytes(8)) * 100_000,
            "100,000 settings": preface + frame(4, 0, 0, b"") * 100_000,
            "data for a stream that is none": preface + frame(4, 0, 0, b"") + frame(0, 0, 77, b"x" * 1000),
        }
        for name, data in cases.items():
            with self.subTest(name):
                context = harness.unverified()
                context.set_alpn_protocols(["h2"])
                connection = context.wrap_socket(self.connect(), server_hostname="localhost")
                self.addCleanup(connection.close)
                connection.settimeout(1)
                with contextlib.suppress(OSError):
                    connection.sendall(data)
                with contextlib.suppress(OSError):
                    while connection.recv(65536):
                        pass
                self.assertEqual(self.server.get("/healthz").status, 200)

    def test_client_that_never_says_goodbye(self):
        for _ in range(50):
            connection = self.connect_tls()
            connection.sendall(request())
            raw = socket.socket(fileno=connection.detach())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        self.assertEqual(self.server.get("/healthz", tls=True).status, 200)


class Crowds(Hostile):
    def served(self, count=20):
        """The longest of `count` answers that somebody else waits for meanwhile, in seconds."""
        longest = 0.0
        for number in range(count):
            begin = time.monotonic()
            self.assertEqual(self.server.metric("node_up_count", tls=number % 2 == 1).status, 200)
            longest = max(longest, time.monotonic() - begin)
        return longest

    def test_slow_heads_of_200_clients(self):
        crowd = [self.connect() for _ in range(200)]
        for number, connection in enumerate(crowd):
            connection.sendall(b"\x16\x03\x01" if number >= 150 else request(close=False)[:40])
        longest = 0.0
        for step in range(5):
            for connection in crowd[:150]:
                connection.sendall(request(close=False)[40 + step:41 + step])
            longest = max(longest, self.served(4))
        if not os.environ.get("FLUX_METRICS_SLOW"):
            self.assertLess(longest, 2)
        for connection in crowd[:150]:
            connection.sendall(b"\r\n\r\n")
        for connection in crowd[:150]:
            self.assertTrue(connection.recv(100), "an answer, were it a refusal")

    def test_clients_that_never_read(self):
        crowd = []
        for _ in range(20):
            connection = socket.socket()
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", self.server.port))
            connection.setblocking(False)
            crowd.append(connection)
        data = request(f"GET {harness.CUSTOM}/v1beta2 HTTP/1.1", close=False) * 200
        stuck = set()
        end = time.monotonic() + harness.DEADLINE
        while len(stuck) < len(crowd) and time.monotonic() < end:
            for connection in crowd:
                try:
                    connection.send(data)
                    stuck.discard(connection)
                except BlockingIOError:
                    stuck.add(connection)
        self.assertEqual(len(stuck), len(crowd), "the server stops reading from who does not read")
        self.served()

    def test_many_connections_that_say_nothing(self):
        """More than the server takes: it makes room, for those who ask."""
        wanted = min(4500, raise_open_files(6000) - 200)
        if wanted < 4200:
            self.skipTest(f"this test may open {wanted} files only")
        crowd = [self.connect() for _ in range(wanted)]
        self.served()
        for connection in crowd:
            connection.close()

    def test_more_heads_than_fit(self):
        """Unfinished heads, nearly as large as they may be, on thousands of connections."""
        wanted = min(3000, raise_open_files(6000) - 200)
        head = request(f"GET {METRIC} HTTP/1.1", "x: " + "y" * 30_000)[:-2]
        crowd = []
        for _ in range(wanted):
            connection = self.connect()
            with contextlib.suppress(OSError):
                connection.sendall(head)
            crowd.append(connection)
        self.served()
        for connection in crowd:
            connection.close()


class FewFiles(Hostile):
    """A server that may open few files."""

    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        raise_open_files(2000)
        cls.simulator = cls.enterClassContext(harness.Simulator(size=2, max_size=4))
        server = harness.Server(uri=cls.simulator.uri)
        plain = harness._die_with_parent

        def limited():
            plain()
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
        harness._die_with_parent = limited
        try:
            cls.server = cls.enterClassContext(server)
        finally:
            harness._die_with_parent = plain
            del soft, hard
        cls.server.wait_number("node_up_count", 2)

    def test_more_connections_than_files(self):
        crowd = [self.connect() for _ in range(600)]
        for number in range(10):
            begin = time.monotonic()
            self.assertEqual(self.server.metric("node_up_count").status, 200, number)
            if not os.environ.get("FLUX_METRICS_SLOW"):
                self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(self.server.get("/readyz/flux").status, 200)
        for connection in crowd:
            connection.close()


class Names(Hostile):
    """Paths of things that do not exist: the answer says what there is."""

    def status(self, path):
        answer = self.server.get(path)
        document = answer.json()
        self.assertEqual(document["kind"], "Status", answer)
        self.assertEqual((answer.status, document["code"], document["reason"]), (404, 404, "NotFound"))
        return document["message"]

    def test_unknown_metric(self):
        base = f"{harness.CUSTOM}/v1beta2/namespaces"
        known = {r["name"].split("/")[1] for r in self.server.get(f"{harness.CUSTOM}/v1beta2").json()["resources"]}
        self.assertGreater(len(known), 20)
        for tail, object_ in (("flux-operator/metrics/nonsense", "namespaces flux-operator"),
                              ("flux-operator/services/custom-metrics-apiserver/nonsense", "services custom-metrics-apiserver"),
                              ("flux-operator/services/*/nonsense", "services")):
            message = self.status(f"{base}/{tail}")
            self.assertTrue(message.startswith(f"the server could not find the metric nonsense for {object_}: "), message)
            self.assertEqual(set(re.findall(r"[a-z_]+(?:_count|_total|_ratio|_seconds|_per_second|_info)", message)) - {"nonsense"}, known)

    def test_unknown_namespace_and_object(self):
        base = f"{harness.CUSTOM}/v1beta2/namespaces"
        for tail, object_ in (("elsewhere/metrics/node_up_count", "namespaces elsewhere"),
                              ("elsewhere/services/custom-metrics-apiserver/node_up_count", "services custom-metrics-apiserver"),
                              ("flux-operator/services/other/node_up_count", "services other"),
                              ("flux-operator/secrets/web-0/node_up_count", "secrets web-0"),
                              ("flux-operator/secrets/*/node_up_count", "secrets")):
            with self.subTest(tail):
                message = self.status(f"{base}/{tail}")
                self.assertTrue(message.startswith(f"the server could not find the metric node_up_count for {object_}: "),
                                message)
                self.assertIn("services/custom-metrics-apiserver and miniclusters.flux-framework.org/flux-sample in the "
                              "namespace flux-operator", message)
                if tail.startswith("elsewhere/services"):
                    self.assertIn("there is none in the namespace elsewhere", message)

    def test_selector_is_named(self):
        message = self.status(f"{METRIC.replace('node_up_count', 'nonsense')}?metricLabelSelector=a%3Db")
        self.assertIn("with selector a=b", message)

    def test_names_of_100_kilobytes(self):
        answer = self.server.get(METRIC.replace("node_up_count", "x" * 50_000))
        self.assertIn(answer.status, (404, 414, 431))
        self.assertLess(len(answer.body), 60_000)


if __name__ == "__main__":
    harness.main()
