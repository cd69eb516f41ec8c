"""Every method over every distribution and shape of a space: it works, or `hpo check` says why not."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from hpo.space.distributions import DISTRIBUTIONS
from hpo.space.grid import Grid
from hpo.space.space import SearchSpace
from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.search import METHODS
from hpo.tune.searchers import ModelSearcher
from hpo.tune.translate import searcher

KEYS: dict[str, dict[str, Any]] = {
    "constant": {"value": 3},
    "categorical": {"values": ["a", 1, 2.5]},
    "categorical_w_probabilities": {"values": ["a", "b"], "probabilities": [0.9, 0.1]},
    "beta": {"a": 2, "b": 2},
    "q_beta": {"a": 2, "b": 2, "q": 0.25},
    "log_uniform": {"min": -9, "max": -2},
    "inv_log_uniform": {"min": 2, "max": 9},
    "q_log_uniform": {"min": 0, "max": 6, "q": 8},
}
BOUNDED = {"min": 1, "max": 9}
SHAPES: dict[str, dict[str, Any]] = {
    **{
        name: {"p": {"distribution": name, **KEYS.get(name, BOUNDED if "uniform" in name else {})}}
        for name in DISTRIBUTIONS
    },
    "nested": {"a": {"parameters": {"b": {"parameters": {"p": {"min": 0.0, "max": 1.0}}}}}},
    "dotted": {"a.b": {"min": 1, "max": 9}, "a": {"parameters": {"b": {"values": [1, 2]}}}},
    "opaque": {"p": {"values": [None, [1, 2], {"deep": [None]}, True, "x"]}},
    "weighted, opaque": {"p": {"values": [None, [1]], "probabilities": [0.5, 0.5]}},
    "single": {"p": {"values": ["only"]}, "q": {"values": [1], "probabilities": [1.0]}},
    "mixed": {
        "p": {"values": [16, 32, 64, 128]},
        "n": {"min": 1, "max": 4},
        "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    },
    "conditional": {
        "p": {"values": ["adam", "sgd"]},
        "momentum": {"min": 0.0, "max": 1.0, "when": {"p": "sgd"}},
        "layers": {"min": 1, "max": 3},
        "second": {
            "parameters": {"width": {"min": 4, "max": 64}, "skip": {"values": [True, False]}},
            "when": {"layers": [2, 3]},
        },
        "third": {"values": [1, 2], "when": {"layers": 3, "second.skip": True}},
    },
}
BESIDE = {"x": {"min": 0.0, "max": 1.0}, "k": {"values": ["a", "b"]}}
"""Something to search in every space, for the model-based methods."""


def read(method: str, parameters: dict[str, Any], **search: Any) -> Any:
    sweep = {
        "method": method,
        "metric": {"name": "loss"},
        "parameters": parameters,
        "hpo": {"search": search},
    }
    return read_sweep(sweep | {"early_terminate": {"type": "hyperband", "min_iter": 1}})


def play(search: Any, count: int, beside: int = 8, reload: int = -1) -> list[Any]:
    """Suggestions for `count` trials, `beside` of them running at a time; some fail, some give NaN."""
    configs: list[Any] = []
    for number in range(count):
        if number == reload:
            search = pickle.loads(pickle.dumps(search))
        configs.append(search.suggest(str(number)))
        ended = number - beside
        if ended < 0:
            continue
        loss = configs[ended].get("x", 0.5) + len(str(configs[ended])) / 100
        if ended % 5 == 2:
            search.on_trial_complete(str(ended), None, error=True)
        elif ended % 5 == 3:
            search.on_trial_complete(str(ended), {"loss": math.nan, "training_iteration": 3})
        else:
            search.on_trial_result(str(ended), {"loss": loss + 1, "training_iteration": 1})
            search.on_trial_complete(str(ended), {"loss": loss, "training_iteration": 3})
    return configs


def fits(space: SearchSpace, config: dict[str, Any]) -> bool:
    """Whether all that should be there is there, nothing else, with values that can be."""
    values = space.values(config)
    return bool(space.nest(values, space.active(values)) == config)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_searches_every_space_or_is_refused(method: str, shape: str) -> None:
    options = (
        {"startup": 4}
        if method in ("tpe", "gp", "cmaes", "nsga2")
        else {"min_points": 3}
        if method == "bohb"
        else {}
    )
    loaded = read(method, SHAPES[shape] | (BESIDE if method != "grid" else {}), **options)
    if method == "grid" and loaded.errors:
        assert all("cannot be listed by grid" in problem.message for problem in loaded.errors)
        return
    space, count = loaded.valid().space, 8 if method == "gp" else 18
    if method == "grid":
        cells = list(Grid(space))
        assert len({repr(cell) for cell in cells}) == len(cells)
        count = min(count, len(cells))
    configs = play(searcher(loaded.valid(), 1), count, beside=3)
    for config in configs:
        assert fits(space, config), config


@pytest.mark.parametrize("method", [name for name in METHODS if name != "grid"])
def test_a_copy_that_was_told_the_same_goes_on_alike(method: str) -> None:
    parameters = SHAPES["conditional"] | BESIDE
    count = 15 if method == "gp" else 30
    whole = play(searcher(read(method, parameters).valid(), 5), count, beside=4)
    assert play(searcher(read(method, parameters).valid(), 5), count, beside=4, reload=13) == whole
    assert play(searcher(read(method, parameters).valid(), 6), 5, beside=4) != whole[:5]


@pytest.mark.parametrize("method", ["tpe", "gp", "cmaes", "qmc", "bohb", "nsga2"])
def test_eight_trials_at_once_differ(method: str) -> None:
    parameters = {"x": {"min": 0.0, "max": 1.0}, "y": {"distribution": "normal"}}
    configs = play(searcher(read(method, parameters).valid(), 2), 24, beside=8)
    assert len({repr(config) for config in configs}) == 24


def late_loss(method: str, trials: int, **options: Any) -> float:
    """Sum of the losses of the last 15 of `trials` trials."""
    parameters = {
        "x": {"min": 0.0, "max": 1.0},
        "n": {"distribution": "normal", "mu": 3},
        "i": {"min": 1, "max": 9},
    }
    search, losses = searcher(read(method, parameters, **options).valid(), 3), list[float]()
    for number in range(trials):
        config = search.suggest(str(number))
        losses.append((config["x"] - 0.3) ** 2 + (config["n"] - 2) ** 2 + abs(config["i"] - 7))
        search.on_trial_complete(str(number), {"loss": losses[-1], "training_iteration": 1})
    return sum(losses[-15:])


@pytest.mark.parametrize("method", ["tpe", "gp", "cmaes", "bohb", "nsga2"])
def test_models_come_closer_than_random_draws(method: str) -> None:
    assert late_loss(method, 40) < 0.8 * late_loss("random", 40)


def test_cmaes_with_margin_learns_from_all_that_it_has_suggested() -> None:
    assert late_loss("cmaes", 80, margin=True) < 0.5 * late_loss("random", 80)


@pytest.mark.parametrize("method", ["tpe", "gp", "cmaes", "nsga2"])
def test_without_random_trials_the_model_makes_the_first_suggestion(method: str) -> None:
    search: Any = searcher(read(method, BESIDE, startup=0).valid(), 1)
    first = search.suggest("0")
    assert first != search.start.config(0)
    assert fits(search.space, first)


def test_a_third_of_bohbs_suggestions_stay_random_unless_it_is_told_otherwise() -> None:
    search: Any = searcher(read("bohb", BESIDE).valid(), 1)
    for number in range(4):
        loss = search.suggest(str(number))["x"]
        search.on_trial_result(str(number), {"loss": loss, "training_iteration": 1})
    assert search.budget == 1
    random = sum(search.unmodelled(index) for index in range(1000, 4000))
    assert random / 3000 == pytest.approx(1 / 3, abs=0.03)


def test_qmc_needs_no_history() -> None:
    sweep = read("qmc", BESIDE).valid()
    whole = [searcher(sweep, 4)] * 1
    configs = [whole[0].suggest(str(number)) for number in range(20)]
    later: Any = searcher(sweep, 4)
    later.suggested = 12
    assert [later.suggest("a"), later.suggest("b")] == configs[12:14]
    quarters = [int(4 * config["x"]) for config in configs[:16]]
    assert [quarters.count(n) for n in range(4)] == [4, 4, 4, 4]


def test_bohb_asks_the_model_of_the_highest_budget_that_enough_trials_reached() -> None:
    search: Any = searcher(read("bohb", BESIDE, min_points=3, random_fraction=0).valid(), 1)
    for number in range(12):
        config = search.suggest(str(number))
        search.on_trial_result(str(number), {"loss": 1 - config["x"], "training_iteration": 1})
        if number % 4 == 0:
            search.on_trial_result(str(number), {"loss": config["x"], "training_iteration": 9})
        search.on_trial_complete(
            str(number), {"loss": config["x"], "training_iteration": 9 if number % 4 == 0 else 1}
        )
        assert search.budget == (None if number < 2 else 1 if number < 8 else 9)
    assert len(search.budgets[9]) == 3
    assert sorted(search.prepare().study.get_trials(), key=lambda t: t.number)[0].value == pytest.approx(
        search.budgets[9][0].value
    )


@pytest.mark.parametrize(
    ("options", "random"), [({}, 4), ({"min_points": 6}, 6), ({"startup": 7}, 7), ({"points": [{}] * 5}, 5)]
)
def test_bohb_draws_until_it_has_a_model_unless_startup_says_how_long(
    options: dict[str, Any], random: int
) -> None:
    search: Any = searcher(read("bohb", BESIDE, random_fraction=0, **options).valid(), 1)
    drawn = []
    for number in range(12):
        drawn.append(search.unmodelled(number))
        loss = search.suggest(str(number))["x"]
        search.on_trial_complete(str(number), {"loss": loss, "training_iteration": 1})
    assert drawn == [True] * random + [False] * (12 - random)


def test_bohb_takes_a_failed_trial_for_the_worst_at_every_budget() -> None:
    search: Any = searcher(read("bohb", BESIDE).valid(), 1)
    for number, losses in enumerate([(3.0, 1.0), (2.0, 5.0)]):
        search.suggest(str(number))
        search.on_trial_result(
            str(number), {"loss": losses[0], "hpo_best": losses[0], "training_iteration": 1}
        )
        search.on_trial_complete(
            str(number), {"loss": losses[1], "hpo_best": losses[1], "training_iteration": 9}
        )
    search.suggest("2")
    search.on_trial_complete("2", None, error=True)
    assert [search.budgets[step][2].value for step in (1, 9)] == [3.0, 5.0]


@pytest.mark.parametrize("method", ["tpe", "gp", "cmaes", "bohb", "nsga2"])
def test_what_a_model_remembers_is_bounded(method: str) -> None:
    search: Any = searcher(read(method, BESIDE, startup=3000).valid(), 1)
    assert isinstance(search, ModelSearcher)
    for number in range(3000):
        config = search.suggest(str(number))
        search.on_trial_complete(str(number), {"loss": config["x"], "training_iteration": 1})
    memory = search.memory
    assert len(search.history) < memory.most + memory.slack
    assert min(point.value or 0.0 for point in search.history) < 0.002
    assert max(point.index for point in search.history) == 2999


@pytest.mark.parametrize("method", ["random", "qmc", "tpe", "gp", "cmaes", "bohb", "nsga2"])
def test_points_come_first_and_are_filled_by_the_draw_of_their_place(method: str) -> None:
    sweep = read(method, BESIDE, points=[{"x": 0.25}, {"k": "b", "x": 1}]).valid()
    plain = searcher(read(method, BESIDE).valid(), 1)
    search = searcher(sweep, 1)
    first, second = search.suggest("0"), search.suggest("1")
    assert first == {"x": 0.25, "k": plain.suggest("0")["k"]}
    assert second == {"x": 1.0, "k": "b"}


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([{"X": 0.5}], "hpo.search.points.0.X: no parameter is called 'X'; did you mean 'x'?"),
        ([{"x": 1.5}], "hpo.search.points.0.x: 1.5 is not between 0 and 1"),
        ([{"x": 0.5}, {"k": "c"}], "hpo.search.points.1.k: 'c' is not one of its values"),
    ],
)
def test_points_are_checked_against_the_space(points: list[Any], said: str) -> None:
    (error,) = read("tpe", BESIDE, points=points).errors
    assert said in str(error)


@pytest.mark.parametrize(
    ("method", "parameters", "search", "said"),
    [
        ("gp", BESIDE, {"population": 8}, "gp has no option 'population'; it belongs to cmaes"),
        ("tpe", BESIDE, {"starttup": 8}, "unknown key 'starttup'; did you mean 'startup'?"),
        ("cmaes", BESIDE, {"population": 1}, "population: 1: input should be greater than or equal to 2"),
        ("cmaes", {"k": {"values": [1, 2]}}, {}, "cmaes moves numbers, and every parameter here is a choice"),
        ("gp", {"k": {"value": 1}}, {}, "every parameter is constant"),
        ("mine:Search", BESIDE, {}, "module 'mine' is not in"),
    ],
)
def test_what_does_not_fit_is_said(method: str, parameters: Any, search: Any, said: str) -> None:
    assert any(said in str(error) for error in read(method, parameters, **search).errors)


@pytest.mark.parametrize(
    ("sampler", "reason", "count", "parameters"),
    [
        ("gp", "mostly numeric", 50, BESIDE | {"y": {"min": 0.0, "max": 1.0}}),
        ("tpe", "more than 100 trials", 500, BESIDE),
        ("tpe", "not known", None, BESIDE),
        ("tpe", "conditional", 50, SHAPES["conditional"]),
        ("tpe", "1 of 2 parameters are choices", 50, BESIDE),
    ],
)
def test_bayes_chooses_and_says_why(sampler: str, reason: str, count: int | None, parameters: Any) -> None:
    from hpo.sweepfile.explain import explain

    sweep = {"method": "bayes", "metric": {"name": "loss"}, "parameters": parameters, "program": "t.py"}
    told = explain(read_sweep(sweep | ({"run_cap": count} if count else {})))
    assert told["sampler"] == sampler
    assert reason in told["reason"]
