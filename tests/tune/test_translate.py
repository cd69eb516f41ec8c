from pathlib import Path
from typing import Any, Literal

import pytest
from ray import tune
from ray.tune import RunConfig, TuneConfig, Tuner

import hpo
from hpo.sweepfile.model import Metric
from hpo.tune.translate import reaches

PARAMETERS: dict[str, Any] = {
    "x": {"min": 0.0, "max": 1.0},
    "kind": {"values": ["a", "b", None, [1, 2], {"k": 1}]},
    "n": {"distribution": "q_normal", "q": 1},
    "fixed": {"value": {"a": 1}},
    "dotted.name": {"min": 1, "max": 3},
    "nest": {"parameters": {"y": {"distribution": "log_uniform_values", "min": 1e-3, "max": 1.0}}},
}


def train(config: dict[str, Any]) -> None:
    assert config["fixed"] == {"a": 1}
    for step in range(6):
        tune.report({"loss": config["x"] + config["nest"]["y"] - 0.01 * step})


def tuned(sweep: dict[str, Any], path: Path, **config: Any) -> Any:
    t = hpo.translate(sweep, seed=1)
    tuner = Tuner(
        train,
        param_space=t.param_space,
        tune_config=TuneConfig(
            search_alg=t.search_alg,
            scheduler=t.scheduler,
            num_samples=t.num_samples,
            reuse_actors=True,
            **config,
        ),
        run_config=RunConfig(storage_path=str(path), verbose=0, stop=t.stop),
    )
    return t, tuner.fit()


@pytest.mark.ray
@pytest.mark.parametrize("named", [{}, {"metric": "loss", "mode": "min"}])
def test_grid_in_a_stock_tuner(tmp_path: Path, named: dict[str, Any], ray_here: None) -> None:
    sweep = {
        "method": "grid",
        "metric": {"name": "loss"},
        "parameters": {
            "x": {"values": [0.5, 0.25]},
            "fixed": {"value": {"a": 1}},
            "nest": {"parameters": {"y": {"values": [1, 2]}}},
        },
    }
    t, results = tuned(sweep, tmp_path, max_concurrent_trials=1, **named)
    assert t.num_samples == 4
    got = [(r.config["nest"]["y"], r.config["x"]) for r in results]
    assert sorted(got) == [(1, 0.25), (1, 0.5), (2, 0.25), (2, 0.5)]
    assert not results.errors


@pytest.mark.ray
def test_bayes_with_hyperband_in_a_stock_tuner(tmp_path: Path, ray_here: None) -> None:
    sweep = {
        "method": "bayes",
        "run_cap": 6,
        "metric": {"name": "loss"},
        "parameters": PARAMETERS,
        "early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 2},
    }
    _, results = tuned(sweep, tmp_path, max_concurrent_trials=2)
    assert len(results) == 6
    assert not results.errors
    assert all(isinstance(r.config["nest"]["y"], float) for r in results)


@pytest.mark.ray
def test_the_param_space_serves_without_our_searcher(tmp_path: Path, ray_here: None) -> None:
    t = hpo.translate({"method": "random", "run_cap": 3, "parameters": PARAMETERS})
    tuner = Tuner(
        train,
        param_space=t.param_space,
        tune_config=TuneConfig(num_samples=t.num_samples, max_concurrent_trials=1, reuse_actors=True),
        run_config=RunConfig(storage_path=str(tmp_path), verbose=0),
    )
    results = tuner.fit()
    assert not results.errors
    assert all(r.config["n"] == round(r.config["n"]) for r in results)


def test_what_ends_a_translated_sweep() -> None:
    endless = hpo.translate({"method": "random", "parameters": PARAMETERS})
    assert endless.num_samples == -1
    assert endless.stop is None
    sweep = {"method": "random", "metric": {"name": "loss", "target": 0.0}, "parameters": PARAMETERS}
    stopper = hpo.translate(sweep).stop
    assert stopper is not None
    assert not stopper("1", {"loss": 0.5})
    assert not stopper.stop_all()
    stopper("1", {"loss": 0.0})
    assert stopper.stop_all()


@pytest.mark.parametrize(
    ("goal", "target", "value", "reached"),
    [
        ("minimize", None, 0.0, False),
        ("minimize", 0.5, 0.5, True),
        ("minimize", 0.5, 1, False),
        ("maximize", 0.5, 1, True),
        ("maximize", 0.5, True, False),
        ("minimize", 0.5, False, False),
        ("minimize", 0.5, None, False),
        ("maximize", 0.5, "0.9", False),
    ],
)
def test_only_a_number_reaches_a_target_and_only_where_there_is_one(
    goal: Literal["minimize", "maximize"], target: float | None, value: Any, reached: bool
) -> None:
    assert reaches(Metric(name="loss", goal=goal, target=target), value) is reached


def test_a_seed_repeats_the_search() -> None:
    sweep = {"method": "random", "parameters": PARAMETERS, "hpo": {"seed": 4}}
    first, second = hpo.translate(sweep).search_alg, hpo.translate(sweep).search_alg
    assert [first.suggest(str(i)) for i in range(3)] == [second.suggest(str(i)) for i in range(3)]


def test_a_broken_sweep_names_all_its_problems() -> None:
    with pytest.raises(hpo.errors.SweepError, match=r"(?s)metric.*parameters\.a"):
        hpo.translate({"method": "bayes", "parameters": {"a": {"min": 2, "max": 1}}})


def test_tune_is_not_given_what_a_suggestion_may_leave_out() -> None:
    when = {"min": 0.0, "max": 1.0, "when": {"a": 2}}
    sweep = {"method": "random", "parameters": {"a": {"values": [1, 2]}, "n": {"parameters": {"b": when}}}}
    translation = hpo.translate(sweep, seed=1)
    assert set(translation.param_space) == {"a"}
    configs = [translation.search_alg.suggest(str(number)) for number in range(20)]
    assert all(("n" in config) == (config["a"] == 2) for config in configs)
