#!/usr/bin/env bash
# All checks that need no run of the program: tools/lint.sh; or, to rewrite the C++ files: tools/lint.sh format
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh build lint
if [ "${1:-}" = format ]; then exec python3 -B tools/lint.py format; fi
mkdir -p build
if ! cmake --preset dev >build/dev.configure.log 2>&1; then
  cat build/dev.configure.log >&2
  exit 1
fi
exec python3 -B tools/lint.py check
