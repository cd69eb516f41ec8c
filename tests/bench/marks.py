"""A driver's own CPU time and memory whenever so many trials have ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path


class Marks:
    """Call `reached` with the number of ended trials as often as it may have changed."""

    def __init__(self, counts: Sequence[int]) -> None:
        self.waiting = list(counts)
        self.found: list[tuple[int, float, int, float]] = []
        """Trials, CPU seconds, bytes of memory, Unix seconds."""

    def reached(self, count: int) -> None:
        """Note where this process stands, if a mark is reached."""
        while self.waiting and count >= self.waiting[0]:
            self.waiting.pop(0)
            self.found.append((count, time.process_time(), _memory(), time.time()))


def _memory() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
