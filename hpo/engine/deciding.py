"""What happens to trials → searcher and scheduler, live or out of the journal; and what they answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.schedulers import TrialScheduler

from hpo.engine.asking import Asking
from hpo.engine.ongoing import Ongoing, Outcome
from hpo.engine.pausing import Pausing
from hpo.engine.scheduling import Scheduling
from hpo.sweepfile.model import Metric
from hpo.tune.schedulers import MEAN, TIME
from hpo.tune.searchers import BEST, SpaceSearcher
from hpo.tune.translate import reaches

STATE_AFTER = {TrialScheduler.STOP: "stopped", TrialScheduler.PAUSE: "paused"}
"""A scheduler's decision → the state that the trial is brought to."""


@dataclass
class Deciding:
    """Searcher, scheduler and paused trials together: told of all that happens, in the journal's order.

    A run that is resumed tells fresh ones the same, so what they decide may follow from nothing else.
    """

    asking: Asking
    scheduling: Scheduling
    pausing: Pausing
    metric: Metric | None

    def begin(self, trial: Ongoing) -> None:
        """An attempt begins, at the trial's newest checkpoint if it has one."""
        trial.attempt += 1
        trial.resume = trial.checkpoint
        if trial.id not in self.scheduling.trials:
            self.scheduling.add(trial.id, trial.config, checkpointed=trial.checkpoint is not None)

    def result(self, trial: Ongoing, event: Mapping[str, Any], seconds: float) -> str | None:
        """A milestone; the state that the trial is to be brought to, None: it goes on."""
        iteration = event["iteration"]
        result = self._as_result(iteration, event["value"], event["best"])
        result |= {MEAN: event.get("mean"), "time_total_s": seconds}
        self.asking.result(trial.id, result)
        self.pausing.milestone(trial, iteration)
        decision = self.scheduling.result(trial.id, result)
        if decision == TrialScheduler.PAUSE:
            self.pausing.told(trial, iteration, event["rows"])
        return STATE_AFTER.get(decision)

    def again(self, trial: Ongoing) -> None:
        """An attempt did not count: the trial will begin once more."""
        trial.pausing = 0
        self.scheduling.complete(trial.id, None, error=False)

    def end(self, trial: Ongoing, end: Mapping[str, Any]) -> None:
        """A trial has ended for good."""
        state, value = end["state"], end.get("value")
        result = None
        if value is not None and math.isfinite(value):
            result = self._as_result(end["iterations"], end["last"], value) | (end.get("values") or {})
        self.scheduling.complete(trial.id, result, error=state == "failed")
        self.pausing.forget(trial)
        lost = state in ("failed", "interrupted")
        self.asking.complete(trial.id, None if lost else result, error=state == "failed")

    def reaches(self, value: Any) -> bool:
        """Whether a value is as good as the sweep's target."""
        return reaches(self.metric, value)

    @property
    def success(self) -> Outcome:
        """How a run ends that has reached its target."""
        assert self.metric is not None
        return Outcome("target", f"{self.metric.name} reached {self.metric.target:g}")

    def close(self) -> SpaceSearcher:
        """End what runs beside; the searcher, knowing all that it was told."""
        self.pausing.checkpoints.close()
        return self.asking.close()

    def _as_result(self, iteration: int, value: Any, best: Any) -> dict[str, Any]:
        name = self.metric.name if self.metric else ""
        return {TIME: iteration, name: math.nan if value is None else value, BEST: best}
