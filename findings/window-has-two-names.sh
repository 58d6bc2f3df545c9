#!/usr/bin/env bash
# package: k8s.io/metrics v0.37.2 (Go: the types of the metrics APIs)
# behaviour: the field WindowSeconds of a metric value is `window` in custom.metrics.k8s.io/v1beta1 and in
#   external.metrics.k8s.io/v1beta1, and `windowSeconds` in custom.metrics.k8s.io/v1beta2. In metrics.k8s.io
#   `window` is no number but a duration in text. A key of the other version is dropped without an error.
# seen: {"window":60}, {"windowSeconds":60}, {"window":60}, {"window":"1m0s"}; v1beta2 reads {"window":60} as no
#   window.
# what it costs: a server or a script that writes one key for all versions says "a value of this moment" where it
#   means "the mean of a minute", and a reader of rates divides by a window that it does not have. The type's field
#   is WindowSeconds in each of the three.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'GO'
module finding
go 1.25
require (
	k8s.io/apimachinery v0.37.2
	k8s.io/metrics v0.37.2
)
GO
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	custom1 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta1"
	custom2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	external "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	resource "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

func show(version string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		panic(err)
	}
	for _, key := range []string{"window", "windowSeconds"} {
		if written, ok := fields[key]; ok {
			fmt.Printf("%-32s %s: %s\n", version, key, written)
		}
	}
}

func main() {
	minute := int64(60)
	show("custom.metrics.k8s.io/v1beta1", custom1.MetricValue{WindowSeconds: &minute})
	show("custom.metrics.k8s.io/v1beta2", custom2.MetricValue{WindowSeconds: &minute})
	show("external.metrics.k8s.io/v1beta1", external.ExternalMetricValue{WindowSeconds: &minute})
	show("metrics.k8s.io/v1beta1", resource.NodeMetrics{Window: meta.Duration{Duration: time.Minute}})
	var value custom2.MetricValue
	err := json.Unmarshal([]byte(`{"metric":{"name":"node_up_count"},"value":"4","window":60}`), &value)
	fmt.Println("v1beta2 reads window: 60 as", value.WindowSeconds, "error", err)
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
./build | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
custom.metrics.k8s.io/v1beta1    window: 60
custom.metrics.k8s.io/v1beta2    windowSeconds: 60
external.metrics.k8s.io/v1beta1  window: 60
metrics.k8s.io/v1beta1           window: "1m0s"
v1beta2 reads window: 60 as <nil> error <nil>
SEEN
echo "still so"
