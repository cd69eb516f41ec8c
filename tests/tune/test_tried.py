"""No configuration of a finite space twice before all were tried, whatever the method."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray.tune.search import Searcher

from hpo.space.cells import Cells, identity
from hpo.sweepfile.load import read_sweep
from hpo.tune.earlier import Earlier
from hpo.tune.searcher import SpaceSearcher
from hpo.tune.translate import searcher

MODELS = ("tpe", "gp", "cmaes", "bohb", "nsga2")
METHODS = ("random", "qmc", *MODELS)
SMALL: dict[str, Any] = {
    "n": {"min": 1, "max": 4},
    "kind": {"values": ["a", "b"]},
    "deep": {"min": 1, "max": 2, "when": {"kind": "b"}},
    "q": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.5, "when": {"kind": "a"}},
    "rare": {"values": ["x", "never", "y"], "probabilities": [0.9, 0, 0.1]},
}
"""4 · (2 + 3) · 2 = 40 configurations."""
FINITE: dict[str, Any] = {
    "n": {"min": 1, "max": 60},
    "m": {"min": 0, "max": 60},
    "kind": {"values": ["a", "b", "c", [1, 2]]},
    "q": {"distribution": "q_uniform", "min": 1, "max": 80, "q": 3, "when": {"kind": "a"}},
    "w": {"values": [1, 2, 3], "probabilities": [0.5, 0.3, 0.2]},
    "fixed": {"value": {"a": [1]}},
}
MIXED: dict[str, Any] = {
    "x": {"min": 0.0, "max": 1.0},
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    "normal": {"distribution": "normal"},
    "kind": {"values": ["a", "b", "c"]},
    "beta": {"distribution": "beta", "a": 2, "b": 2, "when": {"kind": "a"}},
    "q": {"distribution": "q_log_uniform_values", "min": 1, "max": 300, "q": 8},
    "w": {"values": [1, 2, 3], "probabilities": [0.5, 0.3, 0.2]},
}


def make(method: str, parameters: dict[str, Any], seed: int = 1, **own: Any) -> Any:
    """A searcher that asks its model from early on."""
    early = {"startup": 4} if method in MODELS and method != "bohb" else {}
    early = {"min_points": 3, "startup": 4} if method == "bohb" else early
    sweep = {
        "method": method,
        "metric": {"name": "loss"},
        "parameters": parameters,
        "hpo": {"search": early | own.pop("search", {}), **own},
        "early_terminate": {"type": "hyperband", "min_iter": 1},
    }
    return searcher(read_sweep(sweep).valid(), seed)


def loss(config: dict[str, Any]) -> float:
    return float(sum(value for value in config.values() if isinstance(value, (int, float)))) + len(
        str(config.get("kind"))
    )


def tell(search: Any, number: int, config: dict[str, Any]) -> None:
    """How trial `number` ended: some failed."""
    if number % 7 == 5:
        search.on_trial_complete(str(number), None, error=True)
        return
    search.on_trial_result(str(number), {"loss": loss(config) + 1, "training_iteration": 1})
    search.on_trial_complete(str(number), {"loss": loss(config), "training_iteration": 3})


def play(search: Any, count: int, beside: int = 1, first: int = 0, before: Any = ()) -> list[Any]:
    """Suggestions for `count` trials from `first` on, each told once `beside` - 1 more were asked for."""
    configs = list(before)
    for number in range(first, first + count):
        configs.append(search.suggest(str(number)))
        if number - beside + 1 >= 0:
            tell(search, number - beside + 1, configs[number - beside + 1])
    return configs


def different(search: SpaceSearcher, configs: list[Any]) -> int:
    return len({repr(identity(search.space, config)) for config in configs})


@pytest.mark.parametrize("beside", [1, 8])
@pytest.mark.parametrize("method", METHODS)
def test_all_come_before_any_comes_again(method: str, beside: int) -> None:
    size = 10 if method == "gp" else 40
    search = make(method, SMALL | ({"n": {"value": 1}} if method == "gp" else {}))
    configs = play(search, size, beside)
    assert different(search, configs) == size == search.tried.size
    assert all(config["rare"] != "never" for config in configs)
    assert search.notes == []
    again = play(search, 5, beside, size, configs)
    assert len(again) == search.suggested == size + 5
    assert search.notes == [f"all {size} configurations of the space were tried; from now on they repeat"]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "gp"])
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_method_repeats_itself_in_any_finite_space(method: str, data: Any) -> None:
    kinds = st.sampled_from(
        [
            {"min": 1, "max": 4},
            {"values": ["a", "b", [1]]},
            {"values": [1, 1.0, True]},
            {"distribution": "q_uniform", "min": 0.5, "max": 8.5, "q": 2},
            {"distribution": "q_beta", "a": 1, "b": 3, "q": 0.25},
            {"values": ["x", "y", "z"], "probabilities": [0.2, 0, 0.8]},
            {"value": 3},
        ]
    )
    parameters: dict[str, Any] = {"n": {"min": 1, "max": 3}}
    for name in "abc"[: data.draw(st.integers(0, 3))]:
        parameters[name] = dict(data.draw(kinds))
        if data.draw(st.booleans()):
            parameters[name]["when"] = {"n": data.draw(st.sampled_from([1, [1, 3]]))}
    search = make(method, parameters, data.draw(st.integers(0, 9)))
    count = min(search.tried.size, 40)
    configs = play(search, count, data.draw(st.sampled_from([1, 4])))
    assert different(search, configs) == count
    assert search.tried.exhausted == (count == search.tried.size)


@pytest.mark.parametrize("method", METHODS)
def test_what_came_twice_before_may_again_where_that_is_allowed(method: str) -> None:
    small, count = (SMALL | {"n": {"value": 1}}, 10) if method == "gp" else (SMALL, 25)
    search = make(method, small, allow_duplicates=True)
    assert search.tried is None
    assert different(search, play(search, count)) < count


def test_a_space_with_a_continuous_parameter_is_not_watched() -> None:
    assert make("random", MIXED).tried is None
    assert make("tpe", {"n": {"distribution": "q_normal"}}).tried is None
    assert make("grid", SMALL | {"q": {"value": 1}, "rare": {"value": 1}}).tried is None


@pytest.mark.parametrize("method", METHODS)
def test_points_count_as_tried_and_one_given_twice_gives_way(method: str) -> None:
    parameters = {"n": {"min": 1, "max": 3}, "k": {"values": ["a", "b"]}}
    points = [{"n": 2, "k": "a"}, {"k": "b"}, {"n": 2, "k": "a"}]
    search = make(method, parameters, search={"points": points})
    configs = play(search, 6)
    assert configs[0] == points[0]
    assert configs[1]["k"] == "b"
    assert different(search, configs) == 6


def test_trials_of_earlier_runs_may_come_again() -> None:
    search = make("tpe", {"n": {"min": 1, "max": 4}})
    assert search.recall([Earlier({"n": n}, float(n)) for n in (1, 2, 3, 4)] * 3)
    assert sorted(config["n"] for config in play(search, 4)) == [1, 2, 3, 4]


@pytest.mark.parametrize("method", [name for name in MODELS if name != "gp"])
def test_a_copy_beside_knows_what_was_tried_and_what_was_withdrawn(method: str) -> None:
    """As the engine does it: the copy suggests ahead, the original takes over and withdraws."""
    here = make(method, SMALL)
    configs = play(here, 6)
    beside = pickle.loads(pickle.dumps(here))
    for number in range(6, 30):
        configs.append(beside.suggest(str(number)))
        here.adopt(str(number), pickle.loads(pickle.dumps(beside.running[str(number)])))
        if number >= 8:
            tell(here, number - 2, configs[number - 2])
            tell(beside, number - 2, configs[number - 2])
    assert here.tried.numbers == beside.tried.numbers
    for number in (29, 28):
        here.withdraw(str(number))
    beside = pickle.loads(pickle.dumps(here))
    configs = configs[:28]
    for number in range(28, 40):
        configs.append(here.suggest(str(number)))
        assert beside.suggest(str(number)) == configs[-1]
    assert different(here, configs) == 40
    repeated = here.suggest("40")
    assert len(here.notes) == 1
    here.withdraw("40")
    assert here.tried.exhausted
    assert here.suggest("40") == repeated
    assert len(here.notes) == 1


def resumed(method: str, parameters: dict[str, Any], configs: list[Any], beside: int) -> Any:
    """A fresh searcher that was given the record: what was suggested, and what was told, in that order."""
    search = make(method, parameters)
    for number, config in enumerate(configs):
        search.resumed(str(number), json.loads(json.dumps(config)))
        if number - beside + 1 >= 0:
            tell(search, number - beside + 1, configs[number - beside + 1])
    return search


@pytest.mark.parametrize(
    ("method", "parameters", "beside"),
    [
        *(
            (name, space, n)
            for name in METHODS
            if name != "gp"
            for space, n in ((SMALL, 1), (SMALL, 4), (FINITE, 4), (MIXED, 4))
        ),
        ("gp", SMALL, 1),
        ("gp", MIXED, 4),
    ],
)
def test_a_fresh_searcher_that_took_over_the_record_goes_on_alike(
    method: str, parameters: dict[str, Any], beside: int
) -> None:
    count = 8 if method == "gp" else 26
    whole = make(method, parameters)
    configs = play(whole, count, beside)
    again = resumed(method, parameters, configs, beside)
    assert again.suggested == count
    assert again.notes == whole.notes
    expected = play(whole, 4, beside, count, configs)
    assert play(again, 4, beside, count, configs) == expected


@pytest.mark.parametrize("method", ["tpe", "nsga2"])
def test_the_record_may_be_taken_over_before_anything_is_told(method: str) -> None:
    whole = make(method, MIXED)
    configs = play(whole, 10, 3)
    again = make(method, MIXED)
    for number, config in enumerate(configs):
        again.resumed(str(number), config)
    for number in range(8):
        tell(again, number, configs[number])
    assert play(again, 3, 3, 10, configs) == play(whole, 3, 3, 10, configs)


@pytest.mark.parametrize("options", [{}, {"margin": True}])
@pytest.mark.parametrize("parameters", [SMALL, MIXED], ids=["small", "mixed"])
def test_cmaes_goes_on_from_a_record_whose_order_is_lost(parameters: Any, options: dict[str, Any]) -> None:
    whole = make("cmaes", parameters, search=options)
    configs = play(whole, 30, 5)
    again = make("cmaes", parameters, search=options)
    for number, config in enumerate(configs):
        again.resumed(str(number), config)
        tell(again, number, config)
    marked = [point for point in again.history if any("generation" in mark for mark in point.marks)]
    assert options or len(marked) >= 20
    later = play(again, 8, 1, 30, configs)[30:]
    assert different(again, later) == 8


def test_a_space_of_more_cells_than_a_machine_counts_is_searched_as_any() -> None:
    search = make("tpe", {f"n{n}": {"min": 1, "max": 1000} for n in range(30)})
    assert search.tried.size == 1000**30
    assert different(search, play(search, 12)) == 12


def test_grid_counts_the_cells_that_it_takes_over() -> None:
    parameters = {"a": {"values": [1, 2]}, "b": {"values": [3, 4]}}
    search = make("grid", parameters)
    search.resumed("0", {"a": 1, "b": 3})
    assert [search.suggest(str(n)) for n in (1, 2, 3)] == list(Cells(search.space))[1:]
    assert search.suggest("4") == Searcher.FINISHED


@pytest.mark.parametrize("method", ["random", "qmc"])
def test_a_saved_searcher_knows_what_was_tried(method: str, tmp_path: Any) -> None:
    whole, first, second = (make(method, SMALL) for _ in range(3))
    expected = play(whole, 40)
    begun = play(first, 17)
    first.save(str(tmp_path / "state"))
    second.restore(str(tmp_path / "state"))
    assert play(second, 23, 1, 17, begun) == expected


def test_a_recorded_configuration_that_is_none_of_the_space_is_refused() -> None:
    with pytest.raises(ValueError, match="'n' is never 9"):
        make("random", {"n": {"min": 1, "max": 4}}).resumed("0", {"n": 9})
    with pytest.raises(KeyError, match="n"):
        make("random", {"n": {"min": 1, "max": 4}}).resumed("0", {"m": 9})
