"""A trial's results → those that the driver is told at once."""

from __future__ import annotations

import math
from typing import Any

from hpo.trial.objective import Objective
from hpo.trial.spec import TrialSpec


class Forward:
    """Decides which results the driver is told: milestones, the first at the target, and a heartbeat."""

    def __init__(self, spec: TrialSpec, objective: Objective, now: float) -> None:
        self._spec, self._objective = spec, objective
        self._milestones = None if spec.milestones is None else frozenset(spec.milestones)
        self._beat_at = now + spec.heartbeat
        self._reached = False
        self._waiting: dict[str, Any] | None = None

    @property
    def due(self) -> float:
        """When the newest result is to be told although it is no milestone."""
        return self._beat_at if self._waiting else math.inf

    def result(self, value: float, when: float, now: float) -> dict[str, Any] | None:
        """An iteration's event, where the driver is to know it now; no number stands for NaN."""
        objective, target = self._objective, self._spec.target
        self._waiting = {
            "event": "result",
            "trial": self._spec.number,
            "iteration": objective.iterations,
            "value": value if math.isfinite(value) else None,
            "best": objective.best,
            "rows": objective.rows,
            "mean": objective.mean,
            "time": when,
        }
        hit = target is not None and not self._reached and objective.reaches(target)
        self._reached |= hit
        if hit or self._milestones is None or objective.iterations in self._milestones:
            return self._take(now)
        return self.beat(now)

    def beat(self, now: float) -> dict[str, Any] | None:
        """The newest untold event, if it is time; marked, since no decision needs it."""
        return {**event, "beat": True} if now >= self.due and (event := self._take(now)) else None

    def _take(self, now: float) -> dict[str, Any] | None:
        event, self._waiting = self._waiting, None
        self._beat_at = now + self._spec.heartbeat
        return event
