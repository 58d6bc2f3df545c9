"""The same requests as were once sent to the reference server (the test adapter of custom-metrics-apiserver, built on
Kubernetes 1.36): our status, headers and bodies against what it answered, in tests/data/k8s-captures.

Its objects and metrics are others than ours, so names and values are replaced on both sides before the bodies are
compared byte by byte. Where we differ on purpose, the case says how and why; such a case fails when we do not differ.
"""
import gzip
import json
import pathlib
import re
import unittest

import harness

CAPTURES = pathlib.Path(__file__).parent.parent / "data" / "k8s-captures"
V1 = "/apis/custom.metrics.k8s.io/v1beta1"
V2 = "/apis/custom.metrics.k8s.io/v1beta2"
POD = "/namespaces/default/services/web-0/node_up_count"
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/"
ALL = "/namespaces/default/services/*/node_up_count"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
AGGREGATED_OLD = AGGREGATED.replace("v=v2", "v=v2beta1")
# Of each answer; the others depend on the time, the request or the transport.
HEADERS = ("content-type", "cache-control", "vary", "x-content-type-options")


class Captured:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


def read_captures(name):
    """{case: answer} of one file: blocks of "##### CASE", status line, headers, an empty line, the body, "----"."""
    answers = {}
    for block in (CAPTURES / name).read_text().split("##### ")[1:]:
        case, _, rest = block.partition("\n")
        head, _, body = rest.partition("\n\n")
        lines = head.split("\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
        if not lines[0].startswith("HTTP/2 "):
            continue  # bytes in hexadecimal: the unit tests read those
        body = body.removesuffix("\n").removesuffix("----")
        # What was written down has one line feed more than what was sent, unless that ended without one.
        if "content-length" in headers:
            body = body[:int(headers["content-length"])]
        answers[case] = Captured(int(lines[0].split()[1]), headers, body)
    return answers


def same_names(text):
    """Theirs and ours with one name for what differs in name only."""
    for pattern, plain in ((r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"), (r'value: (1500m|"2")', "value: VALUE"),
                           (r'"(1500m|44|2)"', '"VALUE"'), (r"\b(Pod|Service)\b", "OBJECT"),
                           (r"\b(pods|services)\b", "OBJECTS"), (r"\b(qps|other-external-metric|node_up_count)\b", "METRIC"),
                           # The reference server writes the core group as "/v1", which is its fault: HPAs ignore it.
                           (r'("apiVersion": ?)"/v1"', r'\1"v1"'), (r"apiVersion: /v1", "apiVersion: v1")):
        text = re.sub(pattern, plain, text)
    return text


def shape(value):
    """The keys of a document in their order; of a list, the shape of its first item."""
    if isinstance(value, dict):
        return [(key, shape(member)) for key, member in value.items()]
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


class Case:
    def __init__(self, file, name, path, method="GET", accept=None, agent=None, compare="body", differs=None):
        self.file, self.name, self.path, self.method, self.compare = file, name, path, method, compare
        self.headers = {key: value for key, value in (("Accept", accept), ("User-Agent", agent)) if value}
        self.differs = differs

    def __repr__(self):
        return f"{self.file} {self.name!r}: {self.method} {self.path} {self.headers}"


class Differs:
    """What we answer instead, and why."""

    def __init__(self, status, contains, why):
        self.status, self.contains, self.why = status, contains, why


PREFERRED = "theirs forgets v1beta2; ours lists both and prefers the newer"
WAY_OUT = "ours adds what there is"

CASES = [
    # discovery
    Case("basic.txt", "GET /", "/", compare="shape"),
    Case("basic.txt", "GET /foo", "/foo", compare="shape"),
    Case("basic.txt", "GET /api", "/api", compare="shape"),
    Case("basic.txt", "GET /apis/foo", "/apis/foo", compare="shape"),
    Case("basic.txt", "GET /healthz/nope", "/healthz/nope", compare="shape"),
    Case("basic.txt", "GET /apis", "/apis", compare="shape"),
    Case("basic.txt", "GET /apis/", "/apis/", compare="shape"),
    Case("basic.txt", "GET /apis/custom.metrics.k8s.io", "/apis/custom.metrics.k8s.io",
         differs=Differs(200, '"preferredVersion":{"groupVersion":"custom.metrics.k8s.io/v1beta2"', PREFERRED)),
    Case("basic.txt", "GET /apis/custom.metrics.k8s.io/", "/apis/custom.metrics.k8s.io/", compare="shape"),
    Case("basic.txt", "GET /apis/custom.metrics.k8s.io/v1beta1", V1, compare="shape"),
    Case("basic.txt", "GET /apis/custom.metrics.k8s.io/v1beta1/", V1 + "/", compare="shape"),
    Case("basic.txt", "GET /apis/custom.metrics.k8s.io/v1beta2", V2, compare="shape"),
    Case("basic.txt", "GET /version", "/version", compare="shape"),
    Case("basic.txt", "GET /version/", "/version/", compare="shape"),
    Case("basic.txt", "GET /readyz/ping", "/readyz/ping"),
    Case("agg.txt", "aggdisc v2", "/apis", accept=AGGREGATED,
         differs=Differs(200, '"items":[{"metadata":{"name":"custom.metrics.k8s.io"}',
                         "theirs lists nothing, so that kubectl api-resources shows no metric")),
    Case("agg.txt", "aggdisc aggregator accept", "/apis", accept=f"{AGGREGATED},{AGGREGATED_OLD}",
         differs=Differs(200, '"apiVersion":"apidiscovery.k8s.io/v2"', "as above")),
    Case("agg.txt", "aggdisc client-go accept", "/apis", accept=f"{AGGREGATED},{AGGREGATED_OLD},application/json",
         differs=Differs(200, '"apiVersion":"apidiscovery.k8s.io/v2"', "as above")),
    Case("agg.txt", "aggdisc v2beta1 only", "/apis", accept=AGGREGATED_OLD,
         differs=Differs(200, '"apiVersion":"apidiscovery.k8s.io/v2beta1"',
                         "control planes before 1.30, which we support, ask for nothing else")),
    Case("agg.txt", "/apis/group agg", V1, accept=AGGREGATED),
    Case("agg.txt", "/apis/group agg+json", V1, accept=f"{AGGREGATED},application/json", compare="shape"),
    # methods
    *[Case("neg.txt", f"{method} metric", V2 + POD, method=method)
      for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")],
    Case("neg.txt", "POST disc", V1, method="POST"),
    Case("neg.txt", "POST apis", "/apis", method="POST"),
    Case("neg.txt", "POST /version", "/version", method="POST"),
    Case("neg.txt", "POST healthz", "/healthz", method="POST"),
    # what is accepted
    Case("neg.txt", "Accept xml", V2 + POD, accept="application/xml"),
    Case("neg.txt", "Accept xml,*/*", V2 + POD, accept="application/xml,*/*"),
    Case("neg.txt", "Accept yaml", V2 + POD, accept="application/yaml"),
    Case("neg.txt", "Accept json pretty=1", V2 + POD, accept="application/json;pretty=1"),
    Case("neg.txt", "?pretty=1", V2 + POD + "?pretty=1"),
    Case("neg.txt", "?pretty=true pb", V2 + POD + "?pretty=true", accept="application/yaml"),
    Case("neg.txt", "curl UA", V2 + POD, agent="curl/8.5.0"),
    Case("neg.txt", "curl UA pretty=0", V2 + POD + "?pretty=0", agent="curl/8.5.0"),
    Case("neg.txt", "table", V2 + POD, accept=TABLE),
    Case("neg.txt", "table,json (kubectl)", V2 + POD, accept=f"{TABLE},application/json"),
    Case("neg.txt", "cbor", V2 + POD, accept="application/cbor"),
    Case("neg.txt", "json;charset", V2 + POD, accept="application/json;charset=utf-8"),
    Case("neg.txt", "disc xml", V1, accept="application/xml"),
    Case("neg.txt", "/apis xml", "/apis", accept="application/xml"),
    Case("neg.txt", "err xml", V2 + POD.replace("web-0", "zzz"), accept="application/xml"),
    Case("neg.txt", "err yaml", V2 + POD.replace("web-0", "zzz"), accept="application/yaml",
         differs=Differs(404, "code: 404\nkind: Status\nmessage: 'the server could not find", WAY_OUT)),
    Case("neg.txt", "version xml", "/version", accept="application/xml"),
    Case("neg.txt", "stream=watch", V2 + POD, accept="application/json;stream=watch"),
    Case("neg.txt", "application/*", V2 + POD, accept="application/*",
         differs=Differs(200, '"kind":"MetricValueList"', "RFC 9110 lets a client say so; their router forgets it")),
    Case("neg.txt", "q", V2 + POD, accept="application/json;q=0.1,application/yaml;q=0.9"),
    # values and selectors
    Case("metrics.txt", "ns pod single v1b1", V1 + POD),
    Case("metrics.txt", "ns pod single v1b2", V2 + POD),
    Case("metrics.txt", "singular", V2 + POD.replace("services", "service")),
    Case("metrics.txt", "trailing slash", V2 + POD + "/"),
    Case("metrics.txt", "double slash", V2 + POD.replace("/services", "//services")),
    Case("metrics.txt", "fieldSelector match", V2 + POD + "?fieldSelector=metadata.name%3Dweb-0"),
    Case("metrics.txt", "fieldSelector other", V2 + POD + "?fieldSelector=metadata.name%3Dweb-1"),
    Case("metrics.txt", "fieldSelector weird", V2 + POD + "?fieldSelector=spec.x%3D1"),
    Case("metrics.txt", "unknown param", V2 + POD + "?foo=bar"),
    Case("metrics.txt", "limit bad", V2 + POD + "?limit=xx"),
    Case("metrics.txt", "bad labelSelector", V2 + ALL + "?labelSelector=a+b"),
    Case("metrics.txt", "bad labelSelector on name", V2 + POD + "?labelSelector=-bad-%3Dx"),
    Case("metrics.txt", "bad metricLabelSelector", V2 + POD + "?metricLabelSelector=a+b",
         differs=Differs(400, '"reason":"BadRequest"', "it is the client's fault, not the server's")),
    Case("metrics.txt", "unknown metric pod", V2 + POD.replace("node_up_count", "nope"),
         differs=Differs(404, "the server could not find the metric nope for services web-0", WAY_OUT)),
    Case("metrics.txt", "unknown metric wild", V2 + ALL.replace("node_up_count", "nope"),
         differs=Differs(404, "the server could not find the metric nope", "an HPA shows a message, and no empty list")),
    Case("metrics.txt", "unknown pod", V2 + POD.replace("web-0", "zzz"),
         differs=Differs(404, "the server could not find the metric node_up_count for services zzz", WAY_OUT)),
    Case("metrics.txt", "unknown resource", V2 + POD.replace("services", "flubbers"),
         differs=Differs(404, '"reason":"NotFound"', "a resource without metrics is no failure of the server")),
    Case("metrics.txt", "ns resource via root: namespaces/default/nsm", V2 + "/namespaces/default/nsm"),
    Case("metrics.txt", "ns/pods", V2 + "/namespaces/default/pods"),
    Case("metrics.txt", "ns/pods/x", V2 + "/namespaces/default/pods/x"),
    Case("metrics.txt", "short", V2 + "/pods"),
    Case("metrics.txt", "short2", V2 + "/nodes/n1"),
    Case("metrics.txt", "too long", V2 + POD + "/extra"),
    Case("metrics.txt", "v1beta3", V2.replace("v1beta2", "v1beta3") + POD),
    Case("metrics.txt", "v1beta3 disc", V2.replace("v1beta2", "v1beta3")),
    # external metrics
    Case("basic.txt", "GET /apis/external.metrics.k8s.io", "/apis/external.metrics.k8s.io"),
    Case("basic.txt", "GET /apis/external.metrics.k8s.io/v1beta1", "/apis/external.metrics.k8s.io/v1beta1", compare="shape"),
    Case("metrics.txt", "ext emptylabels", EXTERNAL + "node_up_count"),
    Case("metrics.txt", "ext none", EXTERNAL + "nope",
         differs=Differs(404, "the server could not find the metric nope", "an HPA shows a message, and no empty list")),
    Case("metrics.txt", "ext badsel", EXTERNAL + "node_up_count?labelSelector=%3D%3D"),
    Case("metrics.txt", "ext watch", EXTERNAL + "node_up_count?watch=true"),
    Case("metrics.txt", "ext root", EXTERNAL.replace("namespaces/default/", "node_up_count")),
    Case("metrics.txt", "ext slash", EXTERNAL + "a/b"),
    Case("metrics.txt", "ext rvmatch", EXTERNAL + "node_up_count?resourceVersionMatch=Exact"),
    Case("neg.txt", "POST ext", EXTERNAL + "node_up_count", method="POST"),
    Case("neg.txt", "ext table", EXTERNAL + "node_up_count", accept=TABLE),
    Case("neg.txt", "ext PartialObjectMetadataList", EXTERNAL + "node_up_count",
         accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
         differs=Differs(406, "only the following media types are accepted", "it is nothing that we have, and no failure")),
]


class Reference(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = harness.Simulator(size=2)
        cls.enterClassContext(cls.simulator)
        cls.server = harness.Server("--namespace", "default", "--service-name", "web-0", uri=cls.simulator.uri)
        cls.enterClassContext(cls.server)
        harness.eventually(lambda: cls.server.get(V2 + POD).status == 200, "the first value")
        cls.captures = {name: read_captures(name) for name in ("basic.txt", "agg.txt", "neg.txt", "metrics.txt")}

    def headers_of(self, answer):
        return {name: ", ".join(answer.headers.get_all(name) or []) or None for name in HEADERS}

    def check_same(self, case, ours, theirs):
        self.assertEqual(ours.status, theirs.status, ours)
        self.assertEqual(self.headers_of(ours), {name: theirs.headers.get(name) for name in HEADERS})
        if case.compare == "shape":
            self.assertEqual(shape(json.loads(ours.body)), shape(json.loads(theirs.body)))
            self.assertEqual(ours.body.endswith(b"\n"), theirs.body.endswith("\n"))
            self.assertEqual(ours.body.startswith(b"{\n"), theirs.body.startswith("{\n"))
        else:
            self.assertEqual(same_names(ours.body.decode()), same_names(theirs.body))

    def check_different(self, case, ours, theirs):
        self.assertEqual(ours.status, case.differs.status, ours)
        self.assertIn(case.differs.contains, ours.body.decode(), case.differs.why)
        self.assertNotEqual(same_names(ours.body.decode()), same_names(theirs.body), "no difference any more")

    def test_answers_are_those_of_the_reference_server(self):
        for case in CASES:
            with self.subTest(case=case):
                theirs = self.captures[case.file][case.name]
                ours = self.server.get(case.path, method=case.method, headers=case.headers)
                self.assertRegex(ours.headers.get("Audit-Id", ""), r"^[0-9a-f-]{36}$")
                (self.check_different if case.differs else self.check_same)(case, ours, theirs)

    def test_the_aggregator_gets_304_for_what_it_has(self):
        first = self.server.get("/apis", headers={"Accept": AGGREGATED})
        etag = first.headers["ETag"]
        again = self.server.get("/apis", headers={"Accept": AGGREGATED, "If-None-Match": etag})
        theirs = next(answer for answer in self.captures["agg.txt"].values() if answer.status == 304)
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(again.headers["ETag"], etag)
        self.assertEqual(self.headers_of(again), {name: theirs.headers.get(name) for name in HEADERS})

    def test_every_form_tells_the_same(self):
        for version in (V1, V2):
            ours = self.server.get(version + POD, headers={"Accept": "application/vnd.kubernetes.protobuf, */*"})
            self.assertEqual(ours.headers["Content-Type"], "application/vnd.kubernetes.protobuf")
            self.assertEqual(ours.body[:4], b"k8s\0")
            for text in (version.removeprefix("/apis/"), "MetricValueList", "Service", "default", "web-0", "node_up_count"):
                self.assertIn(bytes([len(text)]) + text.encode(), ours.body)


class OpenApi(unittest.TestCase):
    def test_documents_are_found_from_their_index(self):
        with harness.Server(uri="local:///nowhere/flux.sock") as server:
            swagger = server.get("/openapi/v2")
            self.assertEqual(swagger.json()["swagger"], "2.0")
            for path in ("/schema", V2 + "/openapi/v2"):
                self.assertEqual(server.get(path).body, swagger.body, path)
            squeezed = server.get("/openapi/v2", headers={"Accept-Encoding": "gzip"})
            self.assertEqual(squeezed.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(squeezed.body), swagger.body)
            index = server.get("/openapi/v3").json()["paths"]
            self.assertEqual(sorted(index), ["apis/custom.metrics.k8s.io/v1beta1", "apis/custom.metrics.k8s.io/v1beta2",
                                             "apis/external.metrics.k8s.io/v1beta1"])
            for entry in index.values():
                document = server.get(entry["serverRelativeURL"])
                self.assertEqual(document.headers["Cache-Control"], "public, immutable")
                self.assertEqual(document.json()["openapi"], "3.0.0")


if __name__ == "__main__":
    harness.main()
