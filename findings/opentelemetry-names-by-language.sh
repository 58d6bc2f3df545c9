#!/usr/bin/env bash
# package: go.opentelemetry.io/otel/exporters/prometheus v0.69.0 (Go), opentelemetry-exporter-prometheus 0.66b2
#   (PyPI), @opentelemetry/exporter-prometheus 0.223.0 (npm)
# behaviour: one gauge with one unit gets a different name in Prometheus by the language of the exporter. Go appends
#   `_ratio` for the unit "1" and `_seconds` for "s"; Python appends only the second; JavaScript appends nothing.
# seen: node_wanted_count with unit "1": node_wanted_count_ratio (Go), node_wanted_count (Python, JavaScript);
#   job_wait with unit "s": job_wait_seconds (Go, Python), job_wait (JavaScript).
# what it costs: an exporter of queue sizes that is rewritten in another language, or a collector in front of it,
#   renames the series that an HPA follows through prometheus-adapter: FailedGetObjectMetric, and the size stays
#   where it is. A unit in braces, "{node}", is left alone by all three.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  opentelemetry-exporter-prometheus==0.66b2 opentelemetry-sdk==1.45.2 || exit 2
npm install --silent --no-audit --no-fund --prefix . \
  @opentelemetry/exporter-prometheus@0.223.0 @opentelemetry/sdk-metrics@2.12.1 || exit 2
cat > names.py <<'PY'
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import generate_latest

meter = MeterProvider(metric_readers=[PrometheusMetricReader()]).get_meter("flux")
meter.create_gauge("node_wanted_count", unit="1").set(4)
meter.create_gauge("node_up_count", unit="{node}").set(4)
meter.create_gauge("job_wait", unit="s").set(4)
print(generate_latest().decode())
PY
cat > names.mjs <<'JS'
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";

const reader = new PrometheusExporter({ preventServerStart: true });
const meter = new MeterProvider({ readers: [reader] }).getMeter("flux");
meter.createGauge("node_wanted_count", { unit: "1" }).record(4);
meter.createGauge("node_up_count", { unit: "{node}" }).record(4);
meter.createGauge("job_wait", { unit: "s" }).record(4);
console.log(new PrometheusSerializer().serialize((await reader.collect()).resourceMetrics));
JS
cat > go.mod <<'GO'
module finding
go 1.25
require (
	github.com/prometheus/client_golang v1.23.2
	go.opentelemetry.io/otel/exporters/prometheus v0.69.0
	go.opentelemetry.io/otel/metric v1.47.0
	go.opentelemetry.io/otel/sdk/metric v1.47.0
)
GO
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

func main() {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		panic(err)
	}
	meter := sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("flux")
	for name, unit := range map[string]string{"node_wanted_count": "1", "node_up_count": "{node}", "job_wait": "s"} {
		gauge, err := meter.Int64Gauge(name, metric.WithUnit(unit))
		if err != nil {
			panic(err)
		}
		gauge.Record(context.Background(), 4)
	}
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		fmt.Println(family.GetName())
	}
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
names() { grep -oE '^(node|job)_[a-z_]+' | sort | tr '\n' ' '; echo; }
{
  echo "go         $(./build | names)"
  echo "python     $(venv/bin/python names.py | names)"
  echo "javascript $(node names.mjs | names)"
} | sed 's/ *$//' | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
go         job_wait_seconds node_up_count node_wanted_count_ratio
python     job_wait_seconds node_up_count node_wanted_count
javascript job_wait node_up_count node_wanted_count
SEEN
echo "still so"
