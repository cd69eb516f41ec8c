"""What every trial does, whoever runs it, and the log in which it says so itself: the truth of a case.

Each trial appends to one file that belongs to nobody else: a line when it begins, a line when it ends, be it
at its last step or because it is told to stop. Nothing but the standard library: trials import this.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "HPO_TEST_FAMILY"
"""Environment variable that names the folder of a case; all processes of the case inherit it."""
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
    line = json.dumps({"event": event, "x": x, "step": step, "time": time.time()}) + "\n"
    log = os.open(Path(os.environ[FOLDER]) / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(log, line.encode())
    finally:
        os.close(log)


@dataclass
class Truth:
    """Configuration → Unix times at which it began, and at which it ended, with its steps."""

    begins: dict[float, list[float]] = field(default_factory=dict)
    ends: dict[float, list[tuple[float, int]]] = field(default_factory=dict)

    def ended(self, x: float, killed: float) -> float:
        """When a configuration was first done; infinity if never.

        Before the kill every end counts, early ones too: a scheduler has stopped the trial. After it only
        those at the last step do: others may have been cut off.
        """
        times = (at for at, step in self.ends.get(x, ()) if step >= STEPS or at <= killed)
        return min(times, default=float("inf"))


def read_truth(folder: Path) -> Truth:
    """What the trials of a case have said so far."""
    truth = Truth()
    path = folder / LOG
    for line in path.read_text().splitlines() if path.exists() else ():
        said = json.loads(line)
        if said["event"] == "begin":
            truth.begins.setdefault(said["x"], []).append(said["time"])
        else:
            truth.ends.setdefault(said["x"], []).append((said["time"], said["step"]))
    return truth
