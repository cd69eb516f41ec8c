"""Who clones whom."""

from __future__ import annotations

import math

import pytest

from hpo.tune.population.ranking import donors, enough

EIGHT = dict(zip("abcdefgh", range(8), strict=True))


def test_the_bottom_quarter_clones_the_top_one() -> None:
    assert [name for name in EIGHT if donors(name, EIGHT, 0.25)] == ["g", "h"]
    assert donors("h", EIGHT, 0.25) == ["a", "b"]
    assert donors("h", EIGHT, 0.5) == ["a", "b", "c", "d"]


def test_at_least_one_and_at_most_half_take_part() -> None:
    assert donors("b", {"a": 1.0, "b": 2.0}, 0.25) == ["a"]
    assert donors("a", {"a": 1.0}, 0.5) == []
    assert donors("b", {"a": 1.0, "b": 2.0, "c": 3.0}, 0.5) == []


def test_only_what_is_better_is_cloned() -> None:
    assert donors("d", dict.fromkeys("abcd", 1.0), 0.5) == []
    assert donors("d", {"a": math.inf, "b": 1.0, "c": math.inf, "d": math.inf}, 0.5) == ["b"]


@pytest.mark.parametrize(
    ("known", "size", "is_enough"), [(3, 8, False), (4, 8, True), (2, 2, True), (2, 3, False)]
)
def test_a_quantile_must_be_known(known: int, size: int, is_enough: bool) -> None:
    assert enough(known, size, 0.25) is is_enough
