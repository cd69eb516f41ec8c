"""wandb.summary: the last value of each metric, or the aggregates that define_metric asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.trial import client


class Summary(dict[str, Any]):
    """A dict with attributes; what the script sets itself is told to hpo."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "_aggregates", {})
        object.__setattr__(self, "_sums", {})

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError as error:
            raise AttributeError(key) from error

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        client.summary({key: value})

    def update(self, *args: Any, **more: Any) -> None:
        """Set many values."""
        values = dict(*args, **more)
        super().update(values)
        client.summary(values)

    def define(self, name: str, aggregates: str) -> None:
        """From now on `name` is summed up by these: «min,max»."""
        self._aggregates[name] = [word.strip() for word in aggregates.split(",")]

    def follow(self, row: Mapping[str, Any]) -> None:
        """Take in a logged row."""
        for name, value in row.items():
            kinds = self._aggregates.get(name)
            super().__setitem__(name, self._aggregate(name, kinds, value) if kinds else value)

    def _aggregate(self, name: str, kinds: list[str], value: Any) -> Any:
        known = self.get(name)
        known = known if isinstance(known, dict) else {}
        total, count = self._sums.get(name, (0, 0))
        self._sums[name] = total, count = total + value, count + 1
        every = {
            "min": min(value, known.get("min", value)),
            "max": max(value, known.get("max", value)),
            "mean": total / count,
            "first": known.get("first", value),
            "last": value,
        }
        return {kind: every[kind] for kind in kinds if kind in every}
