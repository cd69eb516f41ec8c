"""Part of a configuration → values for the parameters that it names, and what of it does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hpo.errors import suggest
from hpo.space.conditions import Path
from hpo.space.space import SearchSpace

MISFITS = 20
"""So many are told of one configuration, and nothing after them is read."""


@dataclass(frozen=True)
class Misfit:
    """Something in a configuration that the space has no place for."""

    path: Path
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Placed:
    """What a configuration says of a space: leaf's place → its value; and what does not fit."""

    values: Mapping[int, Any]
    misfits: tuple[Misfit, ...]


def place(space: SearchSpace, config: Mapping[str, Any]) -> Placed:
    """Find the parameters that `config` names, nested as the script sees them or by dotted names."""
    values: dict[int, Any] = {}
    misfits: list[Misfit] = []
    for path, number, value in _found(space, config, ()):
        if len(misfits) == MISFITS:
            break
        if number is None:
            hint = suggest(path[-1], space.by_name)
            misfits.append(Misfit(path, f"no parameter is called '{'.'.join(path)}'", hint))
            continue
        try:
            values[number] = space.leaves[number].distribution.accept(value)
        except ValueError as error:
            misfits.append(Misfit(path, str(error), "write a value that the parameter can take"))
    misfits += _inactive(space, values) if space.conditional else ()
    return Placed(values, tuple(misfits))


def _found(
    space: SearchSpace, config: Mapping[str, Any], prefix: Path
) -> Iterator[tuple[Path, int | None, Any]]:
    for key, value in config.items():
        path = (*prefix, str(key))
        place = space.by_path.get(path)
        if place is None and path in space.blocks and isinstance(value, Mapping):
            yield from _found(space, value, path)
        else:
            yield path, space.by_name.get(".".join(path)) if place is None else place, value


def _inactive(space: SearchSpace, values: Mapping[int, Any]) -> Iterator[Misfit]:
    for number in values:
        for condition in space.conditions[number]:
            if condition.other in values and not condition.holds(values[condition.other]):
                leaf, other = space.leaves[number], space.leaves[condition.other]
                message = f"is not there when {other.name} is {values[condition.other]!r}"
                yield Misfit(leaf.path, message, "leave it out")
