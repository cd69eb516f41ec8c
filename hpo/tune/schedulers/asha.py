"""ASHA that stops (Ray's, mended), in one bracket or in Hyperband's."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from hpo.tune.schedulers.judging import TIME, Judging
from hpo.tune.schedulers.rung import Rung, reached

GOLDEN = (5**0.5 - 1) / 2


class Ladder:
    """The rungs of one bracket; `lots` break ties."""

    def __init__(self, rungs: Sequence[int], lots: random.Random | None = None) -> None:
        self.rungs, self._lots = [Rung(at) for at in rungs], lots

    def arrive(self, name: str, iteration: int, score: float) -> Rung | None:
        """The rung that a trial has just come to; None where it has come to none since its last."""
        place = reached(self.rungs, iteration)
        if place < 0 or any(name in rung.placed for rung in self.rungs[place:]):
            return None
        self.rungs[place].add(name, score, self._lots.random() if self._lots else None)
        return self.rungs[place]

    def debug_str(self) -> str:
        """How many trials came to each rung."""
        return "Bracket: " + (" | ".join(f"Iter {r.iteration}: {len(r)}" for r in self.rungs) or "no rung")


class Asha(Judging, AsyncHyperBandScheduler):
    """Ray's ASHA (Li et al. 2018), with a rank where Ray has a quantile of the values.

    A trial goes on from a rung if fewer than n / eta of the n trials that came there are better: the first
    one does, NaN or None never does, and lots are cast among equal ones (Ray lets all of them go on). A
    report that skips rungs is judged at the highest only. Trials draw a bracket by its share, in a sequence
    that keeps the shares at any length, and keep it when they are tried again.
    """

    def __init__(
        self,
        metric: str,
        mode: str,
        brackets: Sequence[Sequence[int]],
        shares: Sequence[float] = (1.0,),
        eta: float = 3,
        seed: int = 0,
    ) -> None:
        top = max(at for rungs in brackets for at in rungs)
        low = min(at for rungs in brackets for at in rungs)
        super().__init__(
            TIME, metric, mode, top + 1, low, reduction_factor=float(eta), stop_last_trials=False
        )
        self._judge_by(metric, mode)
        lots = random.Random(seed)
        self._shares = list(accumulate(shares))
        self._start, self._drawn = lots.random(), 0
        self._brackets = [Ladder(rungs, lots) for rungs in brackets]

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """A trial starts, perhaps again."""
        if trial.trial_id not in self._trial_info:
            self._trial_info[trial.trial_id] = self._brackets[self._draw()]

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Judge a trial that has come to a rung."""
        reading = self._reading(result)
        rung = self._trial_info[trial.trial_id].arrive(trial.trial_id, *reading) if reading else None
        if rung is None or rung.passes(trial.trial_id, self._reduction_factor):
            return str(TrialScheduler.CONTINUE)
        self._num_stopped += 1
        return str(TrialScheduler.STOP)

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A trial has ended; it was judged at every rung that it came to."""
        self._trial_info.pop(trial.trial_id, None)

    def on_trial_error(self, controller: Any, trial: Any) -> None:
        """A trial has failed for good."""
        self._trial_info.pop(trial.trial_id, None)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """A trial is taken out; it may come again."""

    def _draw(self) -> int:
        """A bracket, each as often as its share says."""
        point = (self._start + self._drawn * GOLDEN) % 1.0
        self._drawn += 1
        return min(bisect_right(self._shares, point * self._shares[-1]), len(self._brackets) - 1)
