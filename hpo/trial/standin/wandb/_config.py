"""wandb.config: the script's settings, with the sweep's values locked in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import ConfigError


class Config:
    """A mapping with attributes; keys that the sweep set ignore writes with a warning, as W&B's do."""

    def __init__(self) -> None:
        object.__setattr__(self, "_items", {})
        object.__setattr__(self, "_locked", set())

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __getattr__(self, key: str) -> Any:
        try:
            return self._items[key]
        except KeyError as error:
            raise AttributeError(f"{type(self)!r} object has no attribute {key!r}") from error

    def __setitem__(self, key: str, value: Any) -> None:
        self._set(key, value, False)

    __setattr__ = __setitem__

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return str(self._items)

    def keys(self) -> Any:
        """Names."""
        return self._items.keys()

    def items(self) -> Any:
        """Names and values."""
        return self._items.items()

    def values(self) -> Any:
        """Values."""
        return self._items.values()

    def get(self, *args: Any) -> Any:
        """The value of a name, or a default."""
        return self._items.get(*args)

    def as_dict(self) -> dict[str, Any]:
        """All values, as a dict."""
        return dict(self._items)

    def update(self, d: Any, allow_val_change: bool | None = None) -> None:
        """Set many values from a mapping, a Namespace or absl's FLAGS."""
        for key, value in as_mapping(d).items():
            self._set(key, value, bool(allow_val_change))

    def setdefaults(self, d: Any) -> None:
        """Set values whose names are not there yet."""
        for key, value in as_mapping(d).items():
            if _name(key) not in self._items:
                self._set(key, value, True)

    def lock(self, values: Mapping[str, Any]) -> None:
        """Put in the sweep's values: they win, nested mappings are merged, and later writes are ignored."""
        for key, value in values.items():
            self._items[key] = _merged(self._items.get(key), value)
            self._locked.add(key)

    def persist(self) -> None:
        """Nothing: there is no server."""

    def _set(self, key: str, value: Any, allowed: bool) -> None:
        key = _name(key)
        if key in self._locked:
            print(
                f"wandb: WARNING Config item '{key}' was locked by 'sweep' (ignored update).", file=sys.stderr
            )
            return
        if not allowed and key in self._items and _differ(value, self._items[key]):
            raise ConfigError(
                f'Attempted to change value of key "{key}" from {self._items[key]} to {value}\n'
                "If you really want to do this, pass allow_val_change=True to config.update()"
            )
        self._items[key] = value


def _differ(one: Any, other: Any) -> bool:
    try:
        return bool(one != other)
    except ValueError:  # arrays compare element by element
        return True


def _name(key: str) -> str:
    return str(key).strip("-")


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}


def as_mapping(source: Any) -> Mapping[str, Any]:
    """A mapping, a file of JSON or YAML, a Namespace or absl's FLAGS → a mapping; raises TypeError."""
    if source is None:
        return {}
    if isinstance(source, (str, bytes)):
        return _file(str(source))
    if isinstance(source, Mapping) or hasattr(source, "keys"):
        return {key: source[key] for key in source.keys()}  # noqa: SIM118 - only `keys` is certain
    if hasattr(source, "flag_values_dict"):
        return dict(source.flag_values_dict())
    if hasattr(source, "__dict__"):
        return dict(vars(source))
    raise TypeError(f"config must be a dict or have a __dict__ attribute, not {type(source).__name__}")


def _file(path: str) -> Mapping[str, Any]:
    """A config file in W&B's form, name: {value: …}, or plain; YAML where PyYAML is installed."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        loaded = json.loads(text)
    except ValueError:
        import yaml

        loaded = yaml.safe_load(text)
    plain = {}
    for key, value in (loaded or {}).items():
        if key != "wandb_version":
            plain[key] = value["value"] if isinstance(value, Mapping) and "value" in value else value
    return plain
