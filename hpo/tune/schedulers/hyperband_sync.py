"""Hyperband as its paper has it: brackets of successive halving, whatever the number of slots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpo.tune.schedulers.cohort import Cohort
from hpo.tune.schedulers.judging import Judging


class HyperbandSync(Judging, FIFOScheduler):
    """Hyperband (Li et al. 2017) without pauses: a script that pauses would start over.

    Trials fill the brackets in the paper's order and numbers. Where fewer run at once than a bracket has, it
    is halved in cohorts as large as run at once (eta at least), so that early stopping works on any machine.
    Trials that come to a rung early run on until it is certain that they are not among the best there.
    """

    def __init__(
        self,
        metric: str,
        mode: str,
        brackets: Sequence[Sequence[int]],
        trials: Sequence[int],
        eta: float = 3,
    ) -> None:
        super().__init__()
        self._judge_by(metric, mode)
        self._rungs, self._trials, self._eta = [list(rungs) for rungs in brackets], list(trials), eta
        self._bracket: dict[str, int] = {}
        self._cohort: dict[str, Cohort] = {}
        self._open: dict[int, Cohort] = {}
        self._place: dict[str, int] = {}
        """The highest rung that a running trial has come to, as its place in its bracket."""
        self._stopped = 0

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """A trial starts, perhaps again: it keeps its bracket."""
        name = trial.trial_id
        if name not in self._bracket:
            self._bracket[name] = self._next(len(self._bracket))
        self._spare(name)
        self._place[name] = -1

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Judge the cohort of a trial that has come to a rung."""
        name, reading = trial.trial_id, self._reading(result)
        rungs = self._rungs[self._bracket[name]]
        place = sum(at <= reading[0] for at in rungs) - 1 if reading else -1
        if reading and place > self._place.get(name, place):
            self._place[name] = place
            cohort = self._cohort.get(name) or self._join(controller, name)
            if not cohort.arrive(name, place, reading[1]):
                self._doom(name)
            self._judge(cohort)
        doomed = name in self._doomed
        self._spare(name)
        if doomed:
            self._place.pop(name, None)
        self._stopped += doomed
        return str(TrialScheduler.STOP if doomed else TrialScheduler.CONTINUE)

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A trial has ended: its cohort does not wait for it."""
        self._leave(trial.trial_id, failed=False)

    def on_trial_error(self, controller: Any, trial: Any) -> None:
        """A trial has failed: it is no competitor any more."""
        self._leave(trial.trial_id, failed=True)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """A trial is taken out; if it comes again it joins a cohort anew."""
        self._leave(trial.trial_id, failed=True)

    def debug_string(self) -> str:
        """How many trials each bracket got."""
        counts = [list(self._bracket.values()).count(place) for place in range(len(self._rungs))]
        return f"Hyperband: trials by bracket {counts}, {self._stopped} stopped"

    def _next(self, index: int) -> int:
        """The bracket of the trial that is added as number `index`: rounds of all brackets, one by one."""
        index %= sum(self._trials)
        for bracket, trials in enumerate(self._trials):
            if index < trials:
                return bracket
            index -= trials
        raise AssertionError(index)

    def _join(self, controller: Any, name: str) -> Cohort:
        bracket = self._bracket[name]
        cohort = self._open.get(bracket)
        if cohort is None or cohort.full:
            at_once = sum(trial.status == Trial.RUNNING for trial in controller.get_trials())
            size = max(math.ceil(self._eta), min(at_once, self._trials[bracket]))
            cohort = self._open[bracket] = Cohort(self._rungs[bracket], self._eta, size)
        self._cohort[name] = cohort
        return cohort

    def _judge(self, cohort: Cohort) -> None:
        for name in cohort.losers():
            self._doom(name)

    def _leave(self, name: str, *, failed: bool) -> None:
        self._spare(name)
        self._place.pop(name, None)
        cohort = self._cohort.pop(name, None)
        if cohort:
            cohort.fail(name) if failed else cohort.end(name)
            self._judge(cohort)
