"""Points and their values → an Optuna study that is asked for the next one."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from hpo.space.cells import Cells
from hpo.space.start import Start
from hpo.tune.axes import Axes
from hpo.tune.history import Point, stand_in

Absent = Literal["dropped", "centred", "kept"]
"""What a sampler sees of an inactive parameter: nothing, always the same place, or any place."""
MARKS = ("cma", "sepcma", "x_for_tell")
"""What CMA-ES notes on trials: its state, without which it would begin anew."""


@dataclass(frozen=True)
class Asked:
    """What a sampler wants: its trial in the study, where that is, what is noted on it, what it runs with."""

    trial: Trial
    params: dict[str, Any]
    marks: dict[str, Any]
    config: dict[str, Any]


class Study:
    """An Optuna study in memory over a search space, made from points that are finished or still run."""

    def __init__(
        self,
        axes: Axes,
        start: Start,
        absent: Absent,
        points: Iterable[Point] = (),
        objectives: int = 1,
        cells: Cells | None = None,
    ) -> None:
        """`cells` says where points are that have a number there and nothing else."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.axes, self.start, self.absent, self.cells = axes, start, absent, cells
        self.study = optuna.create_study(directions=["minimize"] * objectives)
        for point in points:
            self.add(point)

    def add(self, point: Point, value: float | None = None) -> None:
        """Make a point known: finished where it has a value, here or there, else running."""
        value = point.value if value is None else value
        point.number = len(self.study.get_trials(deepcopy=False))
        self.study.add_trial(self.frozen(point, value))

    def frozen(self, point: Point, value: float | None, names: Container[str] | None = None) -> Any:
        """A point as a trial of Optuna's, of `names` only where these are given."""
        if point.params is None:
            if self.cells is None or point.cell is None:
                config = self.start.config(point.index)
            else:
                config = self.cells[point.cell]
            point.params = self.axes.placed(config, self.start, point.index)
        seen = self.seen(point.params)
        params = {name: number for name, number in seen.items() if names is None or name in names}
        return optuna.trial.create_trial(
            state=TrialState.RUNNING if value is None else TrialState.COMPLETE,
            params=params,
            distributions={name: self.axes.distributions[name] for name in params},
            system_attrs=point.marks,
            values=None if value is None else list(point.values or (value,)),
        )

    def seen(self, params: dict[str, Any]) -> dict[str, Any]:
        """What the sampler sees of a point."""
        if self.absent == "kept" or not self.axes.space.conditional:
            return params
        there = self.axes.active(params)
        if self.absent == "dropped":
            return {name: number for name, number in params.items() if there[name]}
        return {name: x if there[name] else self.axes.middle[name] for name, x in params.items()}

    def ask(self, sampler: BaseSampler) -> Asked:
        """What `sampler` wants next; `settle` or `drop` is to follow."""
        self.study.sampler = sampler
        trial = self.study.ask()
        params: dict[str, Any] = {}
        for level in self.axes.levels:
            there = self.axes.active(params)
            for name in level:
                if there[name] or self.absent != "dropped":
                    params[name] = self._suggest(trial, name)
        params = {name: params[name] for name in self.axes.axes if name in params}
        attributes = self.study.get_trials(deepcopy=False)[trial.number].system_attrs
        marks = {key: value for key, value in attributes.items() if key.startswith(MARKS)}
        return Asked(trial, params, marks, self.axes.config(params))

    def drop(self, asked: Asked) -> None:
        """It is not to be run."""
        self.study.tell(asked.trial, state=TrialState.FAIL)

    def settle(self, index: int, asked: Asked, config: Mapping[str, Any], *, as_sampled: bool) -> Point:
        """Suggestion number `index`, a running point from now on: `config`, which may be another than asked.

        The point is where its configuration is, unless it is to stay `as_sampled`.
        """
        replaced = config is not asked.config
        marks = stand_in(asked.marks) if replaced else asked.marks
        point = Point(index, asked.params, marks=marks, number=asked.trial.number)
        if replaced or not as_sampled:
            point.params = self.seen(self.axes.placed(config, self.start, index))
        if replaced or point.params != asked.params:
            self.drop(asked)
            self.add(point)
        return point

    def tell(self, point: Point) -> None:
        """A running point has ended; without a value it tells nothing."""
        state = TrialState.FAIL if point.value is None else TrialState.COMPLETE
        self.study.tell(point.number, list(point.values) or point.value, state=state)

    def _suggest(self, trial: Trial, name: str) -> Any:
        match self.axes.distributions[name]:
            case CategoricalDistribution(choices=choices):
                return trial.suggest_categorical(name, choices)
            case IntDistribution(low=low, high=high):
                return trial.suggest_int(name, low, high)
            case FloatDistribution(low=low, high=high, log=log):
                return trial.suggest_float(name, low, high, log=log)
        raise AssertionError(name)
