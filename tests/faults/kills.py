"""`python -m tests.faults.kills`: what is lost when something is killed at random, and the run resumed.

Each row kills one thing in each of `--moments` runs, once a run, and resumes the run where it had ended. The
journal must then hold every trial once, and no process may be left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.record.journal import read_journal
from tests.faults.family import environment, family, of_kind

COUNT = 60
KINDS = {
    "driver, SIGKILL": ("driver", signal.SIGKILL),
    "driver, SIGTERM": ("driver", signal.SIGTERM),
    "driver, SIGINT": ("driver", signal.SIGINT),
    "an actor": ("actor", signal.SIGKILL),
    "a supervisor": ("supervisor", signal.SIGKILL),
    "the warm parent": ("parent", signal.SIGKILL),
    "a trial's script": ("trial", signal.SIGKILL),
    "raylet": ("raylet", signal.SIGKILL),
    "everything": ("all", signal.SIGKILL),
}
SCRIPT = """
import time, wandb
wandb.init()
for step in range(1, 10):
    time.sleep(0.02)
    wandb.log({"loss": (wandb.config.x - 0.3) ** 2 + 1 / step})
"""
RULE = {"type": "asha", "min_iter": 1, "max_iter": 9}
SWEEPS: dict[str, dict[str, Any]] = {
    "ASHA": {"method": "random", "early_terminate": RULE},
    "TPE": {"method": "tpe"},
}
PATIENCE = 120.0
"""Seconds for a run of some seconds, on a busy machine."""
LEAVING = 90.0
"""Seconds for all processes to leave: of a killed driver's Ray two agents first wait a minute for its GCS."""


@dataclass
class Verdict:
    """What one run came to after its kill."""

    hit: int
    """Whether there was something to kill."""
    lost: int
    twice: int
    begun: int
    ended: int
    failed: int
    orphans: int
    resumed: bool
    code: int


def judged(events: list[dict[str, Any]], done: set[int]) -> tuple[int, int, int, int, int]:
    """Trials lost of those that were `done` at the kill, run twice, begun, ended well, failed."""
    ends: dict[int, str] = {}
    twice, begun = set(), 0
    for event in events:
        match event["event"]:
            case "trial":
                begun += 1
            case "start" if ends.get(event["trial"]) in ("finished", "stopped"):
                twice.add(event["trial"])
            case "end":
                ends[event["trial"]] = event["state"]
    states = Counter(ends.values())
    lost = {number for number in done if ends.get(number) not in ("finished", "stopped")}
    return len(lost), len(twice), begun, states["finished"] + states["stopped"], states["failed"]


def done_in(directory: Path) -> set[int]:
    """Trials whose good end is in the journal."""
    try:
        events = read_journal(directory)
    except Exception:
        return set()
    return {e["trial"] for e in events if e["event"] == "end" and e["state"] in ("finished", "stopped")}


class Case:
    """One run in a folder of its own, to be disturbed once."""

    def __init__(self, folder: Path, sweep: dict[str, Any], count: int) -> None:
        self.folder, self.run, self.mark = folder, folder / "run", str(folder)
        (folder / "train.py").write_text(SCRIPT)
        whole = {
            "program": "train.py",
            "metric": {"name": "loss"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}},
            "run_cap": count,
            "hpo": {"kill_grace": 2, "seed": 1, "concurrency": 2},
        }
        (folder / "sweep.yaml").write_text(json.dumps(whole | sweep))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The command, its output into a file."""
        with open(self.folder / "said", "ab") as said:
            command = [sys.executable, "-m", "hpo", *arguments]
            env = environment(self.mark)
            return subprocess.Popen(command, cwd=self.folder, env=env, stdout=said, stderr=said)

    def disturb(self, kind: str, number: signal.Signals, after: int, draw: random.Random) -> Verdict:
        """Kill once `after` trials have ended, and go on to the end."""
        process = self.start("run", "sweep.yaml", "--out", "run")
        end = time.monotonic() + PATIENCE
        while len(done_in(self.run)) < after and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(draw.random() * 0.2)
        targets = [process.pid] if kind == "driver" else of_kind(self.mark, kind)
        if kind not in ("all", "driver") and targets:
            targets = [draw.choice(targets)]
        done = done_in(self.run)
        for pid in targets:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        code = process.wait(PATIENCE)
        resumed = code != 0
        if resumed:
            code = self.start("resume", "run").wait(PATIENCE)
        orphans = self._orphans()
        return Verdict(int(bool(targets)), *judged(read_journal(self.run), done), orphans, resumed, code)

    def _orphans(self) -> int:
        """Processes that do not leave; they are ended."""
        end = time.monotonic() + LEAVING
        while (left := family(self.mark)) and time.monotonic() < end:
            time.sleep(0.1)
        for pid, line in left.items():
            print(f"left behind: {pid} {line}", file=sys.stderr)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(left)


def row(name: str, sweep: str, moments: int, count: int, seed: int = 1) -> list[Verdict]:
    """The verdicts of one kind of kill at several random moments."""
    draw = random.Random(f"{seed} {name} {sweep}")
    found = []
    for _ in range(moments):
        with tempfile.TemporaryDirectory(prefix="hpo-kills-", ignore_cleanup_errors=True) as folder:
            case = Case(Path(folder), SWEEPS[sweep], count)
            found.append(case.disturb(*KINDS[name], draw.randrange(1, count - 8), draw))
            if found[-1].code:
                print((Path(folder) / "said").read_text(errors="replace")[-1500:], file=sys.stderr)
    return found


def main() -> int:
    """Print the table; 1 where anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--moments", type=int, default=10, help="runs of each kind")
    parser.add_argument("--count", type=int, default=COUNT, help="trials of a run")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), help="which rows")
    chosen = parser.parse_args()
    wrong = 0
    titles = ("runs", "killed", "resumed", "lost", "twice", "orphans", "failed", "count")
    print(f"{'':18}{'':6}{titles[0]:>6}" + "".join(f"{title:>8}" for title in titles[1:]))
    for sweep in SWEEPS:
        for name in chosen.kinds:
            found = row(name, sweep, chosen.moments, chosen.count)
            exact = all(v.begun == chosen.count == v.ended + v.failed and not v.code for v in found)
            keys = ("hit", "resumed", "lost", "twice", "orphans", "failed")
            sums = {key: sum(getattr(one, key) for one in found) for key in keys}
            wrong += not exact or bool(sums["lost"] or sums["twice"] or sums["orphans"])
            figures = "".join(f"{sums[key]:8}" for key in keys)
            print(f"{name:18}{sweep:6}{len(found):6}{figures}{'exact' if exact else 'WRONG':>8}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
