#!/usr/bin/env bash
# Builds one preset and runs all its tests, black-box tests too: tools/check.sh PRESET [CTEST-OPTION...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
tools/setup.sh build test
tools/prometheus.sh
tools/build.sh "$preset"

export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"
run=()
# GCC 12's thread sanitizer dies at the start where the kernel randomises addresses more than it expects.
if [ "$preset" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then run=(setarch "$(uname -m)" -R); fi
"${run[@]}" ctest --preset "$preset" --parallel "$(nproc)" "$@" </dev/null
