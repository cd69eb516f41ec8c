"""wandb.config: the script's settings, with the sweep's values locked in."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from hpo.trial import client
from hpo.trial.values import UnplainError, plain

from .errors import ConfigError
from .errors.term import termwarn

DEFAULTS = "config-defaults.yaml"
"""Read from the working directory, as by W&B."""


class Config:
    """A mapping with attributes; keys that the sweep set ignore writes with a warning, as W&B's do."""

    def __init__(self) -> None:
        object.__setattr__(self, "_items", {})
        object.__setattr__(self, "_locked", set())
        if os.path.exists(DEFAULTS):
            self.update(DEFAULTS)

    def __getitem__(self, key: str) -> Any:
        self._asked(key)
        return self._items[key]

    def __getattr__(self, key: str) -> Any:
        if key == "_items":  # a copy in the making: it has none yet
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError as error:
            raise AttributeError(f"{type(self)!r} object has no attribute {key!r}") from error

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    __setattr__ = __setitem__

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        self._asked(*self._items)
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return str(self._items)

    def keys(self) -> list[str]:
        """Names."""
        self._asked(*self._items)
        return list(self._items)

    def items(self) -> list[tuple[str, Any]]:
        """Names and values."""
        self._asked(*self._items)
        return list(self._items.items())

    def values(self) -> list[Any]:
        """Values."""
        self._asked(*self._items)
        return list(self._items.values())

    def get(self, *args: Any) -> Any:
        """The value of a name, or a default."""
        self._asked(*args[:1])
        return self._items.get(*args)

    def as_dict(self) -> dict[str, Any]:
        """All values, as a dict."""
        self._asked(*self._items)
        return dict(self._items)

    _as_dict = as_dict

    def update(self, d: Any, allow_val_change: bool | None = None) -> None:
        """Set many values from a mapping, a Namespace, a file or absl's FLAGS.

        Raises ConfigError for another value of a name that is there, unless `allow_val_change`; nothing is
        set then.
        """
        chosen = {}
        for key, value in as_mapping(d).items():
            name, value = str(key).strip("-"), friendly(value)
            if name in self._locked:
                termwarn(f"Config item '{name}' was locked by 'sweep' (ignored update).", repeat=False)
                continue
            if not allow_val_change and name in self._items and value != self._items[name]:
                raise ConfigError(
                    f'Attempted to change value of key "{name}" from {self._items[name]} to {value}\n'
                    "If you really want to do this, pass allow_val_change=True to config.update()"
                )
            chosen[name] = value
        self._items.update(chosen)

    def setdefaults(self, d: Any) -> None:
        """Set values whose names are not there yet."""
        self.update({key: value for key, value in as_mapping(d).items() if key not in self._items})

    def merge_locked(self, values: Mapping[str, Any]) -> None:
        """Put in the sweep's values: they win, nested mappings are merged, and later writes are ignored."""
        for key, value in values.items():
            name = key.strip("-")
            self._items[name] = _merged(self._items.get(name), friendly(value))
            self._locked.add(name)

    def _asked(self, *names: Any) -> None:
        """The script asks for these names; a parameter of the sweep may be among them."""
        if not self._locked.isdisjoint(names):
            client.asked()

    def persist(self) -> None:
        """Nothing: there is no server."""


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}


def friendly(value: Any) -> Any:
    """What W&B makes of a value in its config: JSON's kinds as they are, the rest plain or as text."""
    if isinstance(value, dict):
        return {key: friendly(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, range)):
        return [friendly(inner) for inner in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value):
        return friendly(dataclasses.asdict(value))  # type: ignore[arg-type]
    try:
        return friendly(plain(value))
    except UnplainError:
        return str(value)


def as_mapping(source: Any) -> dict[str, Any]:
    """A mapping, a config file, a Namespace or absl's FLAGS → a dict; raises TypeError for anything else."""
    if source is None:
        return {}
    if isinstance(source, str):
        return _file(source)
    if isinstance(source, Mapping) or (hasattr(source, "keys") and hasattr(source, "__getitem__")):
        return {key: source[key] for key in source.keys()}  # noqa: SIM118 - only `keys` is certain
    source = getattr(source, "FLAGS", source)
    if hasattr(source, "flag_values_dict"):
        return dict(source.flag_values_dict())
    if hasattr(source, "__dict__"):
        return {key: value for key, value in vars(source).items() if not key.startswith("__")}
    raise TypeError("config must be a dict or have a __dict__ attribute.")


def _file(path: str) -> dict[str, Any]:
    """A config file in W&B's form, `name: {value: …}`, or plain; YAML where PyYAML is installed."""
    if not os.path.exists(path):
        raise ConfigError(f"config file {path} doesn't exist")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        loaded = json.loads(text)
    except ValueError:
        loaded = _yaml(text, path)
    plain_values = {}
    for key, value in (loaded or {}).items():
        if key != "wandb_version":
            plain_values[key] = value["value"] if isinstance(value, dict) and "value" in value else value
    return plain_values


def _yaml(text: str, path: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise ConfigError(f"to read {path}, install PyYAML (or wandb)") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"Invalid YAML in {path}: {error}") from error
