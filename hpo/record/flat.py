"""Nested configurations and rows → flat ones: paths and their values, names joined with dots."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str, ...]
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()
"""What stands for a value that is not there; None is a value."""


def flatten(
    values: Mapping[str, Any], prefix: Path = (), whole: Container[Path] = ()
) -> Iterator[tuple[Path, Any]]:
    """Each value that is no mapping, an empty one, or one of `whole`, with the keys that lead to it."""
    for key, value in values.items():
        path = (*prefix, str(key))
        if isinstance(value, Mapping) and value and path not in whole:
            yield from flatten(value, path, whole)
        else:
            yield path, value


def lookup(values: Mapping[str, Any], path: Path) -> Any:
    """What is at the end of a path; `ABSENT` where it leads nowhere."""
    found: Any = values
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return ABSENT
        found = found[key]
    return found


def parameter_paths(sweep: Mapping[str, Any], configs: Iterable[Mapping[str, Any]]) -> list[Path]:
    """The parameters of a recorded sweep in the order of its file, then what else configurations hold.

    A choice that is a mapping is one value.
    """
    parameters = sweep.get("parameters")
    paths = dict.fromkeys(_declared(parameters, ()) if isinstance(parameters, Mapping) else ())
    declared = frozenset(paths)
    for config in configs:
        paths.update(dict.fromkeys(path for path, _ in flatten(config, whole=declared)))
    return list(paths)


def dotted(paths: Sequence[Path]) -> list[str]:
    """A name for each path, its keys joined with dots; one that is taken already gets a number."""
    names: dict[str, None] = {}
    for path in paths:
        name = plain = ".".join(path)
        number = 1
        while name in names:
            number += 1
            name = f"{plain} ({number})"
        names[name] = None
    return list(names)


def _declared(parameters: Mapping[str, Any], prefix: Path) -> Iterator[Path]:
    for name, entry in parameters.items():
        inner = entry.get("parameters") if isinstance(entry, Mapping) else None
        if isinstance(inner, Mapping):
            yield from _declared(inner, (*prefix, str(name)))
        else:
            yield (*prefix, str(name))
