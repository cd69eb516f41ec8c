"""`python -m tests.faults.once`: does a trial run once, whatever breaks between driver and slot?

One run with one slot; at random moments the connection between driver and slot is cut, or the slot's actor or
its supervisor is killed. By the trials' own clock no two processes may ever be there at once; every trial
must finish, once, with all its rows.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from hpo.errors import UserError
from hpo.record.journal import iterate_journal
from hpo.record.metrics import read_rows
from hpo.record.trials import load_run
from tests.faults.cutting import cut
from tests.faults.family import environment, family, of_kind

STEPS = 6
SCRIPT = f"""
import os, signal, sys, time
import hpo

log = os.open("notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(what):
    os.write(log, f"{{what}} {{os.environ['HPO_TRIAL']}} {{os.getpid()}} {{time.monotonic()}}\\n".encode())


def save(*_):
    for _ in range(15):
        time.sleep(0.02)
        note("saving")
    sys.exit(1)


note("begin")
signal.signal(signal.SIGTERM, save)
state = hpo.get_checkpoint() or {{"step": 0}}
for step in range(state["step"] + 1, {STEPS} + 1):
    for _ in range(5):
        time.sleep(0.02)
        note("alive")
    hpo.report({{"loss": hpo.config()["x"] / step}}, checkpoint={{"step": step}})
    note("saved")
while os.environ["HPO_TRIAL"] == os.environ["LAST"] and not os.path.exists("go"):
    for _ in range(20):  # all that is due comes before it ends, and it gets on meanwhile
        time.sleep(0.02)
        note("alive")
    hpo.report({{"waiting": 1}}, checkpoint={{"step": {STEPS}}})
    note("kept")
note("done")
"""
SWEEP = """
program: train.py
method: random
run_cap: {count}
metric: {{name: loss, goal: minimize}}
parameters: {{x: {{min: 0.0, max: 1.0}}}}
hpo: {{concurrency: 1, preload: {preload}, tensorboard: false, kill_grace: 10}}
"""
KINDS = ("reset", "actor", "supervisor")


@dataclass(frozen=True)
class Verdict:
    """What a run came to."""

    code: int
    finished: int
    done: Counter[int] = field(default_factory=Counter)
    """How often each trial came to its end, by its own notes."""
    overlaps: tuple[str, ...] = ()
    rows: Counter[int] = field(default_factory=Counter)
    """Number of values of the objective → how many trials reported so many."""
    made: Counter[str] = field(default_factory=Counter)
    """Disturbances."""
    reasons: tuple[str, ...] = ()
    """Of trials that have not finished."""

    @property
    def twice(self) -> int:
        """Trials that came to their end more than once."""
        return sum(count > 1 for count in self.done.values())


def run(folder: Path, count: int, due: Sequence[str], *, preload: str = "auto", seed: int = 0) -> Verdict:
    """Run `count` trials, and do what is `due` meanwhile."""
    (folder / "train.py").write_text(SCRIPT)
    (folder / "sweep.yaml").write_text(SWEEP.format(count=count, preload=preload))
    with (folder / "said").open("wb") as said:
        driver = subprocess.Popen(
            [sys.executable, "-m", "hpo", "run", "sweep.yaml", "--out", "run"],
            cwd=folder,
            env={**environment(folder), "LAST": str(count)},
            stdout=said,
            stderr=said,
        )
        made = _disturb(folder, driver, due, random.Random(seed))
        (folder / "go").touch()
        code = driver.wait(600)
    return judged(folder, code, made)


def _disturb(
    folder: Path, driver: subprocess.Popen[bytes], due: Sequence[str], draw: random.Random
) -> Counter[str]:
    made: Counter[str] = Counter()
    kills: list[int] = []
    """For each kill the number of starts in the journal at that moment."""
    for kind in due:
        time.sleep(draw.uniform(0.2, 1.5))
        while (kind != "reset" and not _may_lose(folder, kills)) or not _once(folder, driver.pid, kind):
            if driver.poll() is not None:
                return made
            time.sleep(0.02)
        made[kind] += 1
        if kind != "reset":
            kills.append(_losses(folder)[1])
    return made


def _may_lose(folder: Path, kills: Sequence[int]) -> bool:
    """Whether the trial may lose its slot; a third loss without a checkpoint fails it, and rightly.

    A kill after which no trial has started yet may be a loss that is not in the journal.
    """
    losses, starts = _losses(folder)
    return losses + kills.count(starts) < 2


def _losses(folder: Path) -> tuple[int, int]:
    """Losses since the newest checkpoint that the driver heard of, and all starts, by the journal."""
    losses = starts = 0
    with suppress(UserError):  # it has not begun
        for event in iterate_journal(folder / "run"):
            starts += event["event"] == "start"
            losses = 0 if event["event"] == "checkpoint" else losses + (event["event"] == "requeue")
    return losses, starts


def _once(folder: Path, driver: int, kind: str) -> bool:
    """Disturb; whether there was something to disturb, with a trial running."""
    notes = folder / "notes"
    if not notes.exists() or notes.read_bytes()[-200:].rpartition(b"\n")[0].count(b"alive") == 0:
        return False
    if kind == "supervisor" and not _far_from_a_save(notes):
        return False
    if kind == "reset":
        return any(cut(driver, slot) for slot in of_kind(folder, "actor"))
    for pid in of_kind(folder, kind):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def _far_from_a_save(notes: Path) -> bool:
    """Whether a trial has just begun a step, and not its last one.

    What a trial saves or comes to while its supervisor dies has nobody left to keep it. That runs again, as
    where its node dies, and rightly; the trial itself lives a moment longer.
    """
    lines = [line.split() for line in notes.read_text().splitlines()]
    if len(lines) < 2 or len(lines[-1]) < 4 or lines[-1][0] != "alive":
        return False
    before, trial = lines[-2][:2]
    steps = sum(one[:2] == ["saved", trial] for one in lines)
    return trial == lines[-1][1] and (
        before in ("begin", "kept") or (before == "saved" and steps < STEPS - 1)
    )


def judged(folder: Path, code: int, made: Counter[str]) -> Verdict:
    """By the run's record, and by its trials' notes."""
    spans: dict[tuple[int, int], tuple[float, float]] = {}
    done: Counter[int] = Counter()
    for line in (folder / "notes").read_text().splitlines():
        what, trial, pid, when = line.split()
        begin, _ = spans.get((int(trial), int(pid)), (float(when), 0.0))
        spans[int(trial), int(pid)] = begin, float(when)
        done[int(trial)] += what == "done"
    ordered = sorted(spans.items(), key=lambda item: item[1])
    overlaps = [
        f"{one} until {first[1]:.3f}, {other} from {second[0]:.3f}"
        for (one, first), (other, second) in pairwise(ordered)
        if second[0] < first[1]
    ]
    record = load_run(folder / "run")
    finished = sum(trial.state == "finished" and trial.iterations == STEPS for trial in record.trials)
    rows = Counter(
        sum("loss" in row for row in read_rows(record.directory, trial.number)) for trial in record.trials
    )
    why = tuple(f"{one.number}: {one.state} {one.reason}" for one in record.trials if one.state != "finished")
    return Verdict(code, finished, done, tuple(overlaps), rows, made, why)


def main() -> int:
    """Print what came of it; 1 where anything ran twice, side by side, or not at all."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.once", description=__doc__)
    for kind in KINDS:
        parser.add_argument(f"--{kind}s", type=int, default=100, help=f"so often: {kind}")
    parser.add_argument("--count", type=int, default=120, help="trials")
    parser.add_argument("--preload", default="auto", help="auto: forked trials; off: fresh ones")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    due = [kind for kind in KINDS for _ in range(getattr(chosen, f"{kind}s"))]
    random.Random(chosen.seed).shuffle(due)
    with tempfile.TemporaryDirectory(prefix="once-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        verdict = run(folder, chosen.count, due, preload=chosen.preload, seed=chosen.seed)
        left = family(folder)
        if verdict.code:
            print((folder / "said").read_text()[-3000:], file=sys.stderr)
    print(f"disturbed: {dict(verdict.made)}")
    print(f"finished {verdict.finished} of {chosen.count}, twice {verdict.twice}, rows {dict(verdict.rows)}")
    print("\n".join(verdict.reasons))
    print("\n".join([f"overlaps: {len(verdict.overlaps)}", *verdict.overlaps[:20]]))
    print(f"left over: {len(left)} processes")
    whole = verdict.finished == chosen.count and verdict.rows == {STEPS: chosen.count}
    return 0 if whole and not (verdict.twice or verdict.overlaps or left or verdict.code) else 1


if __name__ == "__main__":
    sys.exit(main())
