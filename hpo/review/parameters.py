"""A recorded sweep and configurations → the parameters worth showing, those that were searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hpo.record import flat
from hpo.record.flat import Path
from hpo.review.cells import value_text


def searched(sweep: Mapping[str, Any], configs: Iterable[Mapping[str, Any]] = ()) -> list[Path]:
    """Paths of the parameters that can take more than one value, in the file's order.

    A record without a search space is judged by its configurations: what differs among them.
    """
    parameters = sweep.get("parameters")
    if isinstance(parameters, Mapping) and parameters:
        return list(_searched(parameters, ()))
    configs = list(configs)
    paths = dict.fromkeys(path for config in configs for path, _ in flat.flatten(config))
    return [path for path in paths if len({value_text(lookup(config, path)) for config in configs}) > 1]


def lookup(config: Mapping[str, Any], path: Path) -> Any:
    """What a configuration holds at `path`; "" where it holds nothing."""
    found = flat.lookup(config, path)
    return "" if found is flat.ABSENT else found


def pairs(config: Mapping[str, Any], paths: Iterable[Path]) -> list[str]:
    """`name=value` for each path, values shortened."""
    return [f"{'.'.join(path)}={value_text(lookup(config, path))}" for path in paths]


def _searched(parameters: Mapping[str, Any], prefix: Path) -> Iterator[Path]:
    for name, entry in parameters.items():
        path = (*prefix, str(name))
        if isinstance(entry, Mapping) and isinstance(entry.get("parameters"), Mapping):
            yield from _searched(entry["parameters"], path)
        elif not _constant(entry):
            yield path


def _constant(entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return True
    values = entry.get("values")
    if "value" in entry or (isinstance(values, list) and len(values) == 1):
        return True
    return entry.get("min") is not None and entry.get("min") == entry.get("max")
