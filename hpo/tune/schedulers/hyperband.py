"""W&B's `hyperband`, driven by results where W&B looks at all runs every few minutes."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpo.tune.schedulers.judging import Judging
from hpo.tune.schedulers.wandb_rule import last_rung, threshold


@dataclass
class Standing:
    """A running trial: the last rung that it reached, its score there and its best so far."""

    rung: int = 0
    score: float = math.inf
    best: float = math.inf


class Hyperband(Judging, FIFOScheduler):
    """Decides after each result what W&B would if it looked then (`wandb_rule.to_stop`).

    A result at a rung moves that rung's threshold, so that others who stand there may have to stop too.
    """

    def __init__(
        self, metric: str, mode: str, rungs: Sequence[int], eta: float = 3, strict: bool = True
    ) -> None:
        super().__init__()
        self._judge_by(metric, mode)
        self._rungs, self._eta, self._strict = tuple(rungs), eta, strict
        self._reached: dict[int, list[float]] = {rung: [] for rung in self._rungs}
        """Scores of all trials that came to a rung, ascending."""
        self._scores: dict[str, dict[int, float]] = {}
        self._at: dict[int, dict[str, Standing]] = {rung: {} for rung in (0, *self._rungs)}
        """Running trials by the last rung that they reached."""
        self._running: dict[str, Standing] = {}

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """A trial starts, perhaps again; then what it had reached counts until it reaches it anew."""
        self._leave(trial.trial_id)
        self._running[trial.trial_id] = self._at[0][trial.trial_id] = Standing()

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Judge it, and whoever stands at the rung that it has just reached."""
        name, reading = trial.trial_id, self._reading(result)
        standing = self._running.get(name)
        if reading and standing and math.isfinite(reading[1]):  # other rows are none to W&B
            iteration, score = reading
            standing.best = self._best(result, standing.best, score)
            rung = last_rung(self._rungs, iteration)
            if rung > standing.rung:
                self._arrive(name, standing, rung, score)
                self._judge(rung, list(self._at[rung]))
            elif not self._strict and rung:
                self._judge(standing.rung, [name])
        return str(TrialScheduler.STOP if self._take(name) else TrialScheduler.CONTINUE)

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A trial has ended; what it reached still counts."""
        self._leave(trial.trial_id)

    def on_trial_error(self, controller: Any, trial: Any) -> None:
        """A trial has failed; what it reached still counts, as on W&B."""
        self._leave(trial.trial_id)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """A trial is taken out."""
        self._leave(trial.trial_id)

    def debug_string(self) -> str:
        """How many trials came to each rung."""
        reached = (f"{len(scores)} at {rung}" for rung, scores in self._reached.items() if scores)
        return f"W&B's hyperband: {', '.join(reached) or 'no rung reached'}"

    def _arrive(self, name: str, standing: Standing, rung: int, score: float) -> None:
        del self._at[standing.rung][name]
        standing.rung, standing.score = rung, score
        self._at[rung][name] = standing
        scores, reached = self._scores.setdefault(name, {}), self._reached[rung]
        if rung in scores:
            del reached[bisect_left(reached, scores[rung])]
        scores[rung] = score
        insort(reached, score)

    def _judge(self, rung: int, names: list[str]) -> None:
        limit = threshold(self._reached[rung], self._eta)
        for name in names:
            standing = self._running[name]
            if (standing.score if self._strict else standing.best) > limit:
                self._leave(name)
                self._doom(name)

    def _take(self, name: str) -> bool:
        """Whether the trial that reports is doomed; it needs no further word then."""
        doomed = name in self._doomed
        self._spare(name)
        return doomed

    def _leave(self, name: str) -> None:
        self._spare(name)
        standing = self._running.pop(name, None)
        if standing:
            del self._at[standing.rung][name]
