"""ASHA that promotes: trials pause at a rung, and the best go on when a slot is free (Li et al. 2018)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from hpo.tune.schedulers.asha import Asha, Ladder
from hpo.tune.schedulers.rung import Rung

NO_CHECKPOINT = "asha: a trial without a checkpoint cannot pause; at a rung it goes on or is stopped"


class PromotingAsha(Asha):
    """The paper's get_job: the best promotable trial of the highest rung goes on, else a new one starts.

    A trial that is promotable when it reports goes on at once. One without a checkpoint would start over, so
    it never pauses: it is judged as by `Asha`, which `notes` says once.
    """

    def __init__(self, metric: str, mode: str, rungs: Sequence[int], eta: float = 3) -> None:
        super().__init__(metric, mode, [rungs], eta=eta)
        self._brackets = [Ladder(rungs)]  # of equal trials the first goes on
        self.notes: list[str] = []
        """What is to be told to the user."""
        self._paused: list[list[tuple[tuple[float, float], str]]] = [[] for _ in rungs]
        """For each rung, trials that pause there, the best first, with their places."""
        self._trials: dict[str, Any] = {}
        self._waits: dict[str, Rung] = {}
        """Where a trial pauses; not once it has gone on or is out."""
        self._chosen: set[str] = set()
        self._noted = False

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """A trial starts."""
        super().on_trial_add(controller, trial)
        self._trials[trial.trial_id] = trial

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """At a rung: go on, pause, or stop where the value is no number."""
        name, reading = trial.trial_id, self._reading(result)
        rung = self._trial_info[name].arrive(name, *reading) if reading else None
        if rung is None or rung.promotable(name, self._reduction_factor):
            return str(TrialScheduler.CONTINUE)
        if not rung.finite(name):
            return str(TrialScheduler.STOP)
        if resumable(trial):
            self._chosen.discard(name)
            self._waits[name] = rung
            insort(self._paused[self._ladder.index(rung)], (rung.placed[name], name))
            return str(TrialScheduler.PAUSE)
        if not self._noted:
            self._noted = True
            self.notes.append(NO_CHECKPOINT)
        passes = rung.passes(name, self._reduction_factor)
        return str(TrialScheduler.CONTINUE if passes else TrialScheduler.STOP)

    def choose_trial_to_run(self, controller: Any) -> Any:
        """A paused trial to go on with, else a pending one of a stock Tuner, else None: start a new one."""
        for rung, paused in zip(reversed(self._ladder), reversed(self._paused), strict=True):
            if trial := self._promotable(rung, paused):
                return trial
        trials = controller.get_trials()
        pending = next((trial for trial in trials if trial.status == Trial.PENDING), None)
        if pending is None and hasattr(controller, "stop_trial"):
            self._give_up_one(controller, trials)
        return pending

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A trial has ended."""
        super().on_trial_complete(controller, trial, result)
        self._forget(trial.trial_id)

    def on_trial_error(self, controller: Any, trial: Any) -> None:
        """A trial has failed for good."""
        super().on_trial_error(controller, trial)
        self._forget(trial.trial_id)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """A trial is taken out, perhaps while it pauses."""
        self._forget(trial.trial_id)

    def _forget(self, name: str) -> None:
        self._trials.pop(name, None)
        self._waits.pop(name, None)

    @property
    def _ladder(self) -> list[Rung]:
        rungs: list[Rung] = self._brackets[0].rungs
        return rungs

    def _promotable(self, rung: Rung, paused: list[tuple[tuple[float, float], str]]) -> Any:
        """The best trial that pauses at a rung, if it may go on; those that did or ended are forgotten."""
        for place in list(paused):
            name = place[1]
            trial = self._trials.get(name) if self._waits.get(name) is rung else None
            if trial is None or (name in self._chosen and trial.status != Trial.PAUSED):
                paused.remove(place)
                self._chosen.discard(name)
                continue
            if not rung.promotable(name, self._reduction_factor):
                return None
            if trial.status == Trial.PAUSED:  # not while its checkpoint is still being written
                self._chosen.add(name)
                return trial
        return None

    def _give_up_one(self, controller: Any, trials: Sequence[Any]) -> None:
        """A stock Tuner waits for ever for trials that pause: once they alone are left, the worst stops."""
        left = [trial for trial in trials if not trial.is_finished()]
        if left and all(trial.status == Trial.PAUSED for trial in left):
            controller.stop_trial(self._worst_paused() or left[0])

    def _worst_paused(self) -> Any:
        """Of the trials that still pause at the lowest rung, the last; None if none pauses at a rung."""
        for rung, paused in zip(self._ladder, self._paused, strict=True):
            for _, name in reversed(paused):
                if self._waits.get(name) is rung:  # neither ended nor gone on to a higher one
                    return self._trials[name]
        return None


def resumable(trial: Any) -> bool:
    """Whether a trial that pauses can go on from where it was."""
    if isinstance(trial, Trial):  # a stock Tuner asks a class for a checkpoint when it pauses
        return trial.checkpoint is not None or not _is_function(trial.get_trainable_cls())
    return bool(getattr(trial, "checkpointed", False))


def _is_function(trainable: Any) -> bool:
    from ray.tune.trainable import FunctionTrainable

    return isinstance(trainable, type) and issubclass(trainable, FunctionTrainable)
