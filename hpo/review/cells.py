"""Values → short text for terminals: five significant digits, one line, nothing that a terminal obeys."""

from __future__ import annotations

import json
import math
from typing import Any

from hpo.errors import visible

LONGEST = 28
"""Characters of a parameter's value before it is cut."""
DIGITS = 5
"""Significant digits of a shown number; files and JSON carry all of them."""


def metric_text(value: float | None) -> str:
    """An objective's value with trailing zeros, so that values stand below each other; "-" for none."""
    if value is None:
        return "-"
    if (value.is_integer() and abs(value) < 1e9) or not math.isfinite(value):
        return f"{value:.0f}"
    if 10**DIGITS <= abs(value) < 1e9:
        return f"{value:.0f}"
    return f"{value:#.{DIGITS}g}".removesuffix(".")


def value_text(value: Any, longest: int = LONGEST) -> str:
    """A parameter's value in at most `longest` characters; lists and mappings as JSON."""
    text = value if isinstance(value, str) else json.dumps(_rounded(value), ensure_ascii=False)
    text = visible(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def duration(seconds: float) -> str:
    """Seconds as m:ss, h:mm:ss, or days in front: 2d 03:04:05."""
    whole = max(0, int(seconds))
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{days}d {hours:02d}:{minutes:02d}:{rest:02d}"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def strict(value: Any) -> Any:
    """The same with null for NaN and infinity, which JSON has no words for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return value


def _rounded(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value):
        whole = value.is_integer() and abs(value) < 1e9
        return int(value) if whole else float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
