"""`when:` of conditional parameters: names and values → which parameters a configuration has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hpo.errors import suggest
from hpo.space.distribution import Distribution
from hpo.space.values import value_key

Path = tuple[str, ...]
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
    return tuple(tuple(c for c in _of(leaf, leaves) if isinstance(c, Condition)) for leaf in leaves)


def faults(leaves: Sequence[Conditioned]) -> Iterator[ConditionFault]:
    """All that is wrong with the conditions of a space, each thing once."""
    found = [list(_of(leaf, leaves)) for leaf in leaves]
    told = dict.fromkeys(c for entries in found for c in entries if isinstance(c, ConditionFault))
    yield from told
    if not told:
        links = [[c.other for c in entries if isinstance(c, Condition)] for entries in found]
        for circle in _circles(links):
            names = " → ".join(".".join(leaves[place].path) for place in (*circle, circle[0]))
            path, raw = leaves[circle[0]].when[-1]
            hint = "one of them must be there without the others"
            yield ConditionFault(path, str(next(iter(raw), "")), f"the conditions go round: {names}", hint)


def in_order(conditions: Sequence[Sequence[Condition]]) -> list[int]:
    """Places of the leaves, each after those that it depends on, otherwise as they stand."""
    order: list[int] = []
    pending = list(range(len(conditions)))
    while pending:
        ready = next(i for i in pending if all(c.other in order for c in conditions[i]))
        order.append(ready)
        pending.remove(ready)
    return order


def _of(leaf: Conditioned, leaves: Sequence[Conditioned]) -> Iterator[Condition | ConditionFault]:
    for path, raw in leaf.when:
        for name, wanted in raw.items():
            other = _find(str(name), path, leaves)
            if other is None:
                names = [".".join(one.path) for one in leaves if one.path[: len(path)] != path]
                yield ConditionFault(
                    path, str(name), f"no parameter is called '{name}'", suggest(name, names)
                )
            elif leaves[other].path[: len(path)] == path:
                yield ConditionFault(path, str(name), "it depends on itself", "name another parameter")
            else:
                yield _condition(path, str(name), wanted, other, leaves[other].distribution)


def _find(name: str, path: Path, leaves: Sequence[Conditioned]) -> int | None:
    """A parameter of the same block, else of an outer one, by its key; else one by its whole dotted name."""
    for depth in range(len(path) - 1, -1, -1):
        beside = (*path[:depth], name)
        for place, leaf in enumerate(leaves):
            if leaf.path == beside:
                return place
    return next((i for i, leaf in enumerate(leaves) if ".".join(leaf.path) == name), None)


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
    """Each circle of dependencies once, from its first member on."""
    seen: set[int] = set()
    for start in range(len(links)):
        trail: list[int] = []
        place: int | None = start
        while place is not None and place not in trail and place not in seen:
            trail.append(place)
            place = next((p for p in links[place] if p not in seen and _leads_back(links, p)), None)
        if place is not None and place in trail:
            yield trail[trail.index(place) :]
        seen.update(trail)


def _leads_back(links: Sequence[Sequence[int]], start: int) -> bool:
    """Whether dependencies of `start` come to `start` again or to another circle."""
    reached: set[int] = set()
    pending = [start]
    while pending:
        place = pending.pop()
        for other in links[place]:
            if other == start:
                return True
            if other not in reached:
                reached.add(other)
                pending.append(other)
    return False
