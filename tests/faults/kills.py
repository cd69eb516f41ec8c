"""`python -m tests.faults.kills`: what is lost when something is killed at random, and the run resumed.

Each row kills one thing in each of `--moments` runs, once a run, and resumes the run where it had ended; the
moments are the same for each contender. By the trials' own log every configuration must have been trained
once, and no process may be left. With `--record` each run is appended to a file as it ends; what the file
holds is not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests.faults.case import KINDS, Case, NotBegun, Turn, Verdict
from tests.faults.contenders import CONTENDERS, SWEEPS
from tests.faults.family import family
from tests.faults.report import show

COUNT = 60
under_way: set[Path] = set()
"""Folders of the runs whose processes live."""
WAITING = 8
"""Runs whose processes are still leaving, for each that is at work: they cost nothing."""


@dataclass(frozen=True)
class Key:
    """Which run of the matrix."""

    contender: str
    sweep: str
    kind: str
    moment: int
    count: int


Kills = Sequence[tuple[str, int]]
"""What is killed, each once so many trials more have ended."""


def run(key: Key, places: threading.Semaphore) -> tuple[Verdict, list[str]]:
    """One run, and the processes that it left behind; those wait for their end without a place."""
    draw = random.Random(f"{key.kind} {key.sweep} {key.moment}")
    kills = [(key.kind, draw.randrange(1, key.count - 8))]
    return _disturbed(key.contender, key.sweep, key.count, kills, draw, places)


def _disturbed(
    contender: str, sweep: str, count: int, kills: Kills, draw: random.Random, places: threading.Semaphore
) -> tuple[Verdict, list[str]]:
    with tempfile.TemporaryDirectory(prefix="hk-", ignore_cleanup_errors=True) as name:
        turn, folder = Turn(places), Path(name)
        under_way.add(folder)
        case = Case(CONTENDERS[contender], folder, sweep, count, turn)
        try:
            verdict = case.disturb(kills, draw)
        finally:
            turn.give()
            left = case.orphans()
            under_way.remove(folder)
        if verdict.code:
            print(case.said(), file=sys.stderr)
        return replace(verdict, orphans=len(left)), left


def leave(number: int, frame: object) -> None:
    """On SIGTERM: end what was started, and go at once."""
    for folder in list(under_way):
        for pid in family(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(128 + number)


def in_a_row(kinds: Sequence[str], sweep: str, count: int) -> Verdict:
    """What a run of hpo's comes to in which one thing after another is killed, at random moments."""
    draw = random.Random(sweep)
    kills = [(kind, draw.randrange(1, 4)) for kind in kinds]
    return _disturbed("hpo", sweep, count, kills, draw, threading.Semaphore())[0]


def matrix(chosen: argparse.Namespace) -> Iterator[Key]:
    """All runs that are asked for, one contender after the other."""
    for contender in chosen.contenders:
        for moment in range(chosen.moments):  # so that half of it already is a table
            for sweep in chosen.sweeps:
                for kind in chosen.kinds:
                    if KINDS[kind][0] not in CONTENDERS[contender].missing:
                        yield Key(contender, sweep, kind, moment, chosen.count)


def recorded(path: Path | None) -> dict[Key, dict[str, Any]]:
    """The runs that a file holds; a line that was cut off is none."""
    found = {}
    for line in path.read_text().splitlines() if path and path.exists() else ():
        with suppress(ValueError):
            whole = json.loads(line)
            found[Key(**whole["run"])] = whole["verdict"]
    return found


def fill(keys: Iterable[Key], done: dict[Key, dict[str, Any]], path: Path | None, at_once: int) -> None:
    """Run what is not done yet, several at once, and record each as it ends."""
    places, writing = threading.Semaphore(at_once), threading.Lock()

    def one(key: Key) -> None:
        try:
            verdict, left = run(key, places)
        except NotBegun as error:
            print(f"{key}: did not begin; it is left out, and can be run later\n{error}", file=sys.stderr)
            return
        with writing:
            done[key] = asdict(verdict)
            print(f"{key}: {verdict}" + "".join(f"\n  left: {line[:200]}" for line in left), file=sys.stderr)
            if path:
                with path.open("a") as file:
                    line = {"run": asdict(key), "verdict": asdict(verdict), "left": left}
                    file.write(json.dumps(line) + "\n")

    with ThreadPoolExecutor(at_once * WAITING) as pool:
        for future in [pool.submit(one, key) for key in keys if key not in done]:
            future.result()


def main() -> int:
    """Print the table; 1 where hpo has lost anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--contenders", nargs="+", default=["hpo"], choices=CONTENDERS)
    parser.add_argument("--sweeps", nargs="+", default=list(SWEEPS), choices=SWEEPS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS, help="which rows")
    parser.add_argument("--moments", type=int, default=10, help="runs of each kind")
    parser.add_argument("--count", type=int, default=COUNT, help="trials of a run")
    parser.add_argument("--at-once", type=int, default=1, help="runs at work at the same time")
    parser.add_argument("--record", type=Path, help="file to append each run to; those in it are skipped")
    parser.add_argument("--report", type=Path, help="run nothing, print what this file holds")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background, by children too
    done = recorded(chosen.report or chosen.record)
    if not chosen.report:
        keys = list(matrix(chosen))
        fill(keys, done, chosen.record, chosen.at_once)
        done = {key: done[key] for key in keys if key in done}
    verdicts: dict[tuple[str, str, str], list[tuple[int, Verdict]]] = {}
    for key, verdict in done.items():
        group = verdicts.setdefault((key.sweep, key.kind, key.contender), [])
        group.append((key.count, Verdict(**verdict)))
    return 1 if show(verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
