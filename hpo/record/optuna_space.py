"""Parameters of a recorded sweep → Optuna's distributions over the values themselves, as people see them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from hpo.record.columns import as_json
from hpo.record.flat import ABSENT, Path, dotted, lookup, parameter_paths
from hpo.record.trials import RunRecord
from hpo.space.categories import Categorical
from hpo.space.distribution import Distribution, Quantised
from hpo.space.ranges import IntUniform
from hpo.space.values import distinct, value_key
from hpo.sweepfile.load import read_sweep

TAIL = 3.17e-5
"""Share beyond four standard deviations: where an unbounded distribution ends for Optuna."""
EXACT = 2**53
"""Optuna keeps integers as floats, which are exact up to here."""
MOST_LEVELS = 1_000_000
"""Steps of a range beyond which Optuna no longer finds its own values on them."""


@dataclass(frozen=True)
class Shown:
    """How Optuna is shown a parameter: its name, its distribution, and its values."""

    name: str
    path: Path
    distribution: BaseDistribution
    value: Callable[[Any], Any]


def shown(record: RunRecord) -> tuple[list[Shown], dict[str, Any]]:
    """The parameters that vary, and the values of those that do not.

    Bounds are those of the sweep, and reach as far as values that trials had: a population may leave them.
    Without a readable search space they are those of the values alone.
    """
    known = _distributions(record)
    configs = [trial.config for trial in record.trials]
    paths = parameter_paths(record.sweep, configs)
    varied, constants = [], {}
    for path, name in zip(paths, dotted(paths), strict=True):
        values = [value for config in configs if (value := lookup(config, path)) is not ABSENT]
        distribution = known.get(path)
        different = distinct(values)
        fixed = distribution is None or distribution.levels() == 1
        if fixed and len(different) <= 1:
            constants.update({name: different[0]} if different else {})
        else:
            varied.append(Shown(name, path, *_axis(None if fixed else distribution, values)))
    return varied, constants


def _distributions(record: RunRecord) -> dict[Path, Distribution]:
    """Each parameter's, from the sweep; nothing where it cannot be read (any more)."""
    sweep = read_sweep({"method": "random", "parameters": record.sweep.get("parameters")}).sweep
    return {leaf.path: leaf.distribution for leaf in sweep.space.leaves} if sweep else {}


Axis = tuple[BaseDistribution, Callable[[Any], Any]]


def _axis(distribution: Distribution | None, values: Sequence[Any]) -> Axis:
    if isinstance(distribution, Categorical):
        return _choices([*distribution.values, *values])
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return _choices(values)
    if distribution is None:
        whole = all(type(value) is int and abs(value) <= EXACT for value in values)
        kind: Any = IntDistribution if whole else FloatDistribution
        return kind(min(values), max(values)), int if whole else float
    return _range(distribution, values)


def _range(distribution: Distribution, values: Sequence[Any]) -> Axis:
    step = distribution.q if isinstance(distribution, Quantised) else None
    ends = [*_ends(distribution), *values]
    low, high = min(ends), max(ends)
    log = distribution.log_scaled and low > 0
    whole = isinstance(distribution, IntUniform) or isinstance(step, int)
    exact = all(abs(end) <= EXACT and float(end).is_integer() for end in ends)
    if whole and exact and (not log or step in (None, 1)):
        on_grid = not step or all((end - low) % step == 0 for end in ends)
        width = int(step) if step and on_grid else 1
        return IntDistribution(int(low), int(high), log=log, step=width), int
    stepped = step and not log and high - low <= step * MOST_LEVELS
    if not step or not stepped or not all(_near(end, step) for end in ends):
        return FloatDistribution(float(low), float(high), log=log), float
    return _stepped(low, high, step)


def _stepped(low: float, high: float, step: float) -> Axis:
    """On multiples of the step as decimals have them: Optuna judges by these, not by sums of floats."""

    def neat(value: float) -> float:
        return float(round(value / step) * Decimal(str(step)))

    return FloatDistribution(neat(low), neat(high), step=step), neat


def _near(value: float, step: float) -> bool:
    steps = value / step
    return math.isfinite(steps) and abs(steps - round(steps)) < 1e-6


def _ends(distribution: Distribution) -> tuple[Any, Any]:
    low, high = distribution.support() or (-math.inf, math.inf)
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    return distribution.draw(TAIL), distribution.draw(1 - TAIL)


def _choices(values: Sequence[Any]) -> Axis:
    """Lists and mappings are JSON text; so are all where two would look the same to Optuna, as 1 and True."""
    different = distinct(values)
    plain = [as_json(value) if isinstance(value, (list, dict)) else value for value in different]
    if len(set(plain)) < len(plain):
        plain = [as_json(value) for value in different]
    table = {value_key(value): text for value, text in zip(different, plain, strict=True)}
    return CategoricalDistribution(plain), lambda value: table[value_key(value)]
