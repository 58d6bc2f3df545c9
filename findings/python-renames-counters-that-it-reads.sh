#!/usr/bin/env bash
# package: prometheus_client 0.26.0 (PyPI)
# behaviour: the parser of the text format hands out samples of a counter under a name that is not in the text: it
#   appends `_total` where the counter has none, as counters of the text format need not. What is written out again
#   has the new name.
# seen: `flux_jobs_failed{queue="batch"} 3`, TYPE counter -> sample flux_jobs_failed_total; the same line without a
#   TYPE keeps its name.
# what it costs: a relay, filter or test that reads an exporter and passes on or looks for what it read finds no
#   flux_jobs_failed; alerts, recording rules and an adapter's seriesQuery of the old name are silent.
#   prometheus_client alone cannot show it: all of its own counters end in _total.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check prometheus_client==0.26.0 || exit 2
cat > relay.py <<'PY'
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

def relay(text):
    families = list(text_string_to_metric_families(text))
    print("in  ", text.splitlines()[-1])
    print("read", families[0].samples[0].name)
    registry = CollectorRegistry()
    registry.register(type("Relay", (), {"collect": lambda self: families})())
    print("out ", generate_latest(registry).decode().splitlines()[-1])

relay('# TYPE flux_jobs_failed counter\nflux_jobs_failed{queue="batch"} 3\n')
relay('flux_jobs_failed{queue="batch"} 3\n')
PY
venv/bin/python relay.py | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
in   flux_jobs_failed{queue="batch"} 3
read flux_jobs_failed_total
out  flux_jobs_failed_total{queue="batch"} 3.0
in   flux_jobs_failed{queue="batch"} 3
read flux_jobs_failed
out  flux_jobs_failed{queue="batch"} 3.0
SEEN
echo "still so"
