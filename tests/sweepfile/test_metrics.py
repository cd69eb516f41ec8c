"""`metrics:`: what is read of several objectives, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.sweepfile.choice import choose
from hpo.sweepfile.explain import explain
from hpo.sweepfile.load import Loaded, read_sweep

TWO = [{"name": "loss"}, {"name": "speed", "goal": "maximize"}]


def read(method: str = "nsga2", metrics: Any = TWO, **more: Any) -> Loaded:
    sweep = {"program": "t.py", "method": method, "metrics": metrics, "parameters": {"x": {"values": [1, 2]}}}
    return read_sweep(sweep | more)


@pytest.mark.parametrize("method", ["nsga2", "tpe", "bayes", "random", "qmc", "grid"])
def test_several_metrics_are_taken_and_the_first_leads(method: str) -> None:
    loaded = read(method)
    assert loaded.problems == ()
    sweep = loaded.valid()
    assert [(one.name, one.goal) for one in sweep.several] == [("loss", "minimize"), ("speed", "maximize")]
    assert sweep.metric is not None
    assert (sweep.metric.name, sweep.goal) == ("loss", "minimize")
    told = explain(loaded)
    assert [one["name"] for one in told["metrics"]] == ["loss", "speed"]


def test_bayes_stands_for_tpe() -> None:
    sweep = read("bayes", parameters={"x": {"min": 0.0, "max": 1.0}}, run_cap=20).valid()
    assert choose(sweep).sampler == "tpe"
    assert "several metrics" in choose(sweep).reason


def test_one_entry_is_the_same_as_metric() -> None:
    sweep = read("tpe", [{"name": "acc", "goal": "maximize", "target": 0.9}]).valid()
    assert sweep.several == ()
    assert sweep.metric is not None
    assert (sweep.metric.name, sweep.metric.goal, sweep.metric.target) == ("acc", "maximize", 0.9)


def test_early_stopping_goes_by_the_first() -> None:
    assert read(early_terminate={"type": "hyperband", "min_iter": 1}).problems == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"metric": {"name": "loss"}},
            "metrics: `metric:` is there too; name all objectives under `metrics:`",
        ),
        ({"metrics": [*TWO, {"name": "loss"}]}, "metrics.2.name: 'loss' is listed twice"),
        ({"metrics": []}, "metrics: is empty; list two or more"),
        (
            {"metrics": {"name": "loss"}},
            "metrics: a list is needed, not {'name': 'loss'}; write one `- {name",
        ),
        ({"metrics": "loss"}, "metrics: a list is needed, not 'loss'"),
        ({"metrics": ["loss", "acc"]}, "metrics.0: a mapping is needed, not 'loss'"),
        ({"metrics": [{"nmae": "loss"}]}, "metrics.0.nmae: unknown key 'nmae'; did you mean 'name'?"),
        ({"metrics": [*TWO[:1], {"name": "b", "goal": "maximise"}]}, "metrics.1.goal: 'maximise' is not"),
        ({"method": "gp"}, "method: gp optimises one metric, and 2 are named; write `method: nsga2` or tpe"),
        ({"method": "cmaes"}, "method: cmaes optimises one metric"),
        ({"method": "bohb"}, "method: bohb optimises one metric"),
        ({"method": "mine:Search"}, "method: mine:Search optimises one metric"),
    ],
)
def test_what_does_not_fit_is_said(changes: dict[str, Any], said: str) -> None:
    assert any(said in str(error) for error in read(**changes).errors)


def test_a_target_of_another_metric_is_named() -> None:
    (warning,) = read(metrics=[TWO[0], TWO[1] | {"target": 3}]).warnings
    assert "metrics.1.target: warning: a run ends by the target of the first metric only" in str(warning)
