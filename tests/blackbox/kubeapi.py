"""A stand-in for kube-apiserver that answers what an aggregated API server asks of it: the authentication ConfigMap
(list and watch), TokenReview, SubjectAccessReview, pods (list and watch), documents and
any other objects that it is given. And a small maker of certificates. Standard library and the
openssl command only.
"""
import contextlib
import http.server
import json
import pathlib
import shutil
import ssl
import subprocess
import threading
import time
import unittest
import urllib.parse

NAME = "extension-apiserver-authentication"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Pki:
    """Certificates in a folder, made by the openssl command."""

    def __init__(self, folder):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("no openssl command here")
        self.folder = pathlib.Path(folder)

    def path(self, name):
        return str(self.folder / name)

    def read(self, name):
        return pathlib.Path(self.path(name)).read_text(encoding="ascii")

    def ca(self, name, subject=None):
        self._openssl("req", "-x509", *KEY, "-days", "2", "-subj", subject or f"/CN={name}", "-keyout",
                      self.path(name + ".key"), "-out", self.path(name + ".crt"))

    def leaf(self, name, ca, subject, uses="clientAuth", names=None, days=2):
        """A certificate `name`.crt with `name`.key, signed by `ca`; `days` < 0: expired."""
        extensions = ["basicConstraints=CA:FALSE", f"extendedKeyUsage={uses}"]
        if names:
            extensions.append("subjectAltName=" + ",".join(names))
        self.folder.joinpath(name + ".ext").write_text("\n".join(extensions) + "\n", encoding="ascii")
        self._openssl("req", *KEY, "-subj", subject, "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"))
        self._openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path(ca + ".crt"), "-CAkey",
                      self.path(ca + ".key"), "-CAcreateserial", "-days", str(days), "-extfile",
                      self.path(name + ".ext"), "-out", self.path(name + ".crt"))

    def context(self, name=None):
        """A client's TLS context that shows the certificate `name` and trusts every server."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if name:
            context.load_cert_chain(self.path(name + ".crt"), self.path(name + ".key"))
        return context

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")


class KubeApi:
    """`with KubeApi(pki, data)` serves on .port, with the certificate apiserver.crt of the CA `cluster`.

    What it says is in plain attributes, which tests change: data (of the ConfigMap), tokens, may(spec), faults.
    What it was asked is in reviews, a list of (kind, spec)."""

    def __init__(self, pki, data):
        self.pki = pki
        self.changed = threading.Condition()
        self.data, self.version = dict(data), 1
        self.credential = "server-token"  # the bearer token that the server under test must show
        self.tokens = {}  # token -> user, or a text: the review's error
        self.may = lambda spec: (True, "")
        self.down = False  # answers every review with 500
        self.config_status = 200  # of the ConfigMap
        self.watch_status = 200
        self.delay = 0.0
        self.reviews = []
        self.watches = 0
        self.pods = {}  # name -> metadata; put_pod() and delete_pod() change it
        self.pod_events = []  # (version, type, metadata)
        self.pods_status = 200
        self.pods_watch_status = 200
        self.pods_garbage = None  # what is answered instead of a list or an event
        self.pod_queries = []
        self.documents = {}  # path and query -> (ETag, body)
        self.redirects = {}  # path and query -> where to
        self.document_requests = []  # (path and query, If-None-Match)
        self.objects = {}  # path -> JSON, or (status, body[, content type])
        self.object_requests = []  # paths and queries of GETs that `objects` was looked through for
        self.port = None
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        api = self

        class Handler(_Handler):
            def setup(self):
                self.api = api
                super().setup()

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # clients go when they like
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.use_certificate("apiserver")
        self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        with self.changed:
            self.port = None
            self.changed.notify_all()

    def use_certificate(self, name):
        """For connections from now on."""
        self.tls.load_cert_chain(self.pki.path(name + ".crt"), self.pki.path(name + ".key"))

    def change(self, **data):
        """Changes keys of the ConfigMap (dashes as underscores); watchers are told."""
        with self.changed:
            for key, value in data.items():
                self.data[key.replace("_", "-")] = value
            self.version += 1
            self.changed.notify_all()

    def put_pod(self, name, index, job="flux-sample", **labels):
        """Makes or changes a pod of a Job; watchers are told."""
        self._change_pod("MODIFIED" if name in self.pods else "ADDED", {
            "name": name, "namespace": "flux-operator", "creationTimestamp": "2026-11-22T12:00:00Z",
            "labels": {"batch.kubernetes.io/job-name": job, "batch.kubernetes.io/job-completion-index": str(index), **labels}})

    def terminate_pod(self, name):
        """A pod that is being deleted, and lives on for its grace period."""
        self._change_pod("MODIFIED", {**self.pods[name], "deletionTimestamp": "2026-11-22T12:30:00Z"})

    def delete_pod(self, name):
        self._change_pod("DELETED", self.pods[name])

    def _change_pod(self, kind, metadata):
        with self.changed:
            self.version += 1
            metadata["resourceVersion"] = str(self.version)
            self.pods[metadata["name"]] = metadata
            if kind == "DELETED":
                del self.pods[metadata["name"]]
            self.pod_events.append((self.version, kind, metadata))
            self.changed.notify_all()

    def config_map(self):
        return {"kind": "ConfigMap", "apiVersion": "v1", "data": self.data,
                "metadata": {"name": NAME, "namespace": "kube-system", "resourceVersion": str(self.version)}}

    def count(self, kind):
        return sum(1 for found, _ in list(self.reviews) if found == kind)

    def kubeconfig(self, folder, name="kubeconfig", ca="cluster", user=None):
        """Writes one; its tokenFile is `token` beside it."""
        token = pathlib.Path(folder) / "token"
        token.write_text(self.credential + "\n", encoding="ascii")
        document = {
            "kind": "Config", "apiVersion": "v1", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "stand-in", "user": "server"}}],
            "clusters": [{"name": "stand-in", "cluster": {"server": f"https://127.0.0.1:{self.port}",
                                                          "certificate-authority": self.pki.path(ca + ".crt")}}],
            "users": [{"name": "server", "user": user or {"tokenFile": "token"}}]}
        path = pathlib.Path(folder) / name
        path.write_text(json.dumps(document), encoding="ascii")
        return str(path)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = 120

    def log_message(self, *_):
        """Quiet."""

    def handle(self):
        with contextlib.suppress(OSError):
            super().handle()

    def _send(self, status, body, headers=None):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _status(self, code, message):
        self._send(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})

    def _known(self):
        if self.headers.get("Authorization") == f"Bearer {self.api.credential}":
            return True
        self._status(401, "Unauthorized")
        return False

    def do_GET(self):
        if not self._known():
            return
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/api/v1/namespaces/flux-operator/pods" and url.path not in self.api.objects and self.api.pods:
            self._pods(query)
        elif self.api.objects:
            self._object(url.path)
        elif url.path == "/api/v1/namespaces/flux-operator/pods":
            self._pods(query)
        elif url.path == "/apis" or url.path.startswith("/openapi"):
            self._document()
        elif url.path != "/api/v1/namespaces/kube-system/configmaps" or query.get("fieldSelector") != f"metadata.name={NAME}":
            self._status(404, f"the stand-in does not serve {self.path}")
        elif "watch" in query:
            self._watch(int(query["resourceVersion"]), float(query["timeoutSeconds"]))
        elif self.api.config_status != 200:
            self._status(self.api.config_status, f'configmaps "{NAME}" is forbidden')
        else:
            with self.api.changed:
                self._send(200, {"kind": "ConfigMapList", "apiVersion": "v1", "items": [self.api.config_map()],
                                 "metadata": {"resourceVersion": str(self.api.version)}})

    def _object(self, path):
        self.api.object_requests.append(self.path)
        found = self.api.objects.get(path)
        if found is None:
            self._plain(404, "404 page not found\n")
        elif isinstance(found, tuple) and isinstance(found[1], str):
            self._plain(*found)
        elif isinstance(found, tuple):
            self._send(*found)
        else:
            self._send(200, found)

    def _plain(self, status, text, kind="text/plain; charset=utf-8"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def _document(self):
        known = self.headers.get("If-None-Match")
        self.api.document_requests.append((self.path, known))
        if self.api.down:
            self._status(403, "nobody may")
        elif self.path in self.api.redirects:
            self._send(301, {}, {"Location": self.api.redirects[self.path]})
        elif self.path not in self.api.documents:
            self._status(404, "there is no such document")
        else:
            etag, body = self.api.documents[self.path]
            if etag and etag == known:
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
                self.wfile.flush()
            else:
                self._send(200, body, {"ETag": etag} if etag else {})

    def _pods(self, query):
        api = self.api
        api.pod_queries.append((query, self.headers.get("Accept")))
        wanted = dict(part.split("=") for part in query["labelSelector"].split(","))
        chosen = lambda metadata: wanted.items() <= metadata["labels"].items()
        status = api.pods_watch_status if "watch" in query else api.pods_status
        if status != 200:
            self._status(status, 'pods is forbidden: User "server" cannot list resource "pods"')
        elif self.api.pods_garbage is not None and "watch" not in query:
            self._send(200, self.api.pods_garbage)
        elif "watch" in query:
            told = lambda version: [self.api.pods_garbage] if self.api.pods_garbage is not None else [{"type": kind, "object": {"kind": "PartialObjectMetadata", "metadata": metadata}}
                                    for at, kind, metadata in api.pod_events if at > version and chosen(metadata)]
            self._stream(int(query["resourceVersion"]), float(query["timeoutSeconds"]), told)
        else:
            with api.changed:
                items = [{"metadata": metadata} for name, metadata in sorted(api.pods.items()) if chosen(metadata)]
                begin, limit = int(query.get("continue", 0)), int(query["limit"])
                more = {"continue": str(begin + limit)} if len(items) > begin + limit else {}
                self._send(200, {"kind": "PartialObjectMetadataList", "items": items[begin:begin + limit],
                                 "metadata": {"resourceVersion": str(api.version), **more}})

    def _watch(self, version, seconds):
        api = self.api
        if api.watch_status != 200:
            self._status(api.watch_status, "watching is forbidden")
            return
        api.watches += 1
        self._stream(version, seconds, lambda _: [{"type": "MODIFIED", "object": api.config_map()}])

    def _stream(self, version, seconds, events):
        """Sends events(version) whenever there is a newer version."""
        api = self.api
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        end = time.monotonic() + seconds
        while api.port is not None and time.monotonic() < end:
            with api.changed:
                api.changed.wait_for(lambda: api.version != version or api.port is None, 0.5)
                if api.version == version:
                    continue
                lines = [json.dumps(event).encode() + b"\n" for event in events(version)]
                version = api.version
            for line in lines:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._known():
            return
        api = self.api
        path = urllib.parse.urlsplit(self.path).path
        api.reviews.append((body["kind"], body["spec"]))
        time.sleep(api.delay)
        if api.down:
            self._status(500, "boom")
        elif path == "/apis/authentication.k8s.io/v1/tokenreviews" and body["kind"] == "TokenReview":
            self._send(201, {**body, "status": self._token_status(body["spec"]["token"])})
        elif path == "/apis/authorization.k8s.io/v1/subjectaccessreviews" and body["kind"] == "SubjectAccessReview":
            allowed, reason = api.may(body["spec"])
            self._send(201, {**body, "status": {"allowed": allowed, "reason": reason}})
        else:
            self._status(404, f"the stand-in does not serve {self.path}")

    def _token_status(self, token):
        known = self.api.tokens.get(token)
        if isinstance(known, dict):
            return {"authenticated": True, "user": known}
        return {"authenticated": False, **({"error": known} if known else {})}
