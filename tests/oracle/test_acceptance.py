"""What is accepted, and as which distribution, against the validation of `sweeps` and W&B's own client."""

from __future__ import annotations

from typing import Any

import pytest
import wandb.apis.public.sweeps as client

from hpo.space.parameter import parse_parameter
from hpo.sweepfile.load import read_sweep
from tests.oracle.differences import DIFFERENCES, markdown

pytestmark = pytest.mark.oracle

P = {"x": {"values": [1, 2]}}
M = {"name": "loss"}
PARAMETERS: list[tuple[dict[str, Any], str]] = [
    # (parameter, published difference or "")
    ({"value": 1}, ""),
    ({"value": None}, ""),
    ({"value": [1, 2]}, ""),
    ({"values": [1]}, ""),
    ({"values": []}, ""),
    ({"values": 3}, ""),
    ({"values": "abc"}, ""),
    ({"values": [1, "a", None, {"b": 2}]}, ""),
    ({"values": [1, 2], "probabilities": [0.5, 0.5]}, ""),
    ({"values": [1, 2], "probabilities": [0.5, 0.4]}, ""),
    ({"values": [1, 2], "probabilities": [1]}, ""),
    ({"values": [1, 2], "probabilities": [-0.5, 1.5]}, ""),
    ({"distribution": "categorical", "values": [1, 2]}, ""),
    ({"distribution": "categorical", "values": [1, 2], "probabilities": [0.5, 0.5]}, ""),
    ({"distribution": "categorical_w_probabilities", "values": [1, 2], "probabilities": [0.5, 0.5]}, ""),
    ({"distribution": "constant", "value": 1}, ""),
    ({"distribution": "constant", "values": [1]}, ""),
    ({"min": 1, "max": 5}, ""),
    ({"min": 1.0, "max": 5.5}, ""),
    ({"min": 0, "max": 0.5}, "mixed bounds"),
    ({"min": 0.5, "max": 2}, "mixed bounds"),
    ({"min": False, "max": 5}, ""),
    ({"min": 5, "max": 1}, ""),
    ({"min": 1, "max": 1}, ""),
    ({"min": "1", "max": 5}, ""),
    ({"min": 1}, ""),
    ({"max": 1}, ""),
    ({"min": 1, "max": 8, "q": 2}, ""),
    ({"min": 1, "max": 8, "extra": 2}, ""),
    ({"distribution": "uniform", "min": 1, "max": 8}, ""),
    ({"distribution": "int_uniform", "min": 1, "max": 8}, ""),
    ({"distribution": "int_uniform", "min": 1.5, "max": 8}, ""),
    ({"distribution": "int_uniform", "min": 2.0, "max": 8.0}, "whole float int"),
    ({"distribution": "uniform", "min": 1}, ""),
    ({"distribution": "unifrom", "min": 1, "max": 2}, ""),
    ({"distribution": "Uniform", "min": 1, "max": 2}, ""),
    ({"disribution": "uniform", "min": 1, "max": 2}, ""),
    ({"distribution": "q_uniform", "min": 1, "max": 8}, ""),
    ({"distribution": "q_uniform", "min": 1, "max": 8, "q": 0}, ""),
    ({"distribution": "q_uniform", "min": 1, "max": 8, "q": -1}, ""),
    ({"distribution": "q_uniform", "min": 8, "max": 1, "q": 1}, ""),
    ({"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1}, ""),
    ({"distribution": "log_uniform_values", "min": 0, "max": 0.1}, ""),
    ({"distribution": "log_uniform_values", "min": -1, "max": 0.1}, ""),
    ({"distribution": "inv_log_uniform_values", "min": 1e-5, "max": 0.1}, ""),
    ({"distribution": "q_log_uniform_values", "min": 1, "max": 100, "q": 5}, ""),
    ({"distribution": "log_uniform", "min": -9, "max": -2}, "log deprecation"),
    ({"distribution": "q_log_uniform", "min": 0, "max": 5}, "log deprecation"),
    ({"distribution": "inv_log_uniform", "min": -9, "max": -2}, "log deprecation"),
    ({"distribution": "normal"}, ""),
    ({"distribution": "normal", "mu": 1, "sigma": 2}, ""),
    ({"distribution": "normal", "min": 1, "max": 2}, ""),
    ({"distribution": "normal", "sigma": -1}, ""),
    ({"distribution": "normal", "sigma": 0}, "degenerate spread"),
    ({"distribution": "q_normal", "q": 2}, ""),
    ({"distribution": "log_normal", "mu": 1}, ""),
    ({"distribution": "q_log_normal", "q": 1}, ""),
    ({"distribution": "beta"}, ""),
    ({"distribution": "beta", "a": 0, "b": 1}, "degenerate spread"),
    ({"distribution": "q_beta", "q": 0.1}, ""),
    ({"mu": 1, "sigma": 2}, ""),
    ({}, ""),
]
SWEEPS: list[tuple[dict[str, Any], str]] = [
    ({"method": "grid", "parameters": P}, ""),
    ({"method": "random", "parameters": P, "run_cap": 3, "name": "n", "program": "t.py"}, ""),
    ({"method": "random", "parameters": P, "run_cap": 10.0}, ""),
    ({"method": "random", "parameters": P, "run_cap": 0}, ""),
    ({"method": "random", "parameters": P, "run_cap": "1"}, ""),
    ({"method": "Random", "parameters": P}, ""),
    ({"parameters": P}, ""),
    ({"method": "random"}, ""),
    ({"method": "random", "parameters": {}}, ""),
    ({"method": "bayes", "parameters": P, "metric": M}, ""),
    ({"method": "bayes", "parameters": P, "metric": {"goal": "minimize"}}, ""),
    ({"method": "bayes", "parameters": P, "metric": M | {"goal": "maximise"}}, ""),
    ({"method": "bayes", "parameters": P, "metric": M | {"target": 0.5, "impute": "best"}}, ""),
    ({"method": "bayes", "parameters": P, "metric": M | {"target": "x"}}, ""),
    ({"method": "bayes", "parameters": P, "metric": M | {"other": 1}}, ""),
    ({"method": "bayes", "parameters": P, "metric": M | {"impute_while_running": "false"}}, ""),
    (
        {"method": "bayes", "parameters": P, "metric": M | {"impute_while_running": False}},
        "impute_while_running without quotes",
    ),
    ({"method": "bayes", "parameters": P}, "needs a metric"),
    (
        {"method": "random", "parameters": P, "early_terminate": {"type": "hyperband", "min_iter": 2}},
        "needs a metric",
    ),
    ({"method": "random", "parameters": P, "metric": M, "early_terminate": {"type": "hyperband"}}, ""),
    (
        {
            "method": "random",
            "parameters": P,
            "metric": M,
            "early_terminate": {"type": "hyperband", "min_iter": 0},
        },
        "",
    ),
    (
        {
            "method": "random",
            "parameters": P,
            "metric": M,
            "early_terminate": {"type": "hyperband", "s": 2, "max_iter": 27},
        },
        "",
    ),
    (
        {
            "method": "random",
            "parameters": P,
            "metric": M,
            "early_terminate": {"type": "hyperband", "max_iter": 27},
        },
        "",
    ),
    (
        {
            "method": "random",
            "parameters": P,
            "metric": M,
            "early_terminate": {"type": "envelope", "min_iter": 2},
        },
        "",
    ),
    (
        {
            "method": "random",
            "parameters": P,
            "metric": M,
            "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 1},
        },
        "",
    ),
    ({"method": "random", "parameters": P, "metric": M, "early_terminate": "hyperband"}, ""),
    (
        {
            "method": "random",
            "parameters": P,
            "metric": M,
            "early_terminate": {"type": "hyperband", "min_iter": 2, "max_iter": 9},
        },
        "",
    ),
    ({"method": "grid", "parameters": {"x": {"min": 0.0, "max": 1.0}}}, "grid of continuous"),
    ({"method": "grid", "parameters": P, "foo": 1}, "unknown top-level key"),
    ({"method": "grid", "parameters": {"x/y": {"values": [1]}}}, "parameter name"),
    ({"method": "grid", "parameters": P, "command": "python t.py"}, ""),
    (
        {"method": "grid", "parameters": P, "command": ["python", 3, True], "controller": {"type": "local"}},
        "",
    ),
    ({"method": "grid", "parameters": P, "controller": {"type": "elsewhere"}}, ""),
    ({"method": "custom", "parameters": P}, "custom method"),
    ({"method": "grid", "parameters": {"n": {"parameters": {"x": {"values": [1]}}}}}, ""),
    ({"method": "grid", "parameters": {"n": {"parameters": {}}}}, ""),
    ({"method": "grid", "parameters": {"n": {"parameters": {"x": {"min": 2, "max": 1}}}}}, "nested checks"),
    ({"method": "grid", "parameters": {"n": {"parameters": {"x": {"values": 1}}}}}, ""),
    ({"method": "grid", "parameters": {"x": [1, 2]}}, ""),
    ({"method": "grid", "parameters": {"x": 3}}, ""),
]


def accepted(config: dict[str, Any]) -> bool:
    return not read_sweep({"program": "train.py", **config}).errors


def refused_by_client(config: dict[str, Any]) -> bool:
    """Whether W&B's client refuses to send it."""
    try:
        client._validate_config_and_fill_distribution(config)
    except (ValueError, TypeError, AttributeError):
        return True
    return False


def filled_by_client(parameter: dict[str, Any], unnamed: str) -> str:
    """The distribution that W&B's client writes into a parameter; `unnamed` where it writes none."""
    config: dict[str, Any] = {"method": "random", "parameters": {"x": dict(parameter)}}
    if not refused_by_client(config):
        return str(config["parameters"]["x"].get("distribution", unnamed))
    return unnamed


def test_parameters(oracle: Any) -> None:
    whole = [{"method": "random", "parameters": {"x": dict(parameter)}} for parameter, _ in PARAMETERS]
    verdicts = oracle([["violations", sweep] for sweep in whole])
    kinds = oracle([["kind", dict(parameter)] for parameter, _ in PARAMETERS])
    for (parameter, difference), sweep, verdict, kind in zip(PARAMETERS, whole, verdicts, kinds, strict=True):
        theirs = verdict.get("ok") == [] and not refused_by_client(
            {"method": "random", "parameters": {"x": dict(parameter)}}
        )
        assert (accepted(sweep) != theirs) == bool(difference), (parameter, verdict, difference)
        found = parse_parameter(parameter).distribution
        if found is not None and difference != "whole float int":
            assert found.name == kind["ok"] == filled_by_client(parameter, kind["ok"]), parameter


def test_sweeps(oracle: Any) -> None:
    verdicts = oracle([["violations", sweep] for sweep, _ in SWEEPS])
    for (sweep, difference), verdict in zip(SWEEPS, verdicts, strict=True):
        assert (accepted(sweep) != (verdict.get("ok") == [])) == bool(difference), (
            sweep,
            verdict,
            difference,
        )


def test_differences_that_acceptance_does_not_show(oracle: Any) -> None:
    text = {"values": ["1e-5"]}
    huge = {"distribution": "log_uniform", "min": 100, "max": 1e6}
    bands = {"min_iter": 2, "max_iter": 9, "type": "hyperband"}
    goal = {"method": "bayes", "parameters": P, "metric": {"name": "acc", "goal": "maximise"}}
    answers = oracle([["ppf", text, [0.5]], ["ppf", huge, [1.0]]])
    assert answers[0]["ok"] == ["1e-5"]
    assert read_sweep({"method": "random", "parameters": {"x": text}}).valid().space.sample(0, 0) == {
        "x": 1e-5
    }
    assert answers[1]["ok"] == [float("inf")]
    refused = read_sweep({"method": "random", "parameters": {"x": huge}}).errors
    assert "log_uniform_values" in str(refused[0])
    loaded = read_sweep({"method": "random", "parameters": P, "metric": M, "early_terminate": bands})
    assert loaded.valid().early_terminate.rungs() == [2, 6]  # type: ignore[union-attr]
    assert loaded.warnings
    assert "did you mean 'maximize'?" in str(read_sweep(goal).errors[0])


def test_each_listed_difference_is_shown_and_published() -> None:
    from pathlib import Path

    used = {difference for _, difference in PARAMETERS + SWEEPS if difference}
    quantiles = {name for name, d in DIFFERENCES.items() if d.where in ("quantile", "CDF")}
    elsewhere = {"exponent as text", "exponent too large", "min_iter with max_iter", "misspelt goal"}
    assert used | quantiles | elsewhere == set(DIFFERENCES)
    assert Path(__file__).with_name("DIFFERENCES.md").read_text(encoding="utf-8") == markdown()
