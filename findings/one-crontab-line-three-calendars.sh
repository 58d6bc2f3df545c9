#!/usr/bin/env bash
# package: github.com/robfig/cron/v3 v3.0.1 (Go: Kubernetes' CronJob and KEDA's cron trigger), croniter 7.0.0
#   (PyPI), APScheduler 3.11.0 (PyPI)
# behaviour: `0 8 */1 * 1-5`, at 8 on working days: the cron of Go takes `*/1` for `*`, so the weekday decides;
#   croniter does not, so one of the two fields is enough, which is every day; APScheduler's from_crontab counts
#   weekdays from Monday 0.
# seen: for the week of Monday 7 December 2026: Go Mon to Fri, croniter all seven days, APScheduler Tue to Sat. With
#   `*` in place of `*/1` the first two agree, APScheduler stays a day late.
# what it costs: nodes that a schedule brings up before work begins. A plan that was tried in Python with the line
#   of the CronJob buys two more days a week, or has no nodes on Monday and some on Saturday.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0 APScheduler==3.11.0 || exit 2
cat > week.py <<'PY'
import sys
from datetime import datetime, timedelta, timezone
from apscheduler.triggers.cron import CronTrigger
from croniter import croniter

monday = datetime(2026, 12, 7, tzinfo=timezone.utc)
sunday = monday + timedelta(days=7)

def week(name, after):
    days, now = [], monday
    while (now := after(now)) < sunday:
        days.append(now.strftime("%a"))
        now += timedelta(seconds=1)
    print(f"{name:12}", sys.argv[1], *days)

week("croniter", lambda now: croniter(sys.argv[1], now).get_next(datetime))
trigger = CronTrigger.from_crontab(sys.argv[1], timezone=timezone.utc)
week("APScheduler", lambda now: trigger.get_next_fire_time(None, now))
PY
cat > go.mod <<'GO'
module finding
go 1.25
require github.com/robfig/cron/v3 v3.0.1
GO
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/robfig/cron/v3"
)

func main() {
	schedule, err := cron.ParseStandard(os.Args[1])
	if err != nil {
		panic(err)
	}
	monday := time.Date(2026, 12, 7, 0, 0, 0, 0, time.UTC)
	fmt.Printf("%-12s %s", "robfig/cron", os.Args[1])
	for now := schedule.Next(monday); now.Before(monday.AddDate(0, 0, 7)); now = schedule.Next(now) {
		fmt.Print(now.Format(" Mon"))
	}
	fmt.Println()
}
GO
export GOFLAGS=-mod=mod GOWORK=off
go build -o build main.go 2> log || { cat log >&2; exit 2; }
for line in "0 8 */1 * 1-5" "0 8 * * 1-5"; do
  ./build "$line"
  venv/bin/python week.py "$line"
done | tee seen
diff - seen <<'SEEN' || { echo "changed"; exit 1; }
robfig/cron  0 8 */1 * 1-5 Mon Tue Wed Thu Fri
croniter     0 8 */1 * 1-5 Mon Tue Wed Thu Fri Sat Sun
APScheduler  0 8 */1 * 1-5 Tue Wed Thu Fri Sat
robfig/cron  0 8 * * 1-5 Mon Tue Wed Thu Fri
croniter     0 8 * * 1-5 Mon Tue Wed Thu Fri
APScheduler  0 8 * * 1-5 Tue Wed Thu Fri Sat
SEEN
echo "still so"
