"""What all schedulers here share: reading results, and naming trials to stop beside the one that reports."""

from __future__ import annotations

import math
from typing import Any

from hpo.tune.searchers import BEST

TIME = "training_iteration"
"""A trial's iterations: how many of its reports carried the metric."""
MEAN = "hpo_mean"
"""Key of a result: the mean of the metric over the trial's reports so far."""


class Judging:
    """Mixin, named before a TrialScheduler: scores in which less is better, and trials that are doomed.

    Where other trials' results have made it certain that a running trial is to stop, the scheduler dooms it:
    its next result is answered with STOP, and a controller that can stop it at once asks `take_doomed`.
    """

    _metric: str | None

    def _judge_by(self, metric: str, mode: str) -> None:
        """Set the metric and `min` or `max`."""
        self._metric, self._sign = metric, 1.0 if mode == "min" else -1.0
        self._doomed: set[str] = set()
        self._untold: list[str] = []

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept the metric and mode of a TuneConfig: they come from the same translation."""
        return metric in (None, self._metric)

    def take_doomed(self) -> list[str]:
        """Ids of trials that are to stop now; each is named once."""
        untold, self._untold = self._untold, []
        return untold

    def _doom(self, trial_id: str) -> None:
        self._doomed.add(trial_id)
        self._untold.append(trial_id)

    def _spare(self, trial_id: str) -> None:
        """It has ended, or begins anew."""
        self._doomed.discard(trial_id)
        if trial_id in self._untold:
            self._untold.remove(trial_id)

    def _reading(self, result: dict[str, Any]) -> tuple[int, float] | None:
        """Iteration and score; infinite for what is no finite number; None where the metric is absent."""
        if self._metric not in result or TIME not in result:
            return None
        return int(result[TIME]), self._score(result[self._metric])

    def _best(self, result: dict[str, Any], before: float, score: float) -> float:
        """Score of the trial's best value so far: what the result says of it, else by what was seen."""
        return min(before, score, self._score(result.get(BEST)))

    def _score(self, value: Any) -> float:
        number = isinstance(value, (int, float)) or hasattr(value, "__float__")
        score = self._sign * float(value) if number and not isinstance(value, bool) else math.inf
        return score if math.isfinite(score) else math.inf
