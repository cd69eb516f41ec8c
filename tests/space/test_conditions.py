"""Conditional parameters: which are there, the unit cube, and what is wrong with a condition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.space.space import SearchSpace
from hpo.sweepfile.load import read_sweep

PARAMETERS: dict[str, Any] = {
    "optimizer": {"values": ["adam", "sgd", None]},
    "momentum": {"min": 0.0, "max": 1.0, "when": {"optimizer": "sgd"}},
    "nesterov": {"value": True, "when": {"optimizer": "sgd"}},
    "layers": {"min": 1, "max": 3},
    "net": {
        "parameters": {
            "width": {"min": 4, "max": 64},
            "skip": {"values": [True, False]},
            "gate": {"values": [1, 2], "when": {"skip": True, "optimizer": [None, "adam"]}},
        },
        "when": {"layers": [2, 3]},
    },
    "sizes": {"values": [[1, 2], [3]]},
    "extra": {"min": 0.0, "max": 1.0, "when": {"sizes": [1, 2]}},
    "far": {"values": ["a"], "probabilities": [1.0], "when": {"net.gate": 2.0}},
}


def space(parameters: dict[str, Any]) -> SearchSpace:
    return read_sweep({"method": "random", "parameters": parameters}).valid().space


def expected(values: dict[str, Any]) -> set[str]:
    """The names that should be there, worked out by hand."""
    names = {"optimizer", "layers", "sizes"}
    names |= {"momentum", "nesterov"} if values["optimizer"] == "sgd" else set()
    names |= {"extra"} if values["sizes"] == [1, 2] else set()
    if values["layers"] >= 2:
        names |= {"net"}
        gated = values["net"]["skip"] and values["optimizer"] != "sgd"
        assert set(values["net"]) == {"width", "skip"} | ({"gate"} if gated else set())
        names |= {"far"} if gated and values["net"]["gate"] == 2 else set()
    return names


def test_only_what_is_active_is_there() -> None:
    seen = [space(PARAMETERS).sample(1, index) for index in range(300)]
    for config in seen:
        assert set(config) == expected(config)
    assert any("far" in config for config in seen)


@given(st.lists(st.floats(0.001, 0.999), min_size=8, max_size=8))
def test_encode_then_decode_gives_the_configuration_again(point: list[float]) -> None:
    made = space(PARAMETERS)
    config = made.decode(point)
    again = made.decode(made.encode(config))
    assert set(again) == set(config)
    for name in set(config) - {"momentum", "extra"}:
        assert again[name] == config[name]


@pytest.mark.parametrize("change", [{"momentum": 0.5}, {"layers": 2}, {"layers": 7}])
def test_what_should_not_or_should_be_there_does_not_fit(change: dict[str, Any]) -> None:
    config = {"optimizer": "adam", "layers": 1, "sizes": [3]}
    assert space(PARAMETERS).encode(config)
    with pytest.raises((KeyError, ValueError)):
        space(PARAMETERS).encode(config | change)


def test_a_condition_changes_no_other_draw() -> None:
    plain = {name: {k: v for k, v in entry.items() if k != "when"} for name, entry in PARAMETERS.items()}
    del plain["net"]["parameters"]["gate"]["when"]
    for index in range(50):
        config, whole = space(PARAMETERS).sample(3, index), space(plain).sample(3, index)
        assert all(whole[name] == config[name] for name in set(config) - {"net"})


@pytest.mark.parametrize(
    ("when", "key", "said"),
    [
        (
            {"optimiser": "sgd"},
            "x.when.optimiser",
            "no parameter is called 'optimiser'; did you mean 'optimizer'?",
        ),
        (
            {"optimizer": "rms"},
            "x.when.optimizer",
            "'rms' is not one of its values; it can be adam, sgd, None",
        ),
        ({"optimizer": ["sgd", "rms"]}, "x.when.optimizer", "'rms' is not one of its values"),
        ({"optimizer": []}, "x.when.optimizer", "the list is empty"),
        ({"layers": 5}, "x.when.layers", "5 is not between 1 and 3"),
        ({"momentum": 0.5}, "x.when.momentum", "'momentum' is uniform: no single value"),
        ({"x": 1}, "x.when.x", "it depends on itself"),
        ({"y": 1}, "x.when.y", "the conditions go round: x → y → x"),
        ("sgd", "x.when", "a condition is a mapping; write `when: {other: value}`"),
    ],
)
def test_faults_are_told_with_their_place(when: Any, key: str, said: str) -> None:
    added = {"x": {"values": [1, 2], "when": when}}
    if when == {"y": 1}:
        added["y"] = {"values": [1, 2], "when": {"x": 1}}
    problems = read_sweep({"method": "random", "parameters": PARAMETERS | added}).problems
    assert any(problem.key == f"parameters.{key}" for problem in problems)
    assert any(said in problem.text for problem in problems), [p.text for p in problems]
