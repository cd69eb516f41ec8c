"""A configuration → a near one: each mutated hyperparameter stays within its support and keeps its type."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from hpo.space.categories import Categorical
from hpo.space.conditions import Path
from hpo.space.distribution import Distribution, Quantised, rounded
from hpo.space.ranges import IntUniform
from hpo.space.space import Leaf, SearchSpace
from hpo.space.values import distinct, value_key
from hpo.sweepfile.population import Mutation


def perturbed(
    config: Mapping[str, Any],
    space: SearchSpace,
    mutate: Mapping[str, Mutation],
    resample: float,
    draw: Random,
) -> dict[str, Any]:
    """A copy in which each hyperparameter of `mutate` has taken a step or is drawn afresh; all else stays."""
    changes = {}
    for leaf, value in mutated(config, space, mutate):
        mutation = mutate[leaf.name]
        share = resample if mutation.resample is None else mutation.resample
        afresh = draw.random() < share
        changes[leaf.path] = (
            leaf.distribution.draw(draw.random())
            if afresh
            else step(leaf.distribution, value, mutation, draw)
        )
    return replaced(config, changes)


def mutated(
    config: Mapping[str, Any], space: SearchSpace, mutate: Mapping[str, Any]
) -> Iterator[tuple[Leaf, Any]]:
    """The parameters that may change, with their values; one that the configuration has not is left out."""
    for leaf in space.leaves:
        if leaf.name in mutate:
            try:
                yield leaf, space.value(config, leaf)
            except (KeyError, TypeError):
                continue


def replaced(config: Mapping[str, Any], changes: Mapping[Path, Any]) -> dict[str, Any]:
    """A deep copy with other values, by their places."""
    changed = copy.deepcopy(dict(config))
    for path, value in changes.items():
        branch = changed
        for key in path[:-1]:
            branch = branch[key]
        branch[path[-1]] = copy.deepcopy(value)
    return changed


def step(distribution: Distribution, value: Any, mutation: Mutation, draw: Random) -> Any:
    """One step away from a value: a number times a factor, a category's neighbour."""
    if isinstance(distribution, Categorical):
        return _neighbour(distribution, value, mutation, draw)
    factor = draw.choice(mutation.factors)
    if value == 0:  # no factor moves it
        return distribution.draw(draw.random())
    return _scaled(distribution, value, factor)


def _scaled(d: Distribution, value: Any, factor: float) -> Any:
    """`value · factor` on the distribution's grid, at least one place away, within the support."""
    target = value * factor
    low, high = d.support() or (-float("inf"), float("inf"))
    if isinstance(d, (Quantised, IntUniform)):
        q = d.q if isinstance(d, Quantised) else 1
        place = rounded(target, q)
        if place == rounded(value, q) and target != value:
            place = rounded(value + (q if target > value else -q), q)
        kept = min(max(place, low), high)
        return int(kept) if isinstance(q, int) else float(kept)
    return float(min(max(target, low), high))


def _neighbour(d: Categorical, value: Any, mutation: Mutation, draw: Random) -> Any:
    choices = distinct(d.values)
    ordered = _monotonic(choices) if mutation.ordered is None else mutation.ordered
    if not ordered:
        return d.draw(draw.random())
    at = [value_key(choice) for choice in choices].index(value_key(value))
    near = [i for i in (at - 1, at + 1) if 0 <= i < len(choices)]
    return choices[draw.choice(near)] if near else value


def _monotonic(choices: list[Any]) -> bool:
    numbers = all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in choices)
    return numbers and (choices in (sorted(choices), sorted(choices, reverse=True)))
