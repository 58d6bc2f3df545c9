#!/usr/bin/env bash
# Builds one preset and runs all its tests, black-box tests too: tools/check.sh PRESET [CTEST-OPTION...]
# At the end it prints what was skipped; a skip that tests/skips.txt does not expect fails it.
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
results=$PWD/build/$preset/tests.xml
rm -f "$results"
status=0
# Most tests wait: so many run at once, and those that compute count as several (tests/CMakeLists.txt). Under a
# sanitizer they compute more.
width=$((4 * $(nproc)))
case $preset in asan | tsan) width=$((2 * $(nproc))) ;; esac
"${run[@]}" ctest --preset "$preset" --parallel "$width" --output-junit "$results" \
  --test-output-size-passed 100000000 --test-output-size-failed 100000000 "$@" </dev/null || status=$?
python3 -B tools/skips.py "$preset=$results" || [ "$status" -ne 0 ] || status=1
exit "$status"
