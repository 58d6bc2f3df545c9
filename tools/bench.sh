#!/usr/bin/env bash
# The measurements: tools/bench.sh [http|collector ...], all without one. Tables on stdout; bench/README.md keeps them.
set -euo pipefail
cd "$(dirname "$0")/.."
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
  python3 -B bench/http.py
}

run_collector() {
  python3 -B bench/collector.py build/release/src/flux-metrics-api
}

for part in ${*:-http collector}; do
  printf '\n## %s\n\n' "$part"
  "run_$part"
done
