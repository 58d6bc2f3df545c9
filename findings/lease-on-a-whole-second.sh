#!/usr/bin/env bash
# package: kubernetes 37.0.2 (PyPI), k8s.io/api v0.37.2 (Go: the types that the API server reads a Lease with)
# behaviour: acquireTime and renewTime of a Lease (eventTime of an Event as well) are a MicroTime: exactly six
#   digits of a second. The Python client writes a datetime with isoformat(), which leaves the fraction out when it
#   is zero.
# seen: a Lease that Go wrote, read and written back by Python: `cannot parse "+00:00" as ".000000"`. A renewTime of
#   one microsecond later passes. A Time, such as creationTimestamp, takes both.
# what it costs: a controller in Python that puts whole seconds into its Lease is never leader; one that does not is
#   refused once in a million renewals, which no test finds; and one that takes over a Lease whose acquireTime is a
#   whole second can never write it, as acquireTime is written back at each renewal.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check kubernetes==37.0.2 || exit 2
cat > write_back.py <<'PY'
import json, sys
from kubernetes import client

class Answer:  # what ApiClient.deserialize takes
    data = sys.stdin.read()

api = client.ApiClient()
lease = api.deserialize(Answer.data, "V1Lease", "application/json")
print(json.dumps(api.sanitize_for_serialization(lease)))
PY
cat > go.mod <<'GO'
module finding
go 1.25
require (
	k8s.io/api v0.37.2
	k8s.io/apimachinery v0.37.2
)
GO
cat > main.go <<'GO'
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"time"

	coordination "k8s.io/api/coordination/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func main() {
	for _, acquired := range []time.Time{
		time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 30, 4, 0, 0, 1000, time.UTC),
	} {
		lease := coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: "leader", CreationTimestamp: meta.NewTime(acquired)}}
		lease.Spec.AcquireTime = &meta.MicroTime{Time: acquired}
		written, err := json.Marshal(&lease)
		if err != nil {
			panic(err)
		}
		python := exec.Command("venv/bin/python", "write_back.py")
		python.Stdin = bytes.NewReader(written)
		answer, err := python.Output()
		if err != nil {
			panic(err)
		}
		var back struct {
			Spec struct{ AcquireTime string }
		}
		if err := json.Unmarshal(answer, &back); err != nil {
			panic(err)
		}
		var read coordination.Lease
		fmt.Println("python writes", back.Spec.AcquireTime)
		fmt.Println("  go reads:", json.Unmarshal(answer, &read))
	}
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
./build | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
python writes 2026-11-30T04:00:00+00:00
  go reads: parsing time "2026-11-30T04:00:00+00:00" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "+00:00" as ".000000"
python writes 2026-11-30T04:00:00.000001+00:00
  go reads: <nil>
SEEN
echo "still so"
