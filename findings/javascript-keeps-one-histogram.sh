#!/usr/bin/env bash
# package: parse-prometheus-text-format 1.1.1 (npm)
# behaviour: a histogram with labels loses them, and of all its label sets only the last one is left, without its
#   sum and count. Gauges and counters keep their labels.
# seen: job_wait_seconds of the queues batch (9 jobs) and debug (1 job): one entry, buckets {"10":"1","+Inf":"1"},
#   of no queue.
# what it costs: a dashboard or a check in JavaScript that reads waiting times by queue, straight from /metrics,
#   shows those of the last queue in the text as those of the cluster. No error, and with one queue all is well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund --prefix . parse-prometheus-text-format@1.1.1 || exit 2
cat > read.mjs <<'JS'
import parse from "parse-prometheus-text-format";

const text = `# TYPE job_wait_seconds histogram
job_wait_seconds_bucket{queue="batch",le="10"} 5
job_wait_seconds_bucket{queue="batch",le="+Inf"} 9
job_wait_seconds_sum{queue="batch"} 300
job_wait_seconds_count{queue="batch"} 9
job_wait_seconds_bucket{queue="debug",le="10"} 1
job_wait_seconds_bucket{queue="debug",le="+Inf"} 1
job_wait_seconds_sum{queue="debug"} 2
job_wait_seconds_count{queue="debug"} 1
# TYPE job_count gauge
job_count{queue="batch"} 3
job_count{queue="debug"} 0
`;
for (const family of parse(text)) console.log(family.name, JSON.stringify(family.metrics));
JS
node read.mjs | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
job_wait_seconds [{"buckets":{"10":"1","+Inf":"1"}}]
job_count [{"value":"3","labels":{"queue":"batch"}},{"value":"0","labels":{"queue":"debug"}}]
SEEN
echo "still so"
