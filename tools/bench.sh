#!/usr/bin/env bash
# The measurements: tools/bench.sh [http|secured|collector|scrape|plan|prototype|module ...], all without one.
# Tables on stdout; bench/README.md keeps them.
set -euo pipefail
cd "$(dirname "$0")/.."
parts=${*:-http secured collector scrape plan prototype module}
for part in $parts; do
  case $part in
    http | secured | collector | scrape | plan | prototype | module) ;;
    *) echo "tools/bench.sh: there is no measurement '$part'; there are: http, secured, collector, scrape, plan, prototype, module" >&2; exit 2 ;;
  esac
done
tools/build.sh release flux-metrics-api >&2
tools/setup.sh bench

# Debian's nginx, unpacked without being installed: a measurement needs no service.
unpack_nginx() {
  local folder=build/bench
  if [ ! -x "$folder/usr/sbin/nginx" ]; then
    mkdir -p "$folder"
    (cd "$folder" && { apt-get -q download nginx || { apt-get -q update && apt-get -q download nginx; }; }) >&2
    dpkg-deb -x "$folder"/nginx_*.deb "$folder"
  fi
  PATH="$PWD/$folder/usr/sbin:$PATH"
}

run_http() {
  command -v nginx >/dev/null || unpack_nginx
  python3 -B bench/beside_nginx.py
}

run_secured() {
  command -v nginx >/dev/null || unpack_nginx
  command -v go >/dev/null || { echo "SKIPPED: secured: there is no go on PATH"; return; }
  python3 -B bench/secured.py
}

run_collector() {
  python3 -B bench/collector.py build/release/src/flux-metrics-api
}

run_scrape() {
  python3 -B bench/scrape.py build/release/src/flux-metrics-api
}

run_plan() {
  python3 -B bench/plan.py build/release/src/flux-metrics-api
}

run_prototype() {
  python3 -B bench/prototype.py build/release/src/flux-metrics-api --out build/bench/prototype
}

run_module() {
  local module=${FLUX_METRICS_MODULE:-$PWD/build/release/src/module/flux-metrics.so}
  command -v flux >/dev/null || { echo "SKIPPED: module: no flux on PATH"; return; }
  [ -f "$module" ] || { echo "SKIPPED: module: there is no $module; docs/broker-module.md tells how it is built"; return; }
  FLUX_METRICS_API=$PWD/build/release/src/flux-metrics-api FLUX_METRICS_MODULE=$module \
    PYTHONPATH=$PWD/tests/blackbox:$PWD/tests/interop python3 -B bench/broker_module.py 20
}

for part in $parts; do
  printf '\n## %s\n\n' "$part"
  "run_$part"
done
