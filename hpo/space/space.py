"""The search space: nested parameters → configurations by seed, by unit cube, and back."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpo.space.conditions import Condition, Entry, Path, When, in_order, resolve
from hpo.space.distribution import Distribution


@dataclass(frozen=True)
class Leaf:
    """One parameter: where it stands in the configuration, its distribution, when it is there at all."""

    path: Path
    distribution: Distribution
    when: When = ()

    @property
    def name(self) -> str:
        """The path joined with dots, for people; a key that holds dots itself stays one key in `path`."""
        return ".".join(self.path)


@dataclass(frozen=True)
class SearchSpace:
    """All parameters in W&B's order: by name, at each level of nesting, upper case before lower case.

    A parameter whose `when` does not hold is inactive: it has a place in the unit cube, and none in the
    configuration.
    """

    leaves: tuple[Leaf, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> SearchSpace:
        """From a tree of distributions and mappings; an `Entry` around either says when it is there."""
        return cls(tuple(_walk(parameters, (), ())))

    @cached_property
    def searched(self) -> tuple[Leaf, ...]:
        """The parameters that can take more than one value: the axes of the unit cube."""
        return tuple(leaf for leaf in self.leaves if leaf.distribution.levels() != 1)

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """Places of the searched parameters among the leaves."""
        return tuple(n for n, leaf in enumerate(self.leaves) if leaf.distribution.levels() != 1)

    @cached_property
    def by_path(self) -> Mapping[Path, int]:
        """Path → place among the leaves, the first where two are written alike."""
        return {self.leaves[n].path: n for n in reversed(range(len(self.leaves)))}

    @cached_property
    def by_name(self) -> Mapping[str, int]:
        """Dotted name → place among the leaves, the first where two are written alike."""
        return {self.leaves[n].name: n for n in reversed(range(len(self.leaves)))}

    @cached_property
    def blocks(self) -> frozenset[Path]:
        """The paths of nested blocks."""
        return frozenset(leaf.path[:depth] for leaf in self.leaves for depth in range(1, len(leaf.path)))

    def point(self, seed: int, index: int) -> list[float]:
        """The random point number `index` (from 0) of the unit cube in the sequence that `seed` starts.

        Each index has a generator of its own, so that a run can go on anywhere in the sequence.
        """
        generator = random.Random(f"hpo:{seed}:{index}")  # text seeds give the same numbers everywhere
        return [generator.random() for _ in self.searched]

    def sample(self, seed: int, index: int) -> dict[str, Any]:
        """The random configuration number `index`: what is at `point(seed, index)`."""
        return self.decode(self.point(seed, index))

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """The configuration at a point of the unit cube; its axes are `searched`, in that order."""
        drawn = [leaf.distribution.draw(u) for leaf, u in zip(self.searched, point, strict=True)]
        return self.assemble(drawn)

    def assemble(self, searched: Iterable[Any]) -> dict[str, Any]:
        """One value for each searched parameter, in order → the configuration, fixed parameters included.

        Values of inactive parameters are passed over.
        """
        drawn = iter(searched)
        values = [
            leaf.distribution.draw(0.5) if leaf.distribution.levels() == 1 else next(drawn)
            for leaf in self.leaves
        ]
        return self.nest(values, self.active(values))

    @cached_property
    def conditions(self) -> tuple[tuple[Condition, ...], ...]:
        """What must hold for each leaf to be there; raises ConditionError where that cannot be told."""
        return resolve(self.leaves)

    @cached_property
    def order(self) -> list[int]:
        """Places of the leaves, each after those that its conditions name."""
        return in_order(self.conditions)

    @cached_property
    def conditional(self) -> bool:
        """Whether some parameter is not always there."""
        return any(leaf.when for leaf in self.leaves)

    def active(self, values: Sequence[Any]) -> list[bool]:
        """Which leaves are there, for one value a leaf; what depends on an absent parameter is absent too."""
        there = [True] * len(self.leaves)
        for place in self.order if self.conditional else ():
            conditions = self.conditions[place]
            there[place] = all(there[c.other] and c.holds(values[c.other]) for c in conditions)
        return there

    def encode(self, config: Mapping[str, Any]) -> list[float]:
        """The place of a configuration in the unit cube; inactive parameters are in the middle.

        Raises KeyError or ValueError, with the reason, if it does not fit.
        """
        values = self.values(config)
        there = self.active(values)
        return [
            self.leaves[place].distribution.locate(values[place]) if there[place] else 0.5
            for place in self.axes
        ]

    def values(self, config: Mapping[str, Any]) -> list[Any]:
        """A configuration's value for each leaf, None where it is inactive.

        Raises KeyError for a value that is missing, ValueError for one that cannot be or should be absent.
        """
        values: list[Any] = [None] * len(self.leaves)
        there = [False] * len(self.leaves)
        for place in self.order if self.conditional else range(len(self.leaves)):
            leaf, conditions = self.leaves[place], self.conditions[place]
            there[place] = all(there[c.other] and c.holds(values[c.other]) for c in conditions)
            try:
                value = self.value(config, leaf)
            except (KeyError, TypeError):
                if there[place]:
                    raise KeyError(leaf.name) from None
                continue
            if not there[place]:
                raise ValueError(f"'{leaf.name}' is there, and its condition does not hold")
            try:
                values[place] = leaf.distribution.accept(value)
            except ValueError as error:
                raise ValueError(f"'{leaf.name}': {error}") from None
        return values

    @staticmethod
    def value(config: Mapping[str, Any], leaf: Leaf) -> Any:
        """What `config` holds for `leaf`; raises KeyError where it holds nothing."""
        value: Any = config
        for key in leaf.path:
            value = value[key]
        return value

    def nest(self, values: Iterable[Any], active: Iterable[bool] | None = None) -> dict[str, Any]:
        """One value for each leaf, in order → the configuration as the script sees it, of active leaves."""
        config: dict[str, Any] = {}
        there = [True] * len(self.leaves) if active is None else active
        for leaf, value, kept in zip(self.leaves, values, there, strict=True):
            if not kept:
                continue
            branch = config
            for key in leaf.path[:-1]:
                branch = branch.setdefault(key, {})
            branch[leaf.path[-1]] = value
        return config


def _walk(parameters: Mapping[str, Any], prefix: Path, when: When) -> Iterator[Leaf]:
    for key in sorted(parameters):
        entry, path, above = parameters[key], (*prefix, key), when
        if isinstance(entry, Entry):
            above = (*when, (path, entry.when))
            entry = entry.content
        if isinstance(entry, Mapping):
            yield from _walk(entry, path, above)
        else:
            yield Leaf(path, entry, above)
