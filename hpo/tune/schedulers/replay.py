"""A found schedule of hyperparameters, replayed: at each change the trial pauses and takes the new."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpo.sweepfile.population import Replay
from hpo.tune.population.members import saved
from hpo.tune.schedulers.judging import TIME


class Replaying(FIFOScheduler):
    """At each change PAUSE, with the new `config` and the trial itself as its `donor`."""

    clones = True

    def __init__(self, rule: Replay) -> None:
        super().__init__()
        self.rule = rule
        self.notes: list[str] = []
        """What is to be told to the user."""

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """At a change the new configuration, from the checkpoint there."""
        iteration = int(result.get(TIME, 0))
        config = self.rule.changes.get(iteration)
        if config is None:
            return str(TrialScheduler.CONTINUE)
        if saved(trial) != iteration:
            text = f"replay: there is no checkpoint of iteration {iteration}: the trial goes on as it was"
            self.notes.append(text)
            return str(TrialScheduler.CONTINUE)
        trial.config, trial.donor = dict(config), trial
        return str(TrialScheduler.PAUSE)

    def choose_trial_to_run(self, controller: Any) -> Any:
        """The trial, once it has paused."""
        return next((t for t in controller.get_trials() if t.status == Trial.PAUSED), None)
