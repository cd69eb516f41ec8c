"""A simulated run: trials are learning curves, and a scheduler is driven as the controller drives it."""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ray.tune.experiment import Trial

from hpo.engine.scheduling import ScheduledTrial, Scheduling
from hpo.sweepfile.load import load_sweep
from hpo.tune.schedulers import TIME, scheduler

Curve = Callable[[int], Any]


@dataclass
class Simulated(ScheduledTrial):
    """A trial with a learning curve: iteration → what it logs; it may have a checkpoint."""

    checkpointed: bool = False
    done: int = 0
    end: str = ""
    __hash__ = ScheduledTrial.__hash__
    __eq__ = ScheduledTrial.__eq__


@dataclass
class Run:
    """So many slots, trials of `longest` iterations; a random one of those that run reports next."""

    scheduling: Scheduling
    curves: list[Curve]
    longest: int = 81
    slots: int = 8
    seed: int = 0
    checkpointed: Callable[[int], bool] = lambda number: False
    trials: list[Simulated] = field(default_factory=list)
    order: list[tuple[str, str, int]] = field(default_factory=list)
    """What happened: paused, resumed or an end; the trial; its iterations."""
    _running: list[Simulated] = field(default_factory=list)

    def run(self) -> Run:
        """Until no trial runs and none is left to start or to go on with."""
        drawn = random.Random(self.seed)
        while True:
            while len(self.running) < self.slots and self._start():
                pass
            if not self.running:
                return self
            self._step(drawn.choice(self.running))

    @property
    def running(self) -> list[Simulated]:
        """Those that run, by number."""
        self._running = [trial for trial in self._running if trial.status == Trial.RUNNING]
        return self._running

    @property
    def iterations(self) -> list[int]:
        return [trial.done for trial in self.trials]

    def reached(self, rung: int) -> int:
        """How many trials did more iterations than a rung's, so that they passed it."""
        return sum(trial.done > rung for trial in self.trials)

    def _start(self) -> bool:
        paused = self.scheduling.scheduler.choose_trial_to_run(self.scheduling)
        assert paused is self.scheduling.scheduler.choose_trial_to_run(self.scheduling)
        if paused is not None:
            assert paused.status == Trial.PAUSED
            paused.status = Trial.RUNNING
            insort(self._running, paused, key=lambda trial: int(trial.trial_id))
            self.order.append(("resumed", paused.trial_id, paused.done))
            return True
        number = len(self.trials)
        if number == len(self.curves):
            return False
        trial = Simulated(str(number), {}, Trial.RUNNING, checkpointed=self.checkpointed(number))
        self.trials.append(trial)
        self._running.append(trial)
        self.scheduling.trials[trial.trial_id] = trial
        self.scheduling.scheduler.on_trial_add(self.scheduling, trial)
        return True

    def _step(self, trial: Simulated) -> None:
        trial.done += 1
        value = self.curves[int(trial.trial_id)](trial.done)
        decision = self.scheduling.result(trial.trial_id, {TIME: trial.done, "loss": value})
        if decision == "PAUSE":
            assert trial.checkpointed
            trial.status = Trial.PAUSED
            self.order.append(("paused", trial.trial_id, trial.done))
        elif decision == "STOP":
            self._end(trial, "stopped")
        elif trial.done == self.longest:
            self._end(trial, "finished")
        while names := self.scheduling.doomed():
            for name in names:
                self._end(self.trials[int(name)], "stopped")

    def _end(self, trial: Simulated, how: str) -> None:
        trial.end = how
        self.order.append((how, trial.trial_id, trial.done))
        self.scheduling.complete(trial.trial_id, {TIME: trial.done, "loss": 0.0}, error=False)


def scheduling(rule: dict[str, Any], goal: str = "minimize", seed: int = 0) -> Scheduling:
    """The scheduler of a rule, ready to be driven."""
    sweep = {
        "method": "random",
        "program": "t.py",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "metric": {"name": "loss", "goal": goal},
        "early_terminate": rule,
    }
    return Scheduling(scheduler(load_sweep(sweep), seed))


def curves(count: int, seed: int = 0, noise: float = 0.0) -> list[Curve]:
    """Losses that fall to different ends, in random order; less noise makes early ranks tell more."""
    drawn = random.Random(seed)
    ends = [drawn.random() for _ in range(count)]

    def curve(end: float) -> Curve:
        return lambda t: end + 1 / t + noise * drawn.gauss(0, 1)

    return [curve(end) for end in ends]
