"""Who takes over whose state: scores of a population → donors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

Name = TypeVar("Name")


def donors(name: Name, scores: Mapping[Name, float], quantile: float) -> list[Name]:
    """Those of the top quantile that beat `name`, best first, if it is in the bottom one; less is better.

    A quantile is one trial at least and half of all at most. Ties keep the order of `scores`.
    """
    size = min(max(1, int(quantile * len(scores))), len(scores) // 2)
    order = sorted(scores, key=scores.__getitem__)
    if name not in order[len(order) - size :]:
        return []
    return [one for one in order[:size] if scores[one] < scores[name]]


def enough(known: int, size: int, quantile: float) -> bool:
    """Whether so many values of a population of `size` say who is at its bottom."""
    return known >= min(size, math.ceil(1 / quantile - 1e-9))
