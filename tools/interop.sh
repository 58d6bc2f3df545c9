#!/usr/bin/env bash
# The tests against a real Flux. Without one there is nothing to compare with, and that is what it says.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v flux >/dev/null; then
  echo "SKIPPED: interop: no flux on PATH"
  exit 0
fi
tools/build.sh release flux-metrics-api
export FLUX_METRICS_API=$PWD/build/release/src/flux-metrics-api
export PYTHONPATH=$PWD/tests/blackbox:$PWD/tests/interop${PYTHONPATH:+:$PYTHONPATH}
exec python3 -B -m unittest discover --verbose --start-directory tests/interop --pattern 'test_*.py'
