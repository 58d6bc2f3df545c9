#!/usr/bin/env bash
# The tests against a real Flux. Without one there is nothing to compare with, and that is what it says.
# SCHED=simple or SCHED=fluxion: under that scheduler only, otherwise under each that this Flux has.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${SCHED:-} in
  "" | simple | fluxion) ;;
  *) echo "interop: SCHED is '$SCHED': it must be simple or fluxion" >&2; exit 2 ;;
esac
if ! command -v flux >/dev/null; then
  echo "SKIPPED: interop: no flux on PATH"
  exit 0
fi
schedulers=(simple)
modules=$(flux config builtin module_path)
for folder in ${modules//:/ }; do
  if [ -f "$folder/sched-fluxion-qmanager.so" ]; then
    schedulers=(simple fluxion)
  fi
done
if [ -n "${SCHED:-}" ]; then
  if [[ " ${schedulers[*]} " != *" $SCHED "* ]]; then
    echo "SKIPPED: interop: this Flux has no Fluxion (flux-sched)"
    exit 0
  fi
  schedulers=("$SCHED")
fi
# The broker module is for this Flux, not for another one that pkg-config may find first.
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v flux)")")")
for folder in "$prefix"/lib/pkgconfig "$prefix"/lib64/pkgconfig "$prefix"/lib/*/pkgconfig; do
  if [ -f "$folder/flux-core.pc" ]; then
    export PKG_CONFIG_PATH=$folder${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
  fi
done
targets=(flux-metrics-api)
if pkg-config --exists flux-core 2>/dev/null; then
  targets+=(flux-metrics)
  export FLUX_METRICS_MODULE=$PWD/build/release/src/module/flux-metrics.so
else
  echo "SKIPPED: interop.broker-module: pkg-config finds no flux-core beside $(command -v flux)"
fi
tools/build.sh release "${targets[@]}"
export FLUX_METRICS_API=$PWD/build/release/src/flux-metrics-api
export PYTHONPATH=$PWD/tests/blackbox:$PWD/tests/interop${PYTHONPATH:+:$PYTHONPATH}
failed=()
for scheduler in "${schedulers[@]}"; do
  echo "== interop: scheduler $scheduler"
  FLUX_METRICS_SCHED=$scheduler python3 -B -c 'import harness; harness.main(None)' discover \
    --start-directory tests/interop --pattern 'test_*.py' || failed+=("$scheduler")
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "interop: failed with scheduler ${failed[*]}" >&2
  exit 1
fi
