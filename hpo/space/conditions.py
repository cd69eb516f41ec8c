"""`when:` of conditional parameters: names and values → which parameters a configuration has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice
from typing import Any, Protocol

from hpo.errors import suggest
from hpo.space.distribution import Distribution
from hpo.space.values import value_key

Path = tuple[str, ...]
FAULTS = 20
"""So many are told of one space."""
When = tuple[tuple[Path, Mapping[str, Any]], ...]
"""The `when` mappings that a parameter stands under, its own last: where each was written, what it says."""


class Conditioned(Protocol):
    """What conditions need to know of a parameter."""

    @property
    def path(self) -> Path:
        """Where it stands."""

    @property
    def distribution(self) -> Distribution:
        """Its values."""

    @property
    def when(self) -> When:
        """What must hold for it to be there."""


@dataclass(frozen=True)
class Entry:
    """A parameter or nested block of a tree that carries a `when`."""

    content: Any
    when: Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """A condition of a parameter: another one, by its place among the leaves, has one of `values`."""

    other: int
    values: tuple[Any, ...] = field(compare=False)
    keys: frozenset[object]

    def holds(self, value: Any) -> bool:
        """Whether `value` is one of those."""
        return value_key(value) in self.keys


@dataclass(frozen=True)
class ConditionFault:
    """What is wrong with one name of a `when`: whose (a leaf or a block), which name, what, the remedy."""

    path: Path
    name: str
    message: str
    hint: str


class ConditionError(ValueError):
    """A `when` that cannot be understood; carries its fault."""

    def __init__(self, fault: ConditionFault) -> None:
        super().__init__(f"'{'.'.join(fault.path)}': {fault.message}; {fault.hint}")
        self.fault = fault


def resolve(leaves: Sequence[Conditioned]) -> tuple[tuple[Condition, ...], ...]:
    """The conditions of each leaf; raises ConditionError for the first fault."""
    for fault in faults(leaves):
        raise ConditionError(fault)
    index = _Index.of(leaves)
    return tuple(tuple(c for c in _of(leaf, leaves, index) if isinstance(c, Condition)) for leaf in leaves)


def faults(leaves: Sequence[Conditioned]) -> Iterator[ConditionFault]:
    """What is wrong with the conditions of a space, each thing once, up to FAULTS."""
    index = _Index.of(leaves)
    links: list[list[int]] = [[] for _ in leaves]
    told: dict[ConditionFault, None] = {}
    for place, leaf in enumerate(leaves):
        for found in _of(leaf, leaves, index):
            if isinstance(found, Condition):
                links[place].append(found.other)
            elif len(told) < FAULTS:
                told[found] = None
            else:
                break
    yield from told
    if not told:
        for circle in islice(_circles(links), FAULTS):
            names = " → ".join(".".join(leaves[place].path) for place in (*circle, circle[0]))
            path, raw = leaves[circle[0]].when[-1]
            hint = "one of them must be there without the others"
            yield ConditionFault(path, str(next(iter(raw), "")), f"the conditions go round: {names}", hint)


def in_order(conditions: Sequence[Sequence[Condition]]) -> list[int]:
    """Places of the leaves, each after those that it depends on, otherwise as they stand."""
    return _sorted([[c.other for c in found] for found in conditions])


def _sorted(links: Sequence[Sequence[int]]) -> list[int]:
    """Places, each after those that it links to; those of circles and what links to them are left out."""
    waits = [len(set(others)) for others in links]
    after: list[list[int]] = [[] for _ in links]
    for place, others in enumerate(links):
        for other in set(others):
            after[other].append(place)
    ready = [place for place, number in enumerate(waits) if not number]
    order: list[int] = []
    while ready:
        order.append(heappop(ready))
        for place in after[order[-1]]:
            waits[place] -= 1
            if not waits[place]:
                heappush(ready, place)
    return order


@dataclass(frozen=True)
class _Index:
    """Where each leaf is among the others, by path and by dotted name; the first of two alike."""

    paths: Mapping[Path, int]
    names: Mapping[str, int]

    @classmethod
    def of(cls, leaves: Sequence[Conditioned]) -> _Index:
        places = [(leaf.path, place) for place, leaf in enumerate(leaves)][::-1]
        return cls(dict(places), {".".join(path): place for path, place in places})

    def find(self, name: str, path: Path) -> int | None:
        """A parameter of the same block, else of an outer one, by its key; else by its whole dotted name."""
        beside = ((*path[:depth], name) for depth in range(len(path) - 1, -1, -1))
        return next((self.paths[one] for one in beside if one in self.paths), self.names.get(name))


def _of(
    leaf: Conditioned, leaves: Sequence[Conditioned], index: _Index
) -> Iterator[Condition | ConditionFault]:
    for path, raw in leaf.when:
        for name, wanted in raw.items():
            other = index.find(str(name), path)
            if other is None:
                names = (".".join(one.path) for one in leaves if one.path[: len(path)] != path)
                yield ConditionFault(
                    path, str(name), f"no parameter is called '{name}'", suggest(name, names)
                )
            elif leaves[other].path[: len(path)] == path:
                yield ConditionFault(path, str(name), "it depends on itself", "name another parameter")
            else:
                yield _condition(path, str(name), wanted, other, leaves[other].distribution)


def _condition(
    path: Path, name: str, wanted: Any, other: int, distribution: Distribution
) -> Condition | ConditionFault:
    if distribution.levels() is None:
        message = f"'{name}' is {distribution.name}: no single value of it can be waited for"
        return ConditionFault(path, name, message, "name one with `values:` or integer bounds")
    values, fault = _accepted(wanted, distribution)
    if fault or not values:
        listed = "" if distribution.support() is not None else _listed(distribution)
        message = fault or "the list is empty"
        return ConditionFault(path, name, message, listed or "write a value that it can take")
    return Condition(other, values, frozenset(map(value_key, values)))


def _accepted(wanted: Any, distribution: Distribution) -> tuple[tuple[Any, ...], str]:
    """What is waited for: the value itself where it is one, else each entry of the list."""
    try:
        return (distribution.accept(wanted),), ""
    except ValueError as error:
        if not isinstance(wanted, list):
            return (), str(error)
    try:
        return tuple(distribution.accept(value) for value in wanted), ""
    except ValueError as error:
        return (), str(error)


def _listed(distribution: Distribution) -> str:
    values: Sequence[Any] = distribution.grid() or distribution.model_dump().get("values", ())
    return f"it can be {', '.join(map(str, values[:8]))}"


def _circles(links: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Circles of dependencies, each from its first member on; what leads to one is left out."""
    left = set(range(len(links))).difference(_sorted(links))  # each of them links to another of them
    seen: set[int] = set()
    for start in sorted(left):
        trail: dict[int, int] = {}
        place = start
        while place not in trail and place not in seen:
            trail[place] = len(trail)
            place = next(other for other in links[place] if other in left)
        if place in trail:
            yield list(trail)[trail[place] :]
        seen.update(trail)
