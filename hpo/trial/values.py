"""What a script logs → what JSON holds: numbers of numpy, torch and jax as Python's, media left out."""

from __future__ import annotations

import datetime
import enum
import os
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_LIST = 32
"""Elements; a longer array is no metric and is left out (W&B makes a histogram of it)."""
DEEPEST = 20
"""Levels of nesting; what lies deeper, or holds itself, is left out."""
_ABSENT: Any = object()
_SIMPLE = frozenset((str, int, float, bool, type(None)))
_TEXT = frozenset((str,))
_KEYS = (str, int, float, bool, type(None))


class UnplainError(TypeError):
    """A value that no JSON can stand for: a picture, a table, a long array."""


def plain(value: Any) -> Any:
    """The JSON value of one object that is not JSON; raises UnplainError where there is none.

    No library is imported for this: scalars of numpy, torch and jax have `item`, small arrays `tolist`,
    tensors of TensorFlow `numpy`.
    """
    if callable(getattr(value, "item", None)):
        return _of_array(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, range)):
        return list(value)
    if hasattr(type(value), "__float__"):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if callable(getattr(value, "numpy", None)):
        return value.numpy()
    raise UnplainError(type(value).__name__)


def _of_array(value: Any) -> Any:
    """An array of one element → that element; a short one → a list."""
    try:
        return value.item()
    except (TypeError, ValueError, RuntimeError):
        pass
    size = getattr(value, "size", None)
    count = value.numel() if callable(getattr(value, "numel", None)) else size
    if isinstance(count, int) and count <= LONGEST_LIST and callable(getattr(value, "tolist", None)):
        return value.tolist()
    raise UnplainError(type(value).__name__)


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a row in which everything is JSON; what cannot be is left out."""
    if is_plain(row):  # nearly always, and ten times as fast
        return {**row}
    return {name: value for name, value in _items(row, 0) if value is not _ABSENT}


def is_plain(row: Mapping[str, Any]) -> bool:
    """Whether a row is flat and all JSON as it stands."""
    return has_only_values(row) and has_text_keys(row)


def has_only_values(row: Mapping[str, Any]) -> bool:
    """Whether a row is flat, and no object of any library is in it."""
    return _SIMPLE.issuperset(map(type, row.values()))


def has_text_keys(row: Mapping[Any, Any]) -> bool:
    """Whether all keys are str itself; a False may still mean subclasses of it."""
    return _TEXT.issuperset(map(type, row))


def _items(values: Mapping[Any, Any], depth: int) -> Iterable[tuple[Any, Any]]:
    for key, value in values.items():
        yield (key if isinstance(key, _KEYS) else str(key)), _clean(value, depth)


def _clean(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return _bare(value)
    if depth > DEEPEST:
        return _ABSENT
    if isinstance(value, dict):
        return {key: inner for key, inner in _items(value, depth + 1) if inner is not _ABSENT}
    if isinstance(value, (list, tuple)):
        cleaned = [_clean(inner, depth + 1) for inner in value]
        return _ABSENT if any(inner is _ABSENT for inner in cleaned) else cleaned
    try:
        return _clean(plain(value), depth + 1)
    except Exception:  # objects of any library: what they raise is theirs
        return _ABSENT


def _bare(value: Any) -> Any:
    """Without the subclass: numpy's float64 is a float, an enum may be an int."""
    if isinstance(value, enum.Enum) or value is None or isinstance(value, bool):
        return value.name if isinstance(value, enum.Enum) else value
    return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))
