"""BOHB's model: one a budget, of the trials that reached it (Falkner et al., 2018)."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hpo.space.space import SearchSpace
from hpo.tune.earlier import Earlier
from hpo.tune.history import Memory, Point, Worth
from hpo.tune.tpe import TpeSearcher

TIME = "training_iteration"
"""Key of a result's iteration."""


class BohbSearcher(TpeSearcher):
    """TPE on the values at the highest budget that enough trials have reached.

    A budget is an iteration at which results come: the scheduler's rungs, and the ends. A trial that is
    stopped early counts at the rungs that it reached; one that fails counts as the worst at all others. Some
    suggestions stay random, so that the model cannot lock itself in.
    """

    memory = Memory(500, 125)

    def __init__(self, space: SearchSpace, **settings: Any) -> None:
        super().__init__(space, **settings)
        self.enough = self.options.min_points or len(space.searched) + 2
        if self.options.startup is None:
            self.startup = max(self.enough, len(self.options.points))
        self.budgets: dict[int, dict[int, Point]] = {}
        """Iteration → index of a suggestion → its value there, in the order of their coming."""

    def unmodelled(self, index: int) -> bool:
        """The beginning, a share of the suggestions, and all while no budget has a model."""
        if index < self.startup or self.budget is None:
            return True
        draw = random.Random(f"hpo:bohb:{self.seed}:{index}").random()
        return draw < self.options.random_fraction

    @property
    def budget(self) -> int | None:
        """The highest budget that enough trials have reached."""
        return max((step for step, told in self.budgets.items() if len(told) >= self.enough), default=None)

    def observation(self, trial_id: str, result: dict[str, Any]) -> tuple[float, int] | None:
        """A rung's value: the best up to there, or the one there, by `use`."""
        step = result.get(TIME)
        if trial_id not in self.running or not isinstance(step, int):
            return None
        value = self.number({self.metric: result.get(self.metric)} if self.use == "last" else result)
        if value is None and not isinstance(self.worst, tuple):
            value = self.worst
        return None if value is None else (value, step)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Follow a trial's best value, and its values by budget."""
        super().on_trial_result(trial_id, result)
        if seen := self.observation(trial_id, result):
            self.observe(trial_id, *seen)

    def observe(self, trial_id: str, value: float, step: int) -> None:
        """A running trial has a value at a budget."""
        self._note(self.running[trial_id], value, step)

    def learn(self, trial_id: str, value: Worth | None) -> None:
        """A trial has ended; one that never gave a value has the worst one at every budget."""
        self.learned += 1
        point = self.running.pop(trial_id)
        self.study = None
        if value is None:
            return
        assert not isinstance(value, tuple)  # it takes one objective
        point.value = value
        if not any(point.index in told for told in self.budgets.values()):
            for told in list(self.budgets.values()):
                worst = max(other.value for other in told.values() if other.value is not None)
                told[point.index] = replace(point, value=max(worst, value))
        self.keep(point)

    def recall(self, trials: list[Earlier]) -> bool:
        """Earlier trials count at the budgets that they reached."""
        super().recall(trials)
        for point, trial in zip(self.history[-len(trials) :], trials, strict=False):
            for step, value in trial.steps.items():
                self._note(point, self.sign * value, step)
        return True

    def known(self) -> list[Point]:
        """What the model that is asked sees: the values at its budget, and trials that run."""
        budget = self.budget
        told = self.budgets[budget] if budget is not None else {}
        return [*told.values(), *(point for point in self.running.values() if point.index not in told)]

    def _note(self, point: Point, value: float, step: int) -> None:
        told = self.budgets.setdefault(step, {})
        if (known := told.get(point.index)) is not None and known.value == value:
            return
        told[point.index] = replace(point, value=value)
        kept = self.memory.bounded(list(told.values()))
        if len(kept) < len(told):
            self.budgets[step] = {one.index: one for one in kept}
        self.study = None
