#!/usr/bin/env bash
# package: evalys 4.0.7 with pandas 2.1.4 and numpy 1.26.4 (PyPI)
# behaviour: the reader of workload traces takes the first line after the comments of an SWF file for a line of
#   titles, which the format does not have: the first job of every trace is gone. Jobs of status 5 (cancelled) go as
#   well, also those that ran until then.
# seen: four jobs in, the jobs 2 and 3 out; the load of the first minute is 2 processors instead of 6.
# what it costs: the job that a trace counts its time from (submitted at 0) is missing in makespans and in the load,
#   and so is the work of cancelled jobs. A comparison of autoscalers with another simulator, which reads the file
#   by its specification, starts from two different workloads; in a small example the difference is the result.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check evalys==4.0.7 pandas==2.1.4 numpy==1.26.4 || exit 2
cat > trace.swf <<'SWF'
; Version: 2.2
; MaxNodes: 8
; MaxProcs: 32
1  0 0 60 4 -1 -1 4 120 -1 1 1 1 1 1 -1 -1 -1
2  0 0 60 2 -1 -1 2 120 -1 1 1 1 1 1 -1 -1 -1
3 90 0 60 8 -1 -1 8 120 -1 1 1 1 1 1 -1 -1 -1
4 90 0 30 8 -1 -1 8 120 -1 5 1 1 1 1 -1 -1 -1
SWF
cat > read.py <<'PY'
import warnings
warnings.simplefilter("ignore")
from evalys.workload import Workload

workload = Workload.from_csv("trace.swf")
print("jobs", list(workload.df.jobID))
print("processors at 30 s", int(workload.utilisation.load.asof(30)))
PY
venv/bin/python read.py | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
jobs [2, 3]
processors at 30 s 2
SEEN
echo "still so"
