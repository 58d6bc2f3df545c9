#!/usr/bin/env bash
# Sets the machine up and builds one preset: tools/build.sh PRESET [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
tools/setup.sh build
log=build/$preset.configure.log
mkdir -p build
if ! cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
cmake --build "build/$preset" --parallel "$(nproc)" ${1:+--target "$@"}
