"""The sections `pbt` and `pb2`: what they mean, and what is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.engine.plan import RunOptions
from hpo.engine.planning import plan
from hpo.errors import UserError
from hpo.sweepfile.load import load_sweep, read_sweep
from hpo.sweepfile.population import Mutation, Population


def sweep(rule: dict[str, Any], **keys: Any) -> dict[str, Any]:
    parameters = {
        "lr": {"min": 0.0, "max": 1.0},
        "inner": {"parameters": {"layers": {"values": [1, 2]}}},
        "seed": {"value": 3},
    }
    base = {"method": "random", "command": ["true"], "metric": {"name": "loss"}, "parameters": parameters}
    return {**base, "early_terminate": {"type": "pbt", "interval": 5, "mutate": ["lr"], **rule}, **keys}


def rule(**keys: Any) -> Population:
    found = load_sweep(sweep(keys)).early_terminate
    assert isinstance(found, Population)
    return found


def test_milestones_are_the_multiples_of_the_interval_below_the_end() -> None:
    assert rule(max_iter=20).milestones == (5, 10, 15)
    assert rule(max_iter=21).milestones == (5, 10, 15, 20)
    assert rule().rungs(3) == [5, 10, 15]
    assert len(rule().milestones or ()) == 2000


def test_mutations_have_settings_of_their_own() -> None:
    named = rule(mutate={"lr": {"factors": [0.5, 2], "resample": 0}, "inner.layers": None}).mutate
    assert named == {"lr": Mutation(factors=(0.5, 2.0), resample=0), "inner.layers": Mutation()}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"interval": None}, "early_terminate.interval: "),
        ({"mutate": []}, "early_terminate.mutate: no hyperparameter is named; write for example"),
        ({"mutate": ["lrr"]}, "early_terminate.mutate: 'lrr' is no parameter; did you mean 'lr'?"),
        ({"mutate": ["seed"]}, "early_terminate.mutate: 'seed' has one value only"),
        (
            {"mutate": {"lr": {"factor": 2}}},
            "early_terminate.mutate: lr: {'factor': 2} are no settings; known: ",
        ),
        (
            {"mutate": {"lr": {"factors": [0]}}},
            "early_terminate.mutate: lr: factors [0] are no positive numbers",
        ),
        ({"mutate": {"lr": {"resample": 2}}}, "early_terminate.mutate: lr: resample 2 is no probability"),
        ({"mutate": {"lr": {"ordered": True}}}, "early_terminate.mutate: lr: ordered is for lists of values"),
        ({"group": ["layers"]}, "early_terminate.group: 'layers' is no parameter"),
        ({"group": ["lr"]}, "early_terminate.group: 'lr' is mutated too"),
        ({"quantile": 0.6}, "early_terminate.quantile: "),
        ({"type": "pb2", "mutate": ["inner.layers"]}, "early_terminate.mutate: pb2 models numbers"),
        ({"type": "pb2", "resample": 0.1}, "early_terminate.resample: unknown key 'resample'"),
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, Any], message: str) -> None:
    problems = [str(problem) for problem in read_sweep(sweep(keys)).errors]
    assert len(problems) == 1
    assert f" {message}" in problems[0]


@pytest.mark.parametrize("method", ["bayes", "tpe", "gp", "cmaes", "bohb"])
def test_methods_that_learn_from_results_are_refused(method: str) -> None:
    loaded = read_sweep(sweep({}, method=method))
    assert any(problem.key == "method" for problem in loaded.errors)
    assert not read_sweep(sweep({}, method="random")).errors


def test_a_parameter_that_others_hang_on_is_not_mutated() -> None:
    parameters: dict[str, Any] = {"lr": {"min": 0.0, "max": 1.0}, "n": {"values": [1, 2]}}
    parameters["m"] = {"values": [3, 4], "when": {"n": 2}}
    (problem,) = read_sweep(sweep({"mutate": ["n"]}, parameters=parameters)).errors
    assert "others are there only `when` 'n' has some value" in str(problem)
    assert not read_sweep(sweep({"mutate": ["lr", "m"]}, parameters=parameters)).errors


def test_a_population_has_a_size_and_hpos_own_engine() -> None:
    with pytest.raises(UserError, match="how large its population is; give --count 8"):
        plan(read_sweep(sweep({}, hpo={"time_budget": 60})), RunOptions())
    with pytest.raises(UserError, match="which the engine `tune` cannot"):
        plan(read_sweep(sweep({}, run_cap=4)), RunOptions(engine="tune"))
    assert plan(read_sweep(sweep({}, run_cap=4)), RunOptions()).recipe().checkpoint_at is not None
