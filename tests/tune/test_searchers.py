import itertools
import math
from typing import Any

import pytest
from ray.tune.search import Searcher

from hpo.sweepfile.load import load_sweep
from hpo.tune.searchers import SEARCHERS
from hpo.tune.translate import searcher

SPACE: dict[str, Any] = {
    "constant": {"value": {"deep": [1, None]}},
    "choice": {"values": ["adam", None, [1, 2], {"a": 1e-5}, True]},
    "weighted": {"values": ["a", "b"], "probabilities": [0.9, 0.1]},
    "single": {"values": ["only"]},
    "integer": {"min": 1, "max": 9},
    "real": {"min": 0.0, "max": 1.0},
    "q": {"distribution": "q_uniform", "min": 1, "max": 8, "q": 3},
    "log": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    "exponent": {"distribution": "log_uniform", "min": -9, "max": -2},
    "inverse": {"distribution": "inv_log_uniform_values", "min": 1e-3, "max": 1.0},
    "qlog": {"distribution": "q_log_uniform_values", "min": 1, "max": 300, "q": 8},
    "normal": {"distribution": "normal"},
    "qnormal": {"distribution": "q_normal", "sigma": 5, "q": 2},
    "lognormal": {"distribution": "log_normal"},
    "beta": {"distribution": "beta", "a": 2, "b": 2},
    "dotted.name": {"min": 0.0, "max": 1.0},
    "nest": {"parameters": {"inner": {"parameters": {"x": {"min": 0.0, "max": 1.0}}}}},
}


def sweep(method: str, parameters: dict[str, Any] = SPACE) -> Any:
    return load_sweep({"method": method, "metric": {"name": "loss"}, "parameters": parameters})


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_every_distribution_is_searched_within_its_support(method: str) -> None:
    loaded = sweep(method)
    search = searcher(loaded, 1)
    for number in range(30):
        config = search.suggest(str(number))
        assert config["constant"] == {"deep": [1, None]}
        assert config["single"] == "only"
        assert config["choice"] in SPACE["choice"]["values"]
        assert config["q"] in (0, 3, 6, 9)
        assert 0 <= config["nest"]["inner"]["x"] <= 1
        for leaf in loaded.space.leaves:
            support = leaf.distribution.support()
            value = loaded.space.value(config, leaf)
            assert support is None or support[0] <= value <= support[1], leaf.name
        search.on_trial_complete(str(number), {"loss": config["real"]})


def test_bayes_begins_with_the_draws_that_check_shows() -> None:
    loaded = sweep("bayes")
    search = searcher(loaded, 5)
    assert [search.suggest(str(i)) for i in range(10)] == [loaded.space.sample(5, i) for i in range(10)]


def test_bayes_moves_towards_the_minimum() -> None:
    parameters = {"x": {"min": 0.0, "max": 1.0}, "n": {"distribution": "normal", "mu": 3}}
    late = {"random": 0.0, "bayes": 0.0}
    for method, seed in itertools.product(late, range(3)):
        search = searcher(sweep(method, parameters), seed)
        for number in range(60):
            config = search.suggest(str(number))
            loss = (config["x"] - 0.3) ** 2 + (config["n"] - 2) ** 2
            search.on_trial_complete(str(number), {"loss": loss})
            late[method] += loss if number >= 30 else 0
    assert late["bayes"] < late["random"] / 2


def test_the_best_value_counts_and_failures_count_as_the_worst() -> None:
    search: Any = searcher(sweep("bayes"), 0)
    for number in range(4):
        search.suggest(str(number))
    search.on_trial_result("0", {"loss": 1.0})
    search.on_trial_complete("0", {"loss": 4.0})
    search.on_trial_complete("1", {"loss": 7.0})
    search.on_trial_complete("2", None, error=True)
    search.on_trial_complete("3", {"loss": math.nan})
    search.on_trial_complete("unknown", {"loss": 1.0})
    assert [point.value for point in search.history] == [1.0, 7.0, 7.0, 7.0]


def test_maximising_turns_the_sign() -> None:
    search: Any = searcher(
        load_sweep({"method": "bayes", "metric": {"name": "acc", "goal": "maximize"}, "parameters": SPACE}), 0
    )
    search.suggest("0")
    search.on_trial_result("0", {"acc": 0.9})
    search.on_trial_complete("0", {"acc": 0.5})
    assert search.history[0].value == -0.9


def test_grid_ends() -> None:
    search = searcher(sweep("grid", {"b": {"values": [1, 2]}, "A": {"values": [3, 4]}}), 0)
    cells = [search.suggest(str(i)) for i in range(5)]
    assert cells[:4] == [{"A": 3, "b": 1}, {"A": 3, "b": 2}, {"A": 4, "b": 1}, {"A": 4, "b": 2}]
    assert cells[4] == Searcher.FINISHED


@pytest.mark.parametrize("name", ["grid", "random"])
def test_a_searcher_goes_on_from_its_saved_place(name: str, tmp_path: Any) -> None:
    parameters = {"a": {"values": list(range(9))}}

    def make() -> Any:
        return SEARCHERS[name](sweep(name, parameters).space, seed=3, metric="loss", mode="min")

    whole, first, second = make(), make(), make()
    expected = [whole.suggest(str(i)) for i in range(6)]
    begun = [first.suggest(str(i)) for i in range(3)]
    first.save(str(tmp_path / "state"))
    second.restore(str(tmp_path / "state"))
    assert begun + [second.suggest(str(i)) for i in range(3)] == expected
