"""A searcher that asks one of Optuna's samplers; which one is a subclass's matter."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from hpo.space.cells import identity
from hpo.space.space import SearchSpace
from hpo.sweepfile.search import Search
from hpo.tune.earlier import Earlier
from hpo.tune.history import Memory, Point, Worth
from hpo.tune.searcher import BEST, END, SpaceSearcher

if TYPE_CHECKING:
    from hpo.tune.axes import Axes
    from hpo.tune.study import Absent, Study


class ModelSearcher(SpaceSearcher):
    """A sampler of Optuna's, asked and told; the first suggestions are given or random.

    A trial's value is its best so far (or last, by `use`). A trial that failed or gave no number is told as
    the worst value seen, W&B's `impute: worst`. With several
    objectives (`goals`), its values are the last ones.

    A suggestion follows from the seed, its place in the sequence and the values told before it, and from
    nothing else: a copy that was told the same goes on alike, and so does one that took over the record
    (`resumed`). In place of one that was tried the sampler is asked for another (`asks`), the last of which
    gives way to one near it. The sampler sees the finished trials that say
    most (`memory`), so that a suggestion costs the same however many there were. Optuna is loaded with the
    first suggestion after the beginning.
    """

    costly = True
    beginning: ClassVar[int] = 10
    """Random suggestions before the first model, unless `hpo.search.startup` says otherwise."""
    memory: Memory = Memory()
    absent: ClassVar[Absent] = "dropped"
    asks: ClassVar[int] = 5
    """How often the sampler is asked for a point that was not tried."""
    as_sampled: ClassVar[bool] = False
    """Whether the sampler is to see its points where it put them, not where their configurations are."""
    unique = True

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        metric: str | None,
        mode: str,
        use: str = "best",
        options: Search | None = None,
        goals: Mapping[str, str] | None = None,
        allow_duplicates: bool = False,
    ) -> None:
        """`goals`: name → goal of each objective where there are several; `metric` is the first."""
        super().__init__(
            space, seed=seed, metric=metric, mode=mode, options=options, allow_duplicates=allow_duplicates
        )
        self.use = use
        self.sign = 1.0 if mode == "min" else -1.0
        own = self.options.startup
        self.signs = {name: -1.0 if goal == "maximize" else 1.0 for name, goal in (goals or {}).items()}
        self.startup = max(self.beginning if own is None else own, len(self.options.points))
        """So many suggestions need no model."""
        self.running: dict[str, Point] = {}
        self.history: list[Point] = []
        self.best: dict[str, float] = {}
        self.worst: Worth | None = None
        self.study: Study | None = None
        self.learned = 0
        """How many ended trials it knows of."""
        self._axes: Axes | None = None

    def sampler(self, seed: int, index: int, axes: Axes) -> Any:
        """The Optuna sampler that makes suggestion `index`; each has a `seed` of its own."""
        raise NotImplementedError

    def propose(self, trial_id: str, index: int) -> Any:
        """A point of the beginning at first, then what the sampler makes of the finished trials."""
        if self.unmodelled(index):
            config = self.drawn(index)
            self.enter(trial_id, Point(index, cell=self.cell(config)))
        else:
            point, config = self._modelled(index)
            point.cell = self.cell(config)
            self.running[trial_id] = point
        return config

    def _modelled(self, index: int) -> tuple[Point, dict[str, Any]]:
        """The sampler's suggestion number `index`, or one in place of it that was not tried."""
        study, tried = self.prepare(), self.tried
        if tried is not None and tried.exhausted:
            tried = None
        made = study.ask(self._sampler(index, 0, study.axes))
        for attempt in range(1, self.asks):
            if tried is None or tried.cells.number(made.config) not in tried:
                break
            study.drop(made)
            made = study.ask(self._sampler(index, attempt, study.axes))
        config = made.config
        if tried is not None and tried.cells.number(config) in tried:
            config = tried.near(config, f"hpo:near:{self.seed}:{index}")
        return study.settle(index, made, config, as_sampled=self.as_sampled), config

    def _sampler(self, index: int, attempt: int, axes: Axes) -> Any:
        again = f":{attempt}" if attempt else ""
        seed = random.Random(f"hpo:model:{self.seed}:{index}{again}").getrandbits(32)
        return self.sampler(seed, index, axes)

    def enter(self, trial_id: str, point: Point) -> None:
        """A suggestion that was not made by the study runs from now on."""
        self.running[trial_id] = point
        if self.study is not None:
            self.study.add(point)

    def unmodelled(self, index: int) -> bool:
        """Whether suggestion `index` is made without the model."""
        return index < self.startup

    def adopt(self, trial_id: str, point: Point) -> None:
        """Take over the next suggestion, made by a copy of this searcher that was told the same."""
        self.enter(trial_id, Point(point.index, point.params, marks=point.marks, cell=point.cell))
        self.announce()
        self.count(point.cell)

    def resumed(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Take over the next suggestion from the record: the trial runs, until it is told how it ended."""
        index, cell = self.suggested, self.cell(config)
        point = Point(index, cell=cell)
        if cell is None and not self.same(self.start.config(index), config):
            point.params = self.axes.placed(config, self.start, index)
        self.enter(trial_id, point)
        self.count(cell)

    def same(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Whether two configurations are the same point."""
        return identity(self.space, one) == identity(self.space, other)

    def withdraw(self, trial_id: str) -> None:
        """Forget the newest suggestion: no trial was made of it."""
        self.count(self.running.pop(trial_id).cell, -1)
        self.study = None

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Follow a trial's best value."""
        value = self.number(result)
        if value is not None:
            self.best[trial_id] = min(self.best.get(trial_id, math.inf), value)

    def number(self, result: dict[str, Any]) -> float | None:
        """A result's value, the smaller the better; None where it has no finite one."""
        value = result.get(BEST, result.get(self.metric))
        return self.sign * value if isinstance(value, (int, float)) and math.isfinite(value) else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the sampler how a trial ended; unknown trials and repeats are passed over."""
        if trial_id in self.running:
            self.learn(trial_id, self.worth(trial_id, result, error))

    def worth(self, trial_id: str, result: dict[str, Any] | None, error: bool) -> Worth | None:
        """What the sampler is to be told of a trial that ended, smaller is better; None: nothing."""
        end = (result or {}).get(END) or {}
        error = error or end.get("state") == "failed"
        if self.signs:
            self.best.pop(trial_id, None)
            return self._each({**(result or {}), **(end.get("values") or {})}, error)
        if result and not error:
            self.on_trial_result(trial_id, result)
        value = self.best.pop(trial_id, None)
        last: Any = (result or {}).get(self.metric)
        latest = self.use == "last" and isinstance(last, (int, float)) and math.isfinite(last)
        if latest and value is not None:
            value = self.sign * last
        if error or value is None:
            return self.worst
        self._note_worst(value)
        return value

    def _each(self, result: Mapping[str, Any], error: bool) -> Worth | None:
        """The value of each objective; the worst seen of each where one is missing."""
        told = [result.get(name) for name in self.signs]
        found = [float(x) for x in told if isinstance(x, (int, float)) and math.isfinite(x)]
        if error or len(found) < len(told):
            return self.worst
        values = tuple(sign * value for sign, value in zip(self.signs.values(), found, strict=True))
        self._note_worst(values)
        return values

    def _note_worst(self, worth: Worth) -> None:
        if self.worst is None:
            self.worst = worth
        elif isinstance(worth, tuple) and isinstance(self.worst, tuple):
            self.worst = tuple(map(max, self.worst, worth))
        else:
            self.worst = max(self.worst, worth)

    def learn(self, trial_id: str, value: Worth | None) -> None:
        """Take in a suggestion's value, smaller is better; with None it is forgotten."""
        self.learned += 1
        point = self.running.pop(trial_id)
        point.tell(value)
        if self.study is not None:
            self.study.tell(point)
        if value is not None:
            self.keep(point)

    def observation(self, trial_id: str, result: dict[str, Any]) -> tuple[float, int] | None:
        """What a running trial's result tells a model that knows of iterations: value and iteration."""
        return None

    def observe(self, trial_id: str, value: float, step: int) -> None:
        """Take in what `observation` made of a result."""

    def keep(self, point: Point) -> None:
        """Put a finished point into the history."""
        self.history.append(point)
        kept = self.memory.bounded(self.history)
        if kept is not self.history:
            self.history, self.study = kept, None

    def recall(self, trials: list[Earlier]) -> bool:
        """Earlier trials come before the first of this run, and stand for as many of its random ones."""
        for number, trial in enumerate(trials):
            point = Point(number - len(trials), self.axes.locate(trial.config))
            worth: Worth = self.sign * trial.value
            if self.signs:
                worth = tuple(self.signs[name] * trial.values[name] for name in self.signs)
            self._note_worst(worth)
            point.tell(worth)
            self.keep(point)
        self.startup = max(self.startup - len(trials), len(self.options.points))
        return True

    @property
    def axes(self) -> Axes:
        """The space as Optuna sees it."""
        if self._axes is None:
            from hpo.tune.axes import Axes

            self._axes = Axes(self.space)
        return self._axes

    def prepare(self) -> Study:
        """Make all that a suggestion needs beforehand: load Optuna, tell it what is known."""
        if self.study is None:
            from hpo.tune.study import Study

            cells = None if self.tried is None else self.tried.cells
            known = sorted(self.known(), key=lambda point: point.index)
            self.study = Study(self.axes, self.start, self.absent, known, len(self.signs) or 1, cells)
        return self.study

    def known(self) -> list[Point]:
        """What the sampler sees, in whatever order: finished and running points."""
        return [*self.history, *self.running.values()]

    def __getstate__(self) -> dict[str, Any]:
        """A copy makes a study of its own."""
        return {**self.__dict__, "study": None, "_axes": None}
