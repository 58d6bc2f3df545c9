#!/usr/bin/env bash
# package: pandas 3.1.1 with numpy 2.4.6 (PyPI)
# behaviour: to_timedelta reads the times of Slurm's accounting, `[days-]hours:minutes:seconds`, up to a day, and
#   makes those with days negative, without an error: the digits around the dash become one number of hours, and the
#   dash its sign. 1-02:03:04 is minus 102 hours.
# seen: 23:59:59 -> 23:59:59; 1-00:00:00 -> -100 hours; 1-02:03:04 -> -102:03:04; 10-00:00:00 -> -1000 hours.
# what it costs: a workload that is read from `sacct -o Elapsed,Timelimit` for a simulation or a capacity plan gets
#   jobs that end before they start, and just the long ones. A filter on `> 0` loses them, a sum of node-hours
#   subtracts them. Slurm's ElapsedRaw and TimelimitRaw are plain numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pandas==3.1.1 numpy==2.4.6 || exit 2
cat > read.py <<'PY'
import pandas

elapsed = pandas.Series(["00:10:00", "23:59:59", "1-00:00:00", "1-02:03:04", "10-00:00:00"])
for text, time in zip(elapsed, pandas.to_timedelta(elapsed)):
    print(f"{text:12} {time.total_seconds() / 3600:10.3f} hours")
PY
venv/bin/python read.py | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
00:10:00          0.167 hours
23:59:59         24.000 hours
1-00:00:00     -100.000 hours
1-02:03:04     -102.051 hours
10-00:00:00   -1000.000 hours
SEEN
echo "still so"
