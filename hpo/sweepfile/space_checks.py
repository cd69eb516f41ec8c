"""What W&B swallows or gets wrong late, seen in the parameters: search space → problems.

A check is one function and one entry in `SPACE_CHECKS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from hpo.space.categories import Categorical, Constant
from hpo.space.conditions import faults
from hpo.space.distribution import Quantised
from hpo.space.grid import Grid
from hpo.space.ranges import InvLogUniform, LogUniform, LogUniformValues, QUniform, Uniform
from hpo.space.space import Leaf, SearchSpace
from hpo.space.values import distinct
from hpo.sweepfile.document import Document, Path
from hpo.sweepfile.search_checks import fits_space

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
"""Names of parameters that W&B's schema allows."""


def _grid_lists(document: Document, method: object, space: SearchSpace) -> None:
    for leaf in space.leaves if method == "grid" else ():
        if leaf.distribution.grid() is None:
            hint = "write `values: […]`, integer bounds, or q_uniform; or use `method: random`"
            what = " of so small a q" if isinstance(leaf.distribution, QUniform) else ""
            document.problem(place_of(leaf), f"{leaf.distribution.name}{what} cannot be listed by grid", hint)


def _countable(document: Document, method: object, space: SearchSpace) -> None:
    listed = all(leaf.distribution.grid() is not None for leaf in space.leaves)
    if method == "grid" and listed and space.conditional and not any(faults(space.leaves)):
        try:
            Grid(space)
        except ValueError as error:
            document.problem(("parameters",), str(error), "use `method: random`")


def _names(document: Document, method: object, space: SearchSpace) -> None:
    for leaf in space.leaves:
        if not all(NAME.fullmatch(key) for key in leaf.path):
            hint = "letters, digits, _ . and - are safe everywhere"
            document.problem(place_of(leaf), f"the name {leaf.name!r} is unusual", hint, "warning")


def _log_ranges(document: Document, method: object, space: SearchSpace) -> None:
    for leaf in space.leaves:
        d = leaf.distribution
        if isinstance(d, LogUniform) and not isinstance(d, LogUniformValues) and _like_values(d):
            low, high = d.bounds()
            document.problem(
                place_of(leaf),
                f"min and max of {d.name} are exponents of e: values run from {low:.4g} to {high:.4g}",
                f"for values from {d.min:g} to {d.max:g} write `distribution: {d.name}_values`"
                if d.min > 0
                else _powers_of_ten(d),
                "warning",
            )


def _powers_of_ten(d: LogUniform) -> str:
    if max(abs(d.min), abs(d.max)) > 300:
        return "for bounds that are values write `distribution: log_uniform_values`"
    return f"for powers of ten write log_uniform_values from {10.0**d.min:g} to {10.0**d.max:g}"


def _like_values(d: LogUniform) -> bool:
    """Bounds within 0..1, or far beyond any exponent, or small negative integers (powers of ten meant)."""
    if isinstance(d, InvLogUniform):
        return d.min > 0 and d.max <= 1
    tens = isinstance(d.min, int) and isinstance(d.max, int) and d.min >= -8 and d.max <= 0
    return (d.min > 0 and d.max <= 1) or d.max > 12 or tens


def _collapsed(document: Document, method: object, space: SearchSpace) -> None:
    for leaf in space.leaves:
        d = leaf.distribution
        if isinstance(d, Quantised) and d.levels() == 1:
            low, q = (d.support() or (0, 0))[0], f"{d.q:g}"
            hint = f"write a smaller q, or `distribution: {d.name.removeprefix('q_')}`"
            document.problem(place_of(leaf), f"rounded to q = {q} every value is {low:g}", hint, "warning")
        elif type(d) is Uniform and d.min > 0 and d.max / d.min >= 100:
            half = d.ppf(0.5)
            message = f"uniform from {d.min:g} to {d.max:g}: half of all values lie above {half:.3g}"
            document.problem(
                place_of(leaf),
                message,
                "`distribution: log_uniform_values` spreads them over the decades",
                "warning",
            )


def _lists(document: Document, method: object, space: SearchSpace) -> None:
    for leaf in space.leaves:
        d = leaf.distribution
        if isinstance(d, Constant) and _ascending(d.value):
            hint = "for one entry a trial write `values:`"
            document.problem(place_of(leaf), f"every trial gets the whole list {d.value}", hint, "warning")
        if isinstance(d, Categorical) and len(distinct(d.values)) < len(d.values):
            message = "a value is listed twice: grid tries it once, random more often"
            document.problem(place_of(leaf), message, "list each value once", "warning")
        for index, value in enumerate(d.values if isinstance(d, Categorical) else []):
            path: Path = (*place_of(leaf), "values", index)
            if value in ("None", "none") and path not in document.quoted and document.places:
                document.problem(
                    path, f"{value} is text in YAML", "write null for no value, or quote it", "warning"
                )


def _conditions(document: Document, method: object, space: SearchSpace) -> None:
    for fault in faults(space.leaves):
        document.problem((*_place(fault.path), "when", fault.name), fault.message, fault.hint)


def _ascending(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) > 2 and all(type(v) in (int, float) for v in value)
    return numbers and all(a < b for a, b in pairwise(value))


def place_of(leaf: Leaf) -> Path:
    """Where a leaf's mapping stands in the file."""
    return _place(leaf.path)


def _place(keys: Sequence[str]) -> Path:
    return tuple(part for key in keys for part in ("parameters", key))


SPACE_CHECKS: tuple[Callable[[Document, object, SearchSpace], None], ...] = (
    fits_space,
    _grid_lists,
    _countable,
    _names,
    _log_ranges,
    _collapsed,
    _lists,
    _conditions,
)
