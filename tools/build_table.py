#!/usr/bin/env python3
"""What building costs, beside an older commit: tools/build_table.py COMMIT [PART...], a Markdown table on stdout.

PART: demo (all that `make demo` compiles, from nothing), replies, api, command (the program again after touching one
file, in the preset for editing), lint (`make lint` from nothing), lint-warm (again). All without a name; those that
need a built tree build it first.
COMMIT and HEAD are checked out beside each other in build/build_table, and take turns. Counted are the processor
seconds (user and system) of all processes of a command, without ccache; packages must be installed (tools/setup.sh
build lint). It takes an hour of two cores, and the machine should do nothing else: the table says what it did.
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "build_table"
TOUCHED = {"replies": "src/flux/replies.hpp", "api": "src/api/api.cpp", "command": "src/commands/start.cpp"}
NAMES = {"demo": "`make demo`, its build from nothing",
         **{part: f"preset `dev`, after touching `{path}`" for part, path in TOUCHED.items()},
         "lint": "`make lint` from nothing", "lint-warm": "`make lint` again"}


def busy():
    """Processor seconds that all programs of this machine have taken."""
    fields = pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    user, nice, system, _, _, irq, softirq = map(int, fields[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


class Tree:
    def __init__(self, name, commit):
        self.folder = PLACE / name
        if self.folder.exists():
            git("worktree", "remove", "--force", self.folder)
        git("worktree", "add", "--quiet", "--force", "--detach", self.folder, commit)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("CCACHE_")}
        self.environment.update(CCACHE_DISABLE="1", XDG_CACHE_HOME=str(self.folder / "build" / "cache"))
        self.others = 0.0

    def run(self, command):
        """(processor seconds, seconds) of a shell command; notes what other programs took at the same time."""
        log = self.folder.with_suffix(".log")
        before, others, begin = resource.getrusage(resource.RUSAGE_CHILDREN), busy(), time.monotonic()
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(command, shell=True, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, check=False)
        took, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"{log.read_text(encoding='utf-8')[-3000:]}\n{self.folder}: exit {done.returncode}: {command}")
        own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.others = max(self.others, (busy() - others - own) / took)
        return own, took

    def clean(self):
        shutil.rmtree(self.folder / "build", ignore_errors=True)

    def build(self, preset, configure=True):
        return self.run((f"cmake --preset {preset} && " if configure else "") +
                        f"cmake --build build/{preset} --parallel $(nproc) --target flux-metrics-api")

    def measure(self, part):
        if part == "demo":
            self.clean()
            return self.build("release")
        if part == "lint":
            self.clean()
            return self.run("tools/lint.sh")
        if part == "lint-warm":
            if not (self.folder / "build" / "lint").is_dir():
                self.run("tools/lint.sh")
            return self.run("tools/lint.sh")
        path = self.folder / TOUCHED[part]
        if not path.is_file():
            sys.exit(f"{path} is not there: which file has its place?")
        self.build("dev")
        path.touch()
        return self.build("dev", configure=False)


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def main(old, *parts):
    unknown = sorted(set(parts) - NAMES.keys())
    if unknown:
        sys.exit(f"there is no part {', '.join(unknown)}; there are {', '.join(NAMES)}")
    load = os.getloadavg()[0]
    before, begin = busy(), time.monotonic()
    time.sleep(10)
    idle = (busy() - before) / (time.monotonic() - begin)
    PLACE.mkdir(parents=True, exist_ok=True)
    trees = [Tree("old", old), Tree("new", "HEAD")]
    commits = [git("rev-parse", "--short", commit) for commit in (old, "HEAD")]
    print(f"| | {commits[0]}, processor s | {commits[1]}, processor s | ratio | {commits[0]}, s | {commits[1]}, s |\n"
          "|---|---:|---:|---:|---:|---:|", flush=True)
    for part in [part for part in NAMES if part in parts or not parts]:
        (old_cpu, old_wall), (new_cpu, new_wall) = (tree.measure(part) for tree in trees)
        print(f"| {NAMES[part]} | {old_cpu:,.1f} | {new_cpu:,.1f} | **{new_cpu / old_cpu:.2f}** | {old_wall:,.0f} | "
              f"{new_wall:,.0f} |", flush=True)
    print(f"\n{os.cpu_count()} cores, without ccache. The load average before was {load:.2f}. Other programs took "
          f"{idle:.2f} cores in the ten seconds before, and at most {max(tree.others for tree in trees):.2f} during a row.")
    for tree in trees:
        git("worktree", "remove", "--force", tree.folder)
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
