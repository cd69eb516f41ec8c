"""A step of exploration, on every distribution: within the support, on the grid, of the same type."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from hpo.space.parameter import parse_parameter
from hpo.space.space import SearchSpace
from hpo.sweepfile.population import Mutation
from hpo.tune.population.explore import perturbed, step

ONE: dict[str, dict[str, Any]] = {
    "int_uniform": {"min": 1, "max": 8},
    "uniform": {"min": -1.0, "max": 3.0},
    "q_uniform": {"min": 1, "max": 8, "q": 3},
    "log_uniform": {"min": -4, "max": 1},
    "log_uniform_values": {"min": 1e-4, "max": 0.5},
    "q_log_uniform": {"min": 0, "max": 5, "q": 2},
    "q_log_uniform_values": {"min": 32, "max": 256, "q": 8},
    "inv_log_uniform": {"min": 0, "max": 4},
    "inv_log_uniform_values": {"min": 0.01, "max": 1.0},
    "normal": {"mu": 1.0, "sigma": 2.0},
    "q_normal": {"mu": 5, "sigma": 2, "q": 0.5},
    "log_normal": {"mu": 0.0, "sigma": 1.0},
    "q_log_normal": {"mu": 2, "sigma": 1, "q": 1},
    "beta": {"a": 2, "b": 3},
    "q_beta": {"a": 2, "b": 3, "q": 0.1},
    "categorical": {"values": [8, 16, 32, 64]},
    "categorical_w_probabilities": {"values": ["a", None, [1, 2]], "probabilities": [0.5, 0.2, 0.3]},
}


def distribution(name: str, keys: dict[str, Any]) -> Any:
    found = parse_parameter({"distribution": name, **keys}).distribution
    assert found is not None
    return found


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("resample", [0.0, 1.0])
def test_values_stay_within_the_support_on_the_grid_and_of_their_type(name: str, resample: float) -> None:
    d = distribution(name, ONE[name])
    space = SearchSpace.of({"x": d, "fixed": distribution("uniform", {"min": 0.0, "max": 1.0})})
    draw = Random(name)
    for begin in range(20):
        config = space.sample(begin, 0)
        kind, fixed = type(config["x"]), config["fixed"]
        for _ in range(60):
            config = perturbed(config, space, {"x": Mutation()}, resample, draw)
            support = d.support()
            if support is None:
                assert config["x"] in d.values
                continue
            assert support[0] <= config["x"] <= support[1]
            assert type(config["x"]) is kind
            if "q" in ONE[name]:
                places = config["x"] / ONE[name]["q"]
                assert places == pytest.approx(round(places))
        assert config["fixed"] == fixed


def moves(d: Any, value: Any, **settings: Any) -> set[Any]:
    return {step(d, value, Mutation(**settings), Random(seed)) for seed in range(60)}


def test_floats_are_multiplied_and_clipped() -> None:
    d = distribution("uniform", {"min": 0.0, "max": 1.0})
    assert moves(d, 0.5) == {0.4, 0.6}
    assert moves(d, 0.9) == {0.9 * 0.8, 1.0}
    assert moves(d, 0.5, factors=(0.5,)) == {0.25}


def test_whole_numbers_move_by_one_at_least() -> None:
    d = distribution("int_uniform", {"min": 1, "max": 100})
    assert moves(d, 1) == {1, 2}
    assert moves(d, 2) == {1, 3}
    assert moves(d, 50) == {40, 60}


def test_quantised_numbers_move_along_their_grid() -> None:
    d = distribution("q_uniform", {"min": 0.0, "max": 1.0, "q": 0.25})
    assert moves(d, 0.5) == {0.25, 0.75}
    assert moves(d, 1.0) == {0.75, 1.0}


def test_zero_can_be_left() -> None:
    assert len(moves(distribution("uniform", {"min": 0.0, "max": 1.0}), 0.0)) > 10


def test_ordered_categories_move_to_a_neighbour_and_others_are_drawn() -> None:
    rising, names = distribution("categorical", {"values": [8, 16, 32, 64]}), ["a", "b", "c", "d"]
    assert moves(rising, 16) == {8, 32}
    assert moves(rising, 64) == {32}
    assert moves(rising, 16, ordered=False) == {8, 16, 32, 64}
    assert moves(distribution("categorical", {"values": names}), "b") == set(names)
    assert moves(distribution("categorical", {"values": names}), "b", ordered=True) == {"a", "c"}
    assert moves(distribution("categorical", {"values": [True, False]}), True) == {True, False}


def test_nested_parameters_change_in_a_copy_and_absent_ones_are_passed_over() -> None:
    d = distribution("uniform", {"min": 0.0, "max": 1.0})
    space = SearchSpace.of({"before": d, "outer": {"x": d, "y": d}, "when": d})
    config = {"outer": {"x": 0.5, "y": 0.5}}
    named = dict.fromkeys(("before", "outer.x", "when"), Mutation())
    changed = perturbed(config, space, named, 0.0, Random(1))
    assert changed["outer"]["x"] in (0.4, 0.6)
    assert changed["outer"]["y"] == 0.5
    assert config == {"outer": {"x": 0.5, "y": 0.5}}
    assert list(changed) == ["outer"]
