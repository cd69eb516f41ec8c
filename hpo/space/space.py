"""The search space: nested parameters → configurations by seed, by unit cube, and back."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpo.space.distribution import Distribution

Path = tuple[str, ...]


@dataclass(frozen=True)
class Leaf:
    """One parameter: where it stands in the configuration, and its distribution."""

    path: Path
    distribution: Distribution

    @property
    def name(self) -> str:
        """The path joined with dots, for people; a key that holds dots itself stays one key in `path`."""
        return ".".join(self.path)


@dataclass(frozen=True)
class SearchSpace:
    """All parameters in W&B's order: by name, at each level of nesting, upper case before lower case."""

    leaves: tuple[Leaf, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> SearchSpace:
        """From a tree whose leaves are distributions and whose branches are mappings."""
        return cls(tuple(_walk(parameters, ())))

    @cached_property
    def searched(self) -> tuple[Leaf, ...]:
        """The parameters that can take more than one value: the axes of the unit cube."""
        return tuple(leaf for leaf in self.leaves if leaf.distribution.levels() != 1)

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
        """One value for each searched parameter, in order → the configuration, fixed parameters included."""
        values = iter(searched)
        return self.nest(
            leaf.distribution.draw(0.5) if leaf.distribution.levels() == 1 else next(values)
            for leaf in self.leaves
        )

    def encode(self, config: Mapping[str, Any]) -> list[float]:
        """The CDF of each searched parameter's value; raises KeyError or ValueError if it does not fit."""
        return [leaf.distribution.cdf(self.value(config, leaf)) for leaf in self.searched]

    @staticmethod
    def value(config: Mapping[str, Any], leaf: Leaf) -> Any:
        """What `config` holds for `leaf`; raises KeyError where it holds nothing."""
        value: Any = config
        for key in leaf.path:
            value = value[key]
        return value

    def nest(self, values: Iterable[Any]) -> dict[str, Any]:
        """One value for each leaf, in order → the configuration as the script sees it."""
        config: dict[str, Any] = {}
        for leaf, value in zip(self.leaves, values, strict=True):
            branch = config
            for key in leaf.path[:-1]:
                branch = branch.setdefault(key, {})
            branch[leaf.path[-1]] = value
        return config


def _walk(parameters: Mapping[str, Any], prefix: Path) -> Iterator[Leaf]:
    for key in sorted(parameters):
        entry = parameters[key]
        if isinstance(entry, Mapping):
            yield from _walk(entry, (*prefix, key))
        else:
            yield Leaf((*prefix, key), entry)
