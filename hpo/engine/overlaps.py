"""Trials that wrote the same files while they ran at the same time: said once a run."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST = 20_000
"""So many names are remembered; then those of trials that have ended are forgotten."""


@dataclass
class Overlaps:
    """Is told what trials write, `began` and ended by the clock of their node (Unix seconds)."""

    cwd: str
    said: bool = False
    writers: dict[str, int] = field(default_factory=dict)
    """The trial that wrote a file last, or made a folder (whose name ends with a slash)."""
    ends: dict[int, float] = field(default_factory=dict)
    """When those that have ended did; only of trials that have written something."""

    def wrote(self, number: int, began: float, paths: Iterable[str]) -> str:
        """A trial has written files; what is to be said, if anything."""
        if self.said:
            return ""
        self.ends.pop(number, None)
        for path in paths:
            other = self.writers.get(path, number)
            if other != number and self.ends.get(other, math.inf) > began:
                self.said = True
                self.writers.clear()
                return self._text(min(other, number), max(other, number), path)
            self.writers[path] = number
        return ""

    def ended(self, number: int, when: float) -> None:
        """A trial has ended."""
        if self.said or not self.writers:
            return
        self.ends[number] = when
        if len(self.writers) > MOST:
            self.writers = {path: one for path, one in self.writers.items() if one not in self.ends}
            self.ends.clear()

    def _text(self, one: int, other: int, path: str) -> str:
        name = os.path.relpath(path, self.cwd)
        what = f"made the folder {name}" if path.endswith(os.sep) else f"wrote {name}"
        return (
            f"trials {one} and {other} ran at the same time, and both {what}: such files are mixed or lost; "
            "put os.environ['HPO_TRIAL'] into the name, or write below os.environ['HPO_TRIAL_DIR']"
        )
