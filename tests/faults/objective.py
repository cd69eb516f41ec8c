"""What every trial does, whoever runs it, and the log in which it says so itself: the truth of a case.

Each trial appends to one file that belongs to nobody else: a line when it begins, a line when it ends, be it
at its last step or because it is told to stop. Nothing but the standard library: trials import this.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = "HPO_TEST_FAMILY"
"""Environment variable that names the folder of a case; all processes of the case inherit it."""
PART = "HPO_TEST_PART"
"""Environment variable: how often the run has been resumed, in all of its processes."""
LOG = "truth"
STEPS = 9
PAUSE = 0.02


def descend(x: float, report: Callable[[float], object]) -> None:
    """Train with one parameter: a report a step; the loss falls with the steps and is best at 0.3."""
    done = 0
    _note("begin", x, done)
    try:
        for step in range(1, STEPS + 1):
            time.sleep(PAUSE)
            done = step  # whoever stops a trial at its last report stops one that is complete
            report((x - 0.3) ** 2 + 1 / step)
    finally:
        _note("end", x, done)


def _note(event: str, x: float, step: int) -> None:
    said = {"event": event, "x": x, "step": step, "time": time.time(), "pid": os.getpid()}
    log = os.open(Path(os.environ[FOLDER]) / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(log, f"{json.dumps(said | {'part': int(os.environ[PART])})}\n".encode())
    finally:
        os.close(log)


@dataclass
class Attempt:
    """One go at a configuration, as its own process told it; Unix times, infinite if it never came so far."""

    part: int
    """Which part of the run made it: 0 before the first resume."""
    begin: float
    end: float = math.inf
    steps: int = 0


Truth = dict[float, list[Attempt]]
"""Configuration → all attempts at it."""


def read_truth(folder: Path) -> Truth:
    """What the trials of a case have said so far."""
    found: dict[tuple[float, int, int], Attempt] = {}
    path = folder / LOG
    for line in path.read_text().splitlines() if path.exists() else ():
        said = json.loads(line)
        key = (said["x"], said["pid"], said["part"])
        if said["event"] == "begin":
            found[key] = Attempt(said["part"], said["time"])
        else:
            found[key].end, found[key].steps = said["time"], said["step"]
    truth: Truth = {}
    for (x, _, _), attempt in found.items():
        truth.setdefault(x, []).append(attempt)
    return truth
