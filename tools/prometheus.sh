#!/usr/bin/env bash
# Puts Debian's Prometheus and promtool into build/tools, unpacked: installing the package would start a service.
# Silent when they are there, or on PATH; where they cannot be had, the tests that need them say SKIPPED.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/tools
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then exit 0; fi
if [ -x "$folder/usr/bin/prometheus" ] && [ -x "$folder/usr/bin/promtool" ]; then exit 0; fi
command -v apt-get >/dev/null || exit 0

rm -rf "$folder/new"
mkdir -p "$folder/new"
fetch() { (cd "$folder/new" && apt-get -q download prometheus) >"$folder/log" 2>&1; }
if ! fetch && { ! apt-get -q update >"$folder/log" 2>&1 || ! fetch; }; then
  echo "tools/prometheus.sh: Debian's package prometheus cannot be downloaded: $(tail -n 1 "$folder/log")" >&2
  exit 0
fi
dpkg-deb -x "$folder"/new/prometheus_*.deb "$folder/new"
rm -rf "$folder/usr"
mv "$folder/new/usr" "$folder/usr"
rm -rf "$folder/new"
