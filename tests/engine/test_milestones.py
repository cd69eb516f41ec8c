"""The driver hears only of milestones: decisions are those of a scheduler that hears every row."""

from __future__ import annotations

import math
import random

import pytest
from ray.tune.schedulers import TrialScheduler

from hpo.engine.scheduling import Scheduling
from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.model import Sweep
from hpo.trial.forward import Forward
from hpo.trial.objective import Objective
from hpo.trial.spec import TrialSpec
from hpo.tune.schedulers import MEAN, TIME, scheduler
from hpo.tune.searchers import BEST

pytestmark = pytest.mark.ray
RULES = [
    {"type": "hyperband", "min_iter": 1, "eta": 2},
    {"type": "hyperband", "min_iter": 3, "eta": 3},
    {"type": "hyperband", "max_iter": 27, "s": 2},
    {"type": "asha", "min_iter": 1, "eta": 2},
    {"type": "asha", "min_iter": 2, "eta": 3, "promote": True},
    {"type": "async_hyperband", "max_iter": 27},
    {"type": "async_hyperband", "max_iter": 32, "eta": 2, "brackets": 3},
    {"type": "hyperband_sync", "max_iter": 27},
    {"type": "hyperband_sync", "max_iter": 32, "eta": 2},
    {"type": "bohb", "max_iter": 32, "min_iter": 4, "eta": 2},
    {"type": "median"},
    {"type": "median", "min_iter": 20, "min_samples": 1},
]
SWEEP = {
    "method": "random",
    "program": "t.py",
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
    "metric": {"name": "loss"},
}
LONGEST = 45
"""Iterations after which a trial ends by itself."""


class Trial:
    """A trial that logs the loss in most of its rows, seen by a scheduler through `milestones` or in full."""

    def __init__(self, number: int, sweep: Sweep, milestones: tuple[int, ...] | None) -> None:
        self.id, self.ended = str(number), ("", 0)
        assert sweep.metric is not None
        assert sweep.early_terminate is not None
        counts = sweep.early_terminate.nan_counts
        self.objective = Objective(sweep.metric.name, sweep.goal, nan_counts=counts)
        told = None if milestones is None else list(milestones)
        spec = TrialSpec(number, 1, [], "", {}, "", "", {}, "loss", sweep.goal, milestones=told)
        self.forward = Forward(spec, self.objective, 0.0)
        self.told = 0

    def log(self, row: dict[str, float], now: float, scheduling: Scheduling) -> None:
        value = self.objective.add_row(row)
        event = None if value is None else self.forward.result(value, now, now)
        if event is not None and not event.get("beat"):
            self.told += 1
            result = {TIME: event["iteration"], "loss": event["value"], BEST: event["best"]}
            if scheduling.result(self.id, {**result, MEAN: event["mean"]}) == TrialScheduler.STOP:
                self.end("stopped", scheduling)
        if not self.ended[0] and self.objective.iterations == LONGEST:
            self.end("finished", scheduling)

    def end(self, how: str, scheduling: Scheduling) -> None:
        self.ended = (how, self.objective.iterations)
        result = {TIME: self.objective.iterations, "loss": self.objective.last, BEST: self.objective.best}
        scheduling.complete(self.id, result, error=False)


def ends(sweep: Sweep, milestones: tuple[int, ...] | None, seed: int) -> tuple[list[tuple[str, int]], int]:
    """How and when each of 60 trials ends, a dozen at a time, and how many results were told."""
    drawn = random.Random(seed)
    scheduling = Scheduling(scheduler(sweep, seed))
    trials = [Trial(number, sweep, milestones) for number in range(60)]
    levels = [drawn.gauss(0, 2) for _ in trials]
    started: list[Trial] = []
    for tick in range(60 * LONGEST * 2):
        running = [trial for trial in started if not trial.ended[0]]
        while len(running) < 12 and len(started) < len(trials):
            scheduling.add(trials[len(started)].id, {})
            started.append(trials[len(started)])
            running.append(started[-1])
        if not running:
            break
        trial = drawn.choice(running)
        loss = levels[int(trial.id)] + drawn.random()
        row = drawn.choice([{"other": 1.0}, {"loss": math.nan}, *[{"loss": loss}] * 8])
        trial.log(row, tick / 20, scheduling)
        while names := scheduling.doomed():
            for name in names:
                trials[int(name)].end("doomed", scheduling)
    return [trial.ended for trial in trials], sum(trial.told for trial in trials)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_decisions_are_the_same(rule: dict[str, object], goal: str) -> None:
    sweep = load_sweep({**SWEEP, "metric": {"name": "loss", "goal": goal}, "early_terminate": rule})
    assert sweep.early_terminate is not None
    stopped = 0
    for seed in range(3):
        every, told_every = ends(sweep, None, seed)
        milestone, told_milestone = ends(sweep, sweep.early_terminate.milestones, seed)
        assert every == milestone
        assert told_milestone < told_every
        stopped += sum(how != "finished" for how, _ in every)
    assert stopped > 20


@pytest.mark.parametrize("rule", RULES[3:], ids=str)
def test_a_trial_that_diverges_is_stopped_at_its_next_rung(rule: dict[str, object]) -> None:
    sweep = load_sweep({**SWEEP, "early_terminate": rule})
    assert sweep.early_terminate is not None
    scheduling = Scheduling(scheduler(sweep))
    for number in range(4):
        scheduling.add(str(number), {})
        for rung in sweep.early_terminate.rungs(2):
            scheduling.result(str(number), {TIME: rung, "loss": 1.0, BEST: 1.0, MEAN: 1.0})
        if number < 3:
            scheduling.complete(str(number), {TIME: 40, "loss": 1.0, BEST: 1.0}, error=False)
    trial = Trial(9, sweep, sweep.early_terminate.milestones)
    scheduling.add(trial.id, {})
    for tick in range(LONGEST - 1):
        if not trial.ended[0]:
            trial.log({"loss": math.nan}, tick / 20, scheduling)
    assert trial.ended == ("stopped", sweep.early_terminate.rungs(1)[0])


def test_where_the_best_up_to_now_counts_all_results_are_told() -> None:
    relaxed = {"type": "hyperband", "min_iter": 3, "strict": False}
    sweep = load_sweep({**SWEEP, "early_terminate": relaxed})
    assert sweep.early_terminate is not None
    assert sweep.early_terminate.milestones is None
