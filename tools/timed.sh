#!/usr/bin/env bash
# Runs a command and says how long it took: tools/timed.sh LABEL COMMAND...
set -uo pipefail
label=$1
shift
"$@"
status=$?
took=$SECONDS
verdict=done
[ "$status" -eq 0 ] || verdict="FAILED (exit $status)"
printf '%s: %s in %d min %02d s\n' "$label" "$verdict" $((took / 60)) $((took % 60)) >&2
exit "$status"
