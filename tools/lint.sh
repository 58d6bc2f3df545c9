#!/usr/bin/env bash
# All checks that need no run of the program: tools/lint.sh; or, to rewrite the C++ files: tools/lint.sh format;
# or whether each source compiles alone, without the others of its batch: tools/lint.sh sources
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh build lint
exec python3 -B tools/lint.py "${1:-check}"
