"""Order and de-duplication of grids against `sweeps` 0.3.0, on real W&B suggestions."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from hpo.space.grid import Grid
from hpo.sweepfile.load import load_sweep

pytestmark = pytest.mark.oracle

V = "values"
SPACES: list[dict[str, Any]] = [
    {"a": {V: [1, 2, 3]}},
    {"a": {V: [3, 1, 2]}, "b": {V: ["x", "y"]}},
    {"b": {V: [1, 2]}, "B": {V: [1, 2]}, "a": {V: [1, 2]}, "_": {V: [1, 2]}},
    {"a": {V: [1, 1.0, True, "1", 2]}},
    {"a": {V: [1.0, 1, 2.5, 2.5]}},
    {"a": {V: [True, False, True]}, "b": {V: [0, 1]}},
    {"a": {V: [None, "None", 0, ""]}},
    {"a": {V: [[1, 2], [1, 2.0], [2, 1], [1, 2]]}},
    {"a": {V: [{"x": 1, "y": 2}, {"y": 2, "x": 1}, {"x": 1}]}},
    {"a": {V: [{"x": [1, {"deep": None}]}, 3]}, "b": {V: ["p", "q", "p"]}},
    {"a": {"min": 1, "max": 5}},
    {"a": {"min": -2, "max": 1}, "b": {V: [1, 2]}},
    {"a": {"distribution": "int_uniform", "min": 0, "max": 3}},
    {"a": {"distribution": "q_uniform", "min": 0, "max": 10, "q": 3}},
    {"a": {"distribution": "q_uniform", "min": 1, "max": 8, "q": 2}},
    {"a": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.1}},
    {"a": {"distribution": "q_uniform", "min": 0.5, "max": 3}},
    {"a": {"distribution": "q_uniform", "min": -1, "max": 1, "q": 0.25}, "b": {"min": 1, "max": 2}},
    {"a": {"value": 1}},
    {"a": {"value": 1}, "b": {"value": {"x": [1, 2]}}},
    {"a": {"value": 5}, "b": {V: [1, 2]}, "c": {"value": None}},
    {"n": {"parameters": {"x": {V: [1, 2]}, "y": {V: [3, 4]}}}},
    {"n": {"parameters": {"x": {V: [1, 2]}}}, "m": {V: [5, 6]}, "o": {V: [7, 8]}},
    {"n": {"parameters": {"b": {V: [1, 2]}, "A": {"parameters": {"z": {V: [1, 2]}, "y": {"value": 9}}}}}},
    {"opt.lr": {V: [1, 2]}, "opt": {"parameters": {"lr": {V: [3, 4]}}}},
    {"a.b": {V: [1, 2]}, "a": {V: [3, 4]}, "a-b": {V: [5, 6]}},
    {"z": {V: ["b", "a"]}, "y": {V: [2, 1]}, "x": {V: [[], {}]}},
    {"a": {V: ["ü", "µ", "a b"]}, "b": {V: ["-", "#"]}},
    {"a": {V: ["1e-5x", "0x1", "yes"]}},
    {"a": {V: [1e-5, 1e16, -0.0, 0]}},
    {"a": {V: [float("inf"), 1, float("-inf")]}},
    {"a": {V: [float("nan"), 1, float("nan"), 1.0]}},
    {"a": {V: [1, 1.0, True, "1", [1], [1.0], {"k": 1}, {"k": 1.0}]}, "A": {"value": {"x": None}}},
    {
        "n": {
            "parameters": {"s": {"distribution": "q_uniform", "min": 1, "max": 4}, "i": {"min": 0, "max": 1}}
        }
    },
    {"lr": {V: [0.1, 0.01]}, "Batch": {V: [32, 64]}, "seed": {"min": 1, "max": 3}, "tag": {"value": "t"}},
]


def drawn(generator: random.Random) -> dict[str, Any]:
    """A random space."""
    pool = [1, 1.0, 2, "1", "a", True, False, None, [1], [1.0], {"k": 1}, 0.5, "b", 0]
    names = generator.sample(["a", "B", "c.d", "_e", "F1", "zz"], generator.randint(1, 4))
    return {name: {V: [generator.choice(pool) for _ in range(generator.randint(1, 5))]} for name in names}


ALL = SPACES + [drawn(random.Random(seed)) for seed in range(40)]


def cells(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return list(Grid(load_sweep({"method": "grid", "parameters": parameters}).space))


def test_order_and_duplicates(oracle: Any) -> None:
    parameters = [json.loads(json.dumps(space)) for space in ALL]
    answers = oracle([["grid", space, 2000] for space in parameters])
    for space, answer in zip(parameters, answers, strict=True):
        theirs = answer["ok"]
        assert theirs[-1] is None, "the grid is larger than what was asked for"
        ours = cells(space)
        assert json.dumps(ours, sort_keys=True) == json.dumps(theirs[:-1], sort_keys=True), space
        assert Grid(load_sweep({"method": "grid", "parameters": space}).space).size == len(theirs) - 1


@pytest.mark.parametrize(
    "parameter",
    [
        {"min": 0.0, "max": 1.0},
        {"distribution": "normal"},
        {"values": [1, 2], "probabilities": [0.5, 0.5]},
        {"distribution": "q_log_uniform_values", "min": 1, "max": 8},
    ],
)
def test_what_grid_refuses(oracle: Any, parameter: dict[str, Any]) -> None:
    (answer,) = oracle([["grid", {"a": parameter}, 3]])
    assert "disallowed type with grid search" in answer["error"]
    with pytest.raises(Exception, match="cannot be listed by grid"):
        load_sweep({"method": "grid", "parameters": {"a": parameter}})
