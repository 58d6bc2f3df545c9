"""What the measurements beside nginx have in common."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATH = ("/apis/custom.metrics.k8s.io/v1beta2/namespaces/flux-operator/services/custom-metrics-apiserver/"
        "node_up_count")

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; server_tokens off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  default_type application/json;
  ssl_certificate {folder}/{certificate}.crt; ssl_certificate_key {folder}/{certificate}.key;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache off; ssl_session_tickets off;
  {servers}
}}
"""


def write_nginx_config(folder, certificate, body, listens):
    """folder/nginx.conf: a server for each text of `listens` (the directives that make it listen), all answering `body`."""
    servers = "\n  ".join(f"server {{ {listen} location / {{ return 200 '{body.decode()}'; }} }}" for listen in listens)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, certificate=certificate, servers=servers))


def fail(text):
    print(f"bench: {text}", file=sys.stderr)
    sys.exit(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*command, core=None, log=os.devnull):
    if core is not None:
        command = ("taskset", "-c", str(core), *command)
    with open(log, "ab") as output:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def connect(port, tls, timeout=20.0):
    raw = socket.create_connection(("127.0.0.1", port), timeout)
    if not tls:
        return raw
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(raw)


def ask(port, tls=False, timeout=20.0, path=PATH):
    """One GET on a connection of its own: (status line, head, body); OSError while nothing listens."""
    with connect(port, tls, timeout) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        text = b""
        while chunk := raw.recv(65536):
            text += chunk
    head, _, body = text.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), head, body


def until_answered(port, deadline=20.0):
    """Seconds until the first 200 with a value."""
    begin = time.monotonic()
    while time.monotonic() - begin < deadline:
        try:
            status, _, body = ask(port)
            if " 200 " in status:
                return time.monotonic() - begin, body
        except OSError:
            pass
        time.sleep(0.0005)
    fail(f"no metric within {deadline} s")


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024 for name in ("VmRSS", "VmHWM"))


def tls_facts(port):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief"], input="", text=True,
                          capture_output=True, check=False)
    text = done.stdout + done.stderr
    facts = [re.search(rf"^{name}: (.*)$", text, re.M) for name in
             ("Protocol version", "Ciphersuite", "Server Temp Key")]
    return [fact[1] if fact else "?" for fact in facts]


def row(name, ours, theirs, ours_p99=None, theirs_p99=None):
    ratios = [a / b for a, b in zip(ours, theirs)]
    extra = f" | {ours_p99:.0f} | {theirs_p99:.0f} |" if ours_p99 is not None else " | | |"
    print(f"| {name} | {statistics.median(ours):,.0f} | {statistics.median(theirs):,.0f} | "
          f"**{statistics.median(ratios):.2f}** | {min(ratios):.2f} to {max(ratios):.2f}{extra}", flush=True)
    return statistics.median(ratios)
