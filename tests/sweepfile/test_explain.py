"""What `hpo check` tells, as data: JSON without infinities, and every key that was written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hpo.sweepfile.explain import explain
from hpo.sweepfile.load import read_sweep


def told(method: str = "random", **parameters: Any) -> dict[str, Any]:
    return explain(read_sweep({"method": method, "program": "t.py", "parameters": parameters}))


@pytest.mark.parametrize(
    ("parameter", "facts"),
    [
        ({"distribution": "normal", "mu": 2}, {"distribution": "normal", "mu": 2, "sigma": 1.0}),
        ({"distribution": "log_normal"}, {"distribution": "log_normal", "low": 0.0, "mu": 0.0, "sigma": 1.0}),
        ({"distribution": "beta"}, {"distribution": "beta", "low": 0.0, "high": 1.0, "a": 1, "b": 1}),
        ({"min": 1, "max": 5}, {"distribution": "int_uniform", "low": 1, "high": 5}),
        ({"values": [1, None]}, {"distribution": "categorical", "values": [1, None]}),
        (
            {"values": [1, 2], "probabilities": [0.25, 0.75]},
            {
                "distribution": "categorical_w_probabilities",
                "values": [1, 2],
                "probabilities": [0.25, 0.75],
            },
        ),
        ({"value": [1]}, {"distribution": "constant", "constant": [1]}),
        (
            {"distribution": "q_uniform", "min": 1, "max": 8, "q": 3},
            {"distribution": "q_uniform", "low": 0, "high": 9, "q": 3},
        ),
    ],
)
def test_parameters(parameter: Any, facts: dict[str, Any]) -> None:
    (found,) = told(**{"a.b": parameter})["parameters"]
    assert found == {"name": "a.b", "path": ["a.b"], **facts}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_samples_are_the_first_cells_or_draws_and_have_commands() -> None:
    grid = told("grid", a={"values": [1, 2]})
    assert grid["samples"] == [{"a": 1}, {"a": 2}]
    assert grid["commands"][1] == ["/usr/bin/env", "python", "t.py", "--a=2"]
    assert grid["grid_size"] == 2
    drawn = told(a={"values": [1, 2]}, b={"value": 3})["samples"]
    assert sorted(config["a"] for config in drawn[:2]) == [1, 2]  # as the run: each once, then repeats
    assert len(drawn) == 3


def test_a_gaussian_process_is_for_up_to_a_hundred_trials() -> None:
    sweep = {"method": "bayes", "metric": {"name": "loss"}, "parameters": {"x": {"min": 0.0, "max": 1.0}}}
    many = "there are more than 100 trials"
    few, over = (explain(read_sweep({**sweep, "program": "t.py", "run_cap": n})) for n in (100, 101))
    assert (few["reason"] == many, over["reason"] == many) == (False, True)


def test_problems_are_told_with_numbers_of_lines(read: Any) -> None:
    facts = explain(read("method: grid\nparameters:\n  x: {values: 3}\nfoo: 1\n"))
    (error,) = facts["errors"]
    (warning,) = facts["warnings"]
    assert (error["line"], error["column"], error["key"]) == (3, 7, "parameters.x.values")
    assert error["message"].startswith("3 is not a list; write")
    assert (warning["line"], warning["column"], warning["key"]) == (4, 1, "foo")
