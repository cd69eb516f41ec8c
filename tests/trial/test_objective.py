from __future__ import annotations

import math
from typing import Any

import pytest

from hpo.trial.objective import NAMES, Objective
from hpo.trial.spec import Goal


def fed(name: str, rows: list[dict[str, Any]], goal: Goal = "minimize") -> Objective:
    objective = Objective(name, goal)
    for row in rows:
        objective.add_row(row)
    return objective


def test_an_iteration_is_a_row_with_a_finite_number() -> None:
    odd = [math.nan, math.inf, -math.inf, True, None, "0.1", "NaN", [0.1], {"x": 1}, 10**400]
    objective = fed("loss", [{"loss": 3}, {"acc": 1.0}, *({"loss": value} for value in odd), {"loss": 0.5}])
    assert (objective.iterations, objective.rows) == (2, 13)
    assert (objective.best, objective.last) == (0.5, 0.5)
    assert objective.had_nan


def test_nan_is_an_iteration_where_it_counts() -> None:
    objective = Objective("loss", "minimize", nan_counts=True)
    told = [objective.add_row({"loss": value}) for value in (2.0, math.nan, "Infinity", None, 1.0)]
    assert str(told) == "[2.0, nan, nan, None, 1.0]"
    assert (objective.iterations, objective.best, objective.last) == (4, 1.0, 1.0)
    assert objective.mean == 1.5


@pytest.mark.parametrize(("goal", "best"), [("minimize", 1.0), ("maximize", 3.0)])
def test_best_and_last(goal: Goal, best: float) -> None:
    objective = fed("m", [{"m": 2}, {"m": 1}, {"m": 3}, {"m": 2.5}, {"m": math.nan}], goal)
    assert (objective.best, objective.last) == (best, 2.5)


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        ("val/loss", {"val/loss": 1, "val": {"loss": 2}}, 1.0),
        ("val.loss", {"val.loss": 1, "val": {"loss": 2}}, 1.0),
        ("val.loss", {"val": {"loss": 2}}, 2.0),
        ("a.b.c", {"a": {"b": {"c": 3}}}, 3.0),
        ("a.b.c", {"a.b": {"c": 4}}, 4.0),
        ("a.b.c", {"a": {"b": 1}, "a.b": {"c": 5}}, 5.0),
        ("val.loss", {"val": 2}, None),
        ("val/loss", {"val": {"loss": 2}}, None),
        ("loss ", {"loss": 2}, None),
        ("auc.max", {"auc.max": 7, "auc": 1}, 7.0),
        ("auc.max", {"auc": {"max": 8}}, 8.0),
    ],
)
def test_where_the_objective_is_looked_up(name: str, row: dict[str, Any], value: float | None) -> None:
    objective = Objective(name, "minimize")
    assert objective.add_row(row) == value
    assert objective.last == value


@pytest.mark.parametrize(
    ("end", "values"),
    [
        ("min", [2, 1, 1]),
        ("max", [2, 2, 6]),
        ("mean", [2, 1.5, 3]),
        ("first", [2, 2, 2]),
        ("last", [2, 1, 6]),
    ],
)
def test_aggregates_run_over_the_history(end: str, values: list[float]) -> None:
    objective = Objective(f"val.acc.{end}", "maximize")
    rows: list[dict[str, Any]] = [
        {"val": {"acc": 2}},
        {"other": 1},
        {"val.acc": 1},
        {"val": {"acc": math.nan}},
        {"val": {"acc": 6}},
    ]
    assert [v for row in rows if (v := objective.add_row(row)) is not None] == values
    assert objective.iterations == 3
    assert objective.last == values[-1]


def test_a_name_that_is_only_an_aggregate_is_a_plain_name() -> None:
    assert fed("max", [{"max": 4}]).last == 4
    assert fed("min", [{"": 4}]).last is None


def test_summary_values_count_but_are_no_iteration() -> None:
    objective = fed("acc", [{"acc": 0.5}, {"acc": 0.7}], "maximize")
    assert objective.add_summary({"acc": 0.6, "epochs": 3}) == 0.6
    assert (objective.best, objective.last, objective.iterations) == (0.7, 0.6, 2)
    assert objective.add_summary({"acc": {"max": 0.9}}) is None
    nested = Objective("acc.max", "maximize")
    nested.add_summary({"acc": {"max": 0.9}})
    assert (nested.best, nested.iterations) == (0.9, 0)


def test_reaching_the_target() -> None:
    assert not Objective("m", "minimize").reaches(math.inf)
    assert fed("m", [{"m": 0.0}]).reaches(0.0)
    assert not fed("m", [{"m": 0.1}]).reaches(0.0)
    assert fed("m", [{"m": 0.9}, {"m": 0.1}], "maximize").reaches(0.9)


def test_names_of_what_was_logged() -> None:
    objective = fed(
        "x", [{"loss": 1, "val": {"acc": 1, "deep": {"er": "t"}}, "_step": 1}, {"loss": 2, "b": 1}]
    )
    assert objective.logged == ["loss", "val.acc", "val.deep.er", "b"]
    assert len(fed("x", [{f"k{i}": i} for i in range(2 * NAMES)]).logged) == NAMES


def test_an_objective_that_is_no_number() -> None:
    objective = fed("acc", [{"acc": "0.9"}])
    assert (objective.odd_type, objective.had_nan, objective.best) == ("str", False, None)
    assert fed("", [{"": 1}]).iterations == 0
