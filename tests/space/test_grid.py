"""The grid: order, size, laziness, duplicates, and when two values are the same."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.space.conditions import Entry
from hpo.space.grid import Grid
from hpo.space.parameter import is_nested, parse_parameter
from hpo.space.space import SearchSpace
from hpo.space.values import distinct, value_key

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -1.0, "1", "True", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


def tree(parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tree(entry["parameters"]) if is_nested(entry) else parse_parameter(entry).distribution
        for name, entry in parameters.items()
    }


def grid(**parameters: Any) -> Grid:
    return Grid(SearchSpace.of(tree(parameters)))


def test_by_name_the_last_fastest_values_as_listed() -> None:
    cells = list(grid(b={"values": [2, 1]}, a={"values": ["y", "x"]}, C={"value": 0}))
    assert cells == [{"C": 0, "a": a, "b": b} for a in ("y", "x") for b in (2, 1)]
    assert list(cells[0]) == ["C", "a", "b"]


def test_upper_case_before_lower_case_at_each_level() -> None:
    inner = {"parameters": {"b": {"values": [1, 2]}, "A": {"values": [1, 2]}}}
    cells = list(grid(x={"values": [1, 2]}, N=inner))
    assert [(c["N"]["A"], c["N"]["b"], c["x"]) for c in cells] == list(itertools.product([1, 2], repeat=3))


def test_nested_and_dotted_names_are_different_parameters() -> None:
    made = grid(**{"a.b": {"values": [1, 2]}, "a": {"parameters": {"b": {"values": [3, 4]}}}})
    assert made[0] == {"a": {"b": 3}, "a.b": 1}
    assert made.size == 4


def test_integers_with_max_steps_without() -> None:
    assert [c["x"] for c in grid(x={"min": 1, "max": 4})] == [1, 2, 3, 4]
    stepped = grid(x={"distribution": "q_uniform", "min": 1, "max": 8, "q": 2})
    assert [c["x"] for c in stepped] == [1, 3, 5, 7]
    assert len(grid(x={"distribution": "q_uniform", "min": 0, "max": 10, "q": 5})) == 2


def test_constants_alone_make_one_cell() -> None:
    assert list(grid(a={"value": 1}, b={"value": None})) == [{"a": 1, "b": None}]


def test_a_grid_of_a_million_million_cells_is_there_at_once() -> None:
    start = time.monotonic()
    made = grid(**{name: {"min": 0, "max": 999} for name in "abcd"})
    assert made.size == 10**12
    assert made[0] == {"a": 0, "b": 0, "c": 0, "d": 0}
    assert made[10**12 - 1] == {"a": 999, "b": 999, "c": 999, "d": 999}
    assert made[123_456_789_012] == {"a": 123, "b": 456, "c": 789, "d": 12}
    assert next(iter(made))["d"] == 0
    assert time.monotonic() - start < 30  # listing them would take for ever


def test_a_range_of_integers_is_not_listed() -> None:
    made = grid(**{name: {"min": 0, "max": 10**15 - 1} for name in "ab"})
    assert made.size == 10**30
    assert made[10**30 - 1] == {"a": 10**15 - 1, "b": 10**15 - 1}


@pytest.mark.parametrize("number", [-1, 4, 10**20])
def test_cells_that_are_not_there(number: int) -> None:
    with pytest.raises(IndexError, match="of 4"):
        grid(a={"values": [1, 2]}, b={"values": [1, 2]})[number]


@pytest.mark.parametrize("entry", [{"min": 0.0, "max": 1.0}, {"distribution": "normal"}])
def test_what_cannot_be_listed_is_named(entry: Any) -> None:
    with pytest.raises(ValueError, match=r"'n\.x' is .* which grid cannot list"):
        grid(n={"parameters": {"x": entry}})


@given(st.dictionaries(st.text(max_size=3), st.lists(JSON, min_size=1, max_size=4), min_size=1, max_size=4))
def test_every_cell_once_in_order(values: dict[str, list[Any]]) -> None:
    made = grid(**{name: {"values": listed} for name, listed in values.items()})
    names = sorted(values)
    expected = [
        dict(zip(names, combination, strict=True))
        for combination in itertools.product(*(distinct(values[name]) for name in names))
    ]
    assert [value_key(cell) for cell in made] == [value_key(cell) for cell in expected]
    assert made.size == len(expected) == len({value_key(cell) for cell in made})


def test_duplicates_first_place_last_spelling() -> None:
    got = distinct([1, 2, 1.0, True, "1", 2])
    assert got == [1.0, 2, True, "1"]
    assert [type(v) for v in got] == [float, int, bool, str]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (1e16, 10**16, True),
        (1, True, False),
        (0, False, False),
        (1, "1", False),
        (None, "None", False),
        (0.1, 0.1, True),
        (math.nan, math.nan, True),
        (math.inf, math.inf, True),
        ([1], [1.0], False),
        ([1, 2], [2, 1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([], {}, False),
        ([], None, False),
        ("a", "A", False),
    ],
)
def test_when_values_are_the_same(one: Any, other: Any, same: bool) -> None:
    assert (value_key(one) == value_key(other)) is same


@given(JSON)
def test_keys_can_be_hashed_and_are_the_same_each_time(value: Any) -> None:
    assert hash(value_key(value)) == hash(value_key(value))
    assert value_key(value) == value_key(value)


def when(content: Any, **conditions: Any) -> Entry:
    return Entry(content, conditions)


def choice(*values: Any) -> Any:
    return parse_parameter({"values": list(values)}).distribution


def test_inactive_parameters_multiply_no_cells() -> None:
    space = SearchSpace.of(
        {
            "momentum": when(choice(0.8, 0.9), optimizer="sgd"),
            "optimizer": choice("adam", "sgd"),
            "layers": parse_parameter({"min": 1, "max": 3}).distribution,
            "net": {
                "second": when(choice(8, 16), layers=[2, 3]),
                "third": when(choice("x", "y", "z"), layers=3, second=16),
            },
        }
    )
    cells = list(Grid(space))
    everything = (space.assemble(row) for row in itertools.product(*(axis for axis in Grid(space).axes)))
    assert len(cells) == Grid(space).size == 3 * (1 + 2 + 1 + 3)
    assert {repr(cell) for cell in cells} == {repr(cell) for cell in everything}
    assert len({repr(cell) for cell in cells}) == len(cells)


def test_a_conditional_grid_of_countless_cells_is_there_at_once() -> None:
    start = time.monotonic()
    many = 10**9
    whole = parse_parameter({"min": 0, "max": many - 1}).distribution
    made = Grid(SearchSpace.of({"a": whole, "b": whole, "c": when(whole, d=1), "d": choice(0, 1)}))
    assert made.size == many**2 * (1 + many)
    assert made[made.size - 1] == {"a": many - 1, "b": many - 1, "c": many - 1, "d": 1}
    assert made[1 + many] == {"a": 0, "b": 1, "d": 0}
    assert time.monotonic() - start < 30  # listing them would take for ever


def test_axes_of_any_length_are_counted_and_listed() -> None:
    huge = grid(a={"min": 0, "max": 10**30}, b={"values": [1, 2]})
    assert huge.size == 2 * (10**30 + 1)
    assert huge[huge.size - 1] == {"a": 10**30, "b": 2}
    fine = grid(a={"distribution": "q_uniform", "min": 0, "max": 1, "q": 1e-12})
    assert fine.size == 10**12
    assert fine[10**12 - 1]["a"] == pytest.approx(1)


def test_a_condition_on_a_long_axis_is_counted_without_going_through_it() -> None:
    asked = Entry(parse_parameter({"values": [1, 2]}).distribution, {"a": [5, 7]})
    for spec in (
        {"min": 0, "max": 10**12},
        {"distribution": "q_uniform", "min": 0, "max": 10**12, "q": 1},
    ):
        made = Grid(SearchSpace.of({"a": parse_parameter(spec).distribution, "b": asked}))
        end = 10**12 + (spec.get("distribution") is None)
        assert made.size == end + 2
        first = [made[number] for number in range(11)]
        assert [(c["a"], c.get("b")) for c in first[4:]] == [
            (4, None), (5, 1), (5, 2), (6, None), (7, 1), (7, 2), (8, None),
        ]  # fmt: skip
        assert made[made.size - 1] == {"a": end - 1}
