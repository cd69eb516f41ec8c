"""The median stopping rule of Google Vizier, in bounded memory and without pauses."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpo.tune.schedulers.judging import MEAN, Judging
from hpo.tune.schedulers.wandb_rule import last_rung

WINDOW = 1000
"""So many completed trials, the newest, make the median."""


class Averages:
    """Running averages of completed trials at one iteration, the newest WINDOW of them."""

    def __init__(self) -> None:
        self._sorted: list[float] = []
        self._age: deque[float] = deque()

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, value: float) -> None:
        """One more trial has completed."""
        insort(self._sorted, value)
        self._age.append(value)
        if len(self._age) > WINDOW:
            del self._sorted[bisect_left(self._sorted, self._age.popleft())]

    @property
    def median(self) -> float:
        """The middle one, or between the two in the middle."""
        middle = len(self._sorted) // 2
        if len(self._sorted) % 2:
            return self._sorted[middle]
        return (self._sorted[middle - 1] + self._sorted[middle]) / 2


@dataclass
class Progress:
    """A running trial: what it has reported, and its average at each iteration where it was judged."""

    count: int = 0
    total: float = 0.0
    best: float = math.inf
    averages: dict[int, float] = field(default_factory=dict)
    rung: int = 0

    def mean(self, score: float) -> float:
        """Take in a report; the average of all so far."""
        if math.isfinite(score):
            self.count, self.total = self.count + 1, self.total + score
        return self.total / self.count if self.count else math.inf


class Median(Judging, FIFOScheduler):
    """Stops a trial whose best value is worse than the median of the completed trials' running averages.

    All is as of the same iteration (Golovin et al. 2017). Trials that were stopped are completed too; failed
    ones are not. Judged are `rungs` only, so that time and memory are bounded. A driver that passes on only
    the results at these says the average (`MEAN`), for which all reports count.
    """

    def __init__(self, metric: str, mode: str, rungs: Sequence[int], min_samples: int = 3) -> None:
        super().__init__()
        self._judge_by(metric, mode)
        self._rungs, self._least = tuple(rungs), min_samples
        self._running: dict[str, Progress] = {}
        self._completed: dict[int, Averages] = {}
        self._stopped = 0

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """A trial starts, perhaps again."""
        self._running[trial.trial_id] = Progress()

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Judge a trial that has come to the next rung."""
        progress, reading = self._running.get(trial.trial_id), self._reading(result)
        if progress is None or reading is None:
            return str(TrialScheduler.CONTINUE)
        iteration, score = reading
        average = progress.mean(score)
        average = self._score(result[MEAN]) if MEAN in result else average
        progress.best = self._best(result, progress.best, score)
        rung = last_rung(self._rungs, iteration)
        if rung <= progress.rung:
            return str(TrialScheduler.CONTINUE)
        progress.rung, progress.averages[rung] = rung, average
        others = self._completed.get(rung, ())
        if len(others) < self._least or progress.best <= self._completed[rung].median:
            return str(TrialScheduler.CONTINUE)
        self._stopped += 1
        self._complete(trial.trial_id)
        return str(TrialScheduler.STOP)

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A trial has ended, and counts from now on."""
        self._complete(trial.trial_id)

    def on_trial_error(self, controller: Any, trial: Any) -> None:
        """A failed trial does not count."""
        self._running.pop(trial.trial_id, None)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """Nor does one that is taken out."""
        self._running.pop(trial.trial_id, None)

    def debug_string(self) -> str:
        """How many trials were stopped."""
        return f"Median stopping: {self._stopped} stopped"

    def _complete(self, name: str) -> None:
        progress = self._running.pop(name, None)
        for rung, average in progress.averages.items() if progress else ():
            self._completed.setdefault(rung, Averages()).add(average)
