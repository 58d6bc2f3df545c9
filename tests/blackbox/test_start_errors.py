"""What `start` says when it cannot start: an exit code, and one sentence that names the thing and the cure."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import harness

FAILED, MISUSED = 1, 2
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def as_nobody(*command):
    """Runs a command as a user without rights: root may read any file and bind any port."""
    prefix = ()
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            raise unittest.SkipTest("no setpriv command here")
        prefix = NOBODY
    return subprocess.run([*prefix, *map(str, command)], env=harness.clean_environment(), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.DEADLINE * 2, check=False)


class StartErrors(unittest.TestCase):
    def setUp(self):
        # Not mkdtemp()'s mode 0700: nobody must come as far as the files.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fma-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, True)

    def refused(self, done, code, *words):
        """The program ended with `code`, and its last line says all of `words`."""
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len([line for line in lines if " error " in line]), 1, done.stderr)
        for word in words:
            self.assertRegex(lines[-1], word)
        self.assertGreater(len(lines[-1].split()), 6, "a sentence")
        self.assertNotRegex(done.stderr, r"terminate called|[Aa]borted|0x[0-9a-f]{6}")

    def start(self, *arguments):
        return harness.run("start", "--host", "127.0.0.1", "--port", harness.free_port(), *arguments)

    def with_files(self, certificate, key):
        return self.start("--ssl-certfile", certificate, "--ssl-keyfile", key)

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def test_certificate_and_key(self):
        certificate, key = map(pathlib.Path, harness.make_certificate(self.folder, "127.0.0.1"))
        other = self.folder / "other"
        other.mkdir()
        other_certificate, other_key = harness.make_certificate(other, "127.0.0.1")
        encrypted = self.folder / "encrypted.key"
        openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", encrypted)
        old_encrypted = self.folder / "old.key"
        openssl("ec", "-in", key, "-aes256", "-passout", "pass:secret", "-out", old_encrypted)
        weak = self.folder / "weak"
        openssl("req", "-x509", "-newkey", "rsa:512", "-nodes", "-subj", "/CN=weak", "-keyout", f"{weak}.key", "-out",
                f"{weak}.crt")
        cut = self.write("cut.crt", certificate.read_bytes()[:200])
        flipped = bytearray(certificate.read_bytes())
        flipped[60:100] = b"A" * 40
        missing, empty = self.folder / "missing", self.write("empty", b"")
        cases = {
            "a missing certificate": (missing, key, "missing' does not exist"),
            "a missing key": (certificate, missing, "missing' does not exist"),
            "a directory for a certificate": (self.folder, key, "is a directory"),
            "a directory for a key": (certificate, self.folder, "is a directory"),
            "an empty certificate": (empty, key, "empty' holds no usable PEM certificate"),
            "an empty key": (certificate, empty, "empty' holds no usable PEM private key"),
            "a certificate of garbage": (self.write("g.crt", os.urandom(4096)), key, "no usable PEM certificate"),
            "a key of garbage": (certificate, self.write("g.key", os.urandom(4096)), "no usable PEM private key"),
            "PEM with garbage inside": (self.write("x.crt", b"-----BEGIN CERTIFICATE-----\nAAAA\n"
                                                   b"-----END CERTIFICATE-----\n"), key, "no usable PEM certificate"),
            "a certificate that is cut off": (cut, key, "no usable PEM certificate"),
            "a damaged certificate": (self.write("f.crt", bytes(flipped)), key, "no usable PEM certificate"),
            "certificate and key swapped": (key, certificate, "no usable PEM certificate"),
            "another's key": (certificate, other_key, "is not the key of", "do not belong together"),
            "another's certificate": (other_certificate, key, "do not belong together"),
            "an encrypted key": (certificate, encrypted, "encrypted with a password", "openssl pkey"),
            "an encrypted key of the old kind": (certificate, old_encrypted, "encrypted with a password"),
            "a key that is too weak": (f"{weak}.crt", f"{weak}.key", "too small|no usable"),
            "64 MiB of nothing": (self.write("big.crt", b"\0" * (64 << 20)), key, "larger|no usable PEM"),
            "a device": ("/dev/zero", key, "is not a file|larger"),
        }
        for name, (cert, secret, *words) in cases.items():
            with self.subTest(name):
                done = self.with_files(cert, secret)
                self.refused(done, FAILED if "exist" in words[0] else MISUSED, *words)

    def test_files_that_may_not_be_read(self):
        certificate, key = harness.make_certificate(self.folder, "127.0.0.1")
        os.chown(self.folder, 65534, -1) if os.geteuid() == 0 else None
        for name, hidden in (("certificate", certificate), ("key", key)):
            with self.subTest(name):
                os.chmod(certificate, 0o644)
                os.chmod(key, 0o644)
                os.chmod(hidden, 0)
                done = as_nobody(harness.BINARY, "start", "--host", "127.0.0.1", "--port", harness.free_port(),
                                 "--ssl-certfile", certificate, "--ssl-keyfile", key)
                self.refused(done, FAILED, f"the {name} file '{re.escape(hidden)}' cannot be read: Permission denied")

    def certificate_of_days(self, first, last):
        """A self-signed certificate valid between two numbers of days from now."""
        key, request = self.folder / "days.key", self.folder / "days.csr"
        certificate = self.folder / "days.crt"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=days",
                "-keyout", key, "-out", request)
        database = self.folder / "ca"
        shutil.rmtree(database, True)
        database.mkdir()
        (database / "index.txt").touch()
        (self.folder / "ca.conf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}/index.txt\nnew_certs_dir={database}\nserial={database}/serial\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n", encoding="ascii")

        def moment(days):
            return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))
        openssl("ca", "-batch", "-config", self.folder / "ca.conf", "-selfsign", "-keyfile", key, "-in", request,
                "-create_serial", "-startdate", moment(first), "-enddate", moment(last), "-notext", "-out", certificate)
        return certificate, key

    def test_expired_certificate(self):
        self.refused(self.with_files(*self.certificate_of_days(-10, -3)), MISUSED, "expired", r"\d{4}-\d\d-\d\dT", "renew")

    def test_certificate_that_is_not_valid_yet(self):
        certificate, key = self.certificate_of_days(1, 3)
        with harness.Server("--ssl-certfile", certificate, "--ssl-keyfile", key) as server:
            server.wait_log("warning.*not valid before")
            self.assertEqual(server.get("/healthz", tls=True).status, 200)

    def test_used_port(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            done = harness.run("start", "--host", "127.0.0.1", "--port", port)
        self.refused(done, FAILED, f"127.0.0.1 port {port}: another program does", "--port")

    def test_port_without_permission(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            if int(file.read()) <= 81:
                self.skipTest("this host lets everybody listen on port 81")
        done = as_nobody(harness.BINARY, "start", "--host", "127.0.0.1", "--port", 81)
        self.refused(done, FAILED, "port 81: no permission", "--port")

    def test_place_that_is_none(self):
        cases = {
            "a name that does not resolve": ("no-such-host.invalid", MISUSED, "no-such-host.invalid", "--host"),
            "an address of another host": ("192.0.2.1", FAILED, "this host has no such address", "--host"),
            "a name with a blank": ("a b", MISUSED, "'a b'", "--host"),
            "a name of 10,000 characters": ("x" * 10_000, MISUSED, "--host"),
            "nothing": ("", MISUSED, "--host"),
        }
        for name, (host, code, *words) in cases.items():
            with self.subTest(name):
                self.refused(harness.run("start", "--host", host, "--port", harness.free_port()), code, *words)

    def test_certificate_directory(self):
        self.write("file", b"")
        kept = self.folder / "kept"
        kept.mkdir()
        (kept / "tls.crt").write_bytes(b"junk")
        (kept / "tls.key").write_bytes(b"junk")
        with self.subTest("a file for a directory"):
            self.refused(self.start("--cert-dir", self.folder / "file"), FAILED, "file")
        with self.subTest("below a file"):
            self.refused(self.start("--cert-dir", self.folder / "file" / "below"), FAILED, "below")
        with self.subTest("a directory that may not be written"):
            locked = self.folder / "locked"
            locked.mkdir(mode=0o555)
            done = as_nobody(harness.BINARY, "start", "--host", "127.0.0.1", "--port", harness.free_port(),
                             "--cert-dir", locked)
            self.refused(done, FAILED, "locked", "[Pp]ermission denied")

    def test_broker_that_is_none(self):
        cases = {
            "another scheme": ("ssh://host/run/flux/local", "ssh"),
            "no URI": ("/run/flux/local", "not a Flux URI"),
            "a relative path": ("local://run/flux", "not absolute"),
            "a path of 200 characters": ("local:///" + "x" * 200, "107"),
            "a broken escape": ("local:///a%zz", "escape"),
            "control characters": ("local\x1b[31m\n", "not a Flux URI"),
        }
        for name, (uri, *words) in cases.items():
            with self.subTest(name):
                self.refused(self.start("--flux-uri", uri), MISUSED, *words)

    def test_simulator_that_cannot_start_leaves_nothing(self):
        before = set(pathlib.Path(tempfile.gettempdir()).glob("fma-*"))
        simulator = harness.Simulator(size=5, max_size=2)
        folder = pathlib.Path(simulator.folder)
        self.assertTrue(folder.is_dir())
        with self.assertRaises(AssertionError), simulator:
            pass
        self.assertFalse(folder.exists(), "the folder of a simulator that did not start")
        self.assertNotIn(folder, before)


if __name__ == "__main__":
    harness.main()
