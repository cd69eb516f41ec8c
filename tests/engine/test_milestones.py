"""The driver hears only of milestones: decisions are those of a scheduler that hears every row."""

from __future__ import annotations

import random

import pytest
from ray.tune.schedulers import TrialScheduler

from hpo.engine.scheduling import Scheduling
from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.model import Sweep
from hpo.trial.forward import Forward
from hpo.trial.objective import Objective
from hpo.trial.spec import TrialSpec
from hpo.tune.schedulers import TIME, scheduler
from hpo.tune.searchers import BEST

pytestmark = pytest.mark.ray
RULES = [
    {"type": "hyperband", "min_iter": 1, "eta": 2},
    {"type": "hyperband", "min_iter": 3, "eta": 3},
    {"type": "hyperband", "max_iter": 27, "s": 2},
]


class Trial:
    """A trial that logs the loss in most of its rows, seen by a scheduler through `milestones` or in full."""

    def __init__(self, number: int, sweep: Sweep, milestones: list[int] | None) -> None:
        self.id, self.stopped_at = str(number), 0
        assert sweep.metric is not None
        self.objective = Objective(sweep.metric.name, sweep.goal)
        spec = TrialSpec(number, 1, [], "", {}, "", "", {}, "loss", sweep.goal, milestones=milestones)
        self.forward = Forward(spec, self.objective, 0.0)
        self.told = 0

    def log(self, row: dict[str, float], now: float, scheduling: Scheduling) -> None:
        value = self.objective.add_row(row)
        event = None if value is None else self.forward.result(value, now, now)
        if event is None or event.get("beat") or self.stopped_at:
            return
        self.told += 1
        result = {TIME: event["iteration"], "loss": event["value"], BEST: event["best"]}
        if scheduling.result(self.id, result) == TrialScheduler.STOP:
            self.stopped_at = event["iteration"]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_decisions_are_the_same(rule: dict[str, object], goal: str) -> None:
    space = {"x": {"min": 0.0, "max": 1.0}}
    metric = {"name": "loss", "goal": goal}
    sweep = load_sweep(
        {
            "method": "random",
            "program": "t.py",
            "parameters": space,
            "metric": metric,
            "early_terminate": rule,
        }
    )
    assert sweep.early_terminate is not None
    seen = []
    for milestones in (None, sweep.early_terminate.rungs()):
        drawn = random.Random(7)
        scheduling = Scheduling(scheduler(sweep))
        trials = [Trial(number, sweep, milestones) for number in range(60)]
        for trial in trials:
            scheduling.add(trial.id, {})
        for tick in range(60 * 40):
            row = {"other": 1.0} if drawn.random() < 0.2 else {"loss": drawn.random()}
            drawn.choice(trials).log(row, tick / 20, scheduling)
        seen.append(([trial.stopped_at for trial in trials], sum(trial.told for trial in trials)))
    (every, told_every), (milestone, told_milestone) = seen
    assert every == milestone
    assert 10 < sum(at > 0 for at in every) < 60
    assert told_milestone < told_every
