#!/usr/bin/env bash
# package: k8s.io/client-go and k8s.io/metrics v0.37.2 (Go: the HPA controller's clients), kubernetes 37.0.2 with
#   urllib3 2.8.0 (PyPI)
# behaviour: a 503 that carries `Retry-After: 1` is not given to the caller: the Go client sends the request 11
#   times and waits in between, the Python client 4 times. Without the header it is one request. Retry-After as a
#   date, which HTTP allows as well, is no Retry-After to the Go client.
# seen: metrics client of Go: 1 request without the header, 11 requests in 10 s with it, 1 with a date; Python: 1
#   and 4.
# what it costs: a metrics server that adds the header to "no value now", to be polite, makes each read of the HPA
#   controller last 10 s, and it has five workers: HPAs that have nothing to do with this server are late. The load
#   on a server that has no value is eleven times as high, just then. A script's own time-out is not the time that a
#   call takes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kubernetes==37.0.2 urllib3==2.8.0 || exit 2
cat > read.py <<'PY'
import sys
from kubernetes import client

api = client.CustomObjectsApi(client.ApiClient(client.Configuration(host=sys.argv[1])))
try:
    api.get_namespaced_custom_object("external.metrics.k8s.io", "v1beta1", "default", "node_wanted_count", "")
except client.ApiException as error:
    assert error.status == 503
PY
cat > go.mod <<'GO'
module finding
go 1.25
require (
	k8s.io/apimachinery v0.37.2
	k8s.io/client-go v0.37.2
	k8s.io/metrics v0.37.2
)
GO
cat > main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/client/external_metrics"
)

const status = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"ServiceUnavailable","code":503,
"message":"no value now"}`

func goReads(url string) {
	client, err := external_metrics.NewForConfig(&rest.Config{Host: url})
	if err != nil {
		panic(err)
	}
	_, err = client.NamespacedMetrics("default").List("node_wanted_count", labels.Everything())
	if !errors.IsServiceUnavailable(err) {
		panic(err)
	}
}

func pythonReads(url string) {
	if out, err := exec.Command("venv/bin/python", "read.py", url).CombinedOutput(); err != nil {
		panic(string(out))
	}
}

func main() {
	var requests atomic.Int32
	retryAfter := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, status)
	}))
	defer server.Close()
	for _, client := range []struct {
		name  string
		reads func(string)
	}{{"go", goReads}, {"python", pythonReads}} {
		for _, header := range []struct{ name, value string }{
			{"no Retry-After", ""}, {"Retry-After: 1", "1"},
			{"Retry-After: a date", time.Now().Add(time.Second).UTC().Format(http.TimeFormat)},
		} {
			if client.name == "python" && header.value != "" && header.value != "1" {
				continue
			}
			requests.Store(0)
			retryAfter = header.value
			start := time.Now()
			client.reads(server.URL)
			long := ""
			if time.Since(start) > 9*time.Second {
				long = ", 10 s or longer"
			}
			fmt.Printf("%s, %s: %d requests%s\n", client.name, header.name, requests.Load(), long)
		}
	}
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
./build | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
go, no Retry-After: 1 requests
go, Retry-After: 1: 11 requests, 10 s or longer
go, Retry-After: a date: 1 requests
python, no Retry-After: 1 requests
python, Retry-After: 1: 4 requests
SEEN
echo "still so"
