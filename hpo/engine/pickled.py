"""A training function → bytes that a trial's process can load without Ray's object store."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import cloudpickle


def pickled(train: Callable[..., Any]) -> bytes:
    """The function by value; what `ray.tune.with_parameters` has put into the object store goes with it."""
    file = io.BytesIO()
    _Pickler(file).dump(train)
    return file.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:
        registry = getattr(sys.modules.get("ray.tune.registry"), "_ParameterRegistry", None)
        return _with_values(obj) if type(obj) is registry else super().reducer_override(obj)


def _with_values(registry: Any) -> tuple[Any, ...]:
    """The registry as it is before Ray is started: with its values in it."""
    import ray

    fetched = {name: ray.get(reference) for name, reference in registry.references.items()}
    return type(registry), (), {"to_flush": {**registry.to_flush, **fetched}, "references": {}}
