"""The JSON Schema: it accepts what loads, and refuses what an editor should underline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hpo.space.distributions import DISTRIBUTIONS
from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.schema import json_schema
from tests.cases.said import FILES

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLES = sorted((Path(__file__).parents[2] / "configs").glob("*/*.yaml"))
P = {"x": {"values": [1, 2]}}


def accepts(sweep: Any) -> bool:
    return bool(VALIDATOR.is_valid(sweep))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(DISTRIBUTIONS) <= set(SCHEMA["$defs"])


def test_every_key_is_described() -> None:
    for name, facts in SCHEMA["properties"].items():
        if name != "controller":
            assert facts.get("description"), name


@pytest.mark.parametrize("file", FILES + EXAMPLES, ids=lambda file: file.stem)
def test_it_accepts_what_loads(file: Path) -> None:
    loaded = read_sweep(file)
    if loaded.errors:
        return
    problems = [f"{'.'.join(map(str, e.path))}: {e.message}" for e in VALIDATOR.iter_errors(loaded.source)]
    assert problems == []


@pytest.mark.parametrize(
    "name",
    [
        "04_goal_maximise",
        "06_repeated_metric_no_method",
        "08_parameters_indented_too_far",
        "10_misspelt_distribution",
        "15_values_scalar",
        "16_rule_as_text",
        "36_several_metrics",
        "40_command_as_text",
    ],
)
def test_it_refuses_mistakes_of_form(name: str) -> None:
    (file,) = [file for file in FILES if file.stem == name]
    assert not accepts(read_sweep(file).source)


@pytest.mark.parametrize(
    "parameter",
    [
        {"value": None},
        {"values": [1, "a", None, {"b": 2}]},
        {"values": [1, 2], "probabilities": [0.5, 0.5]},
        {"min": 1, "max": 2},
        {"min": 0.5, "max": 2},
        *({"distribution": name, "min": 1, "max": 2} for name in DISTRIBUTIONS if "uniform" in name),
        {"distribution": "q_normal", "mu": 0, "sigma": 1, "q": 0.5},
        {"distribution": "beta", "a": 2, "b": 3},
        {"parameters": {"y": {"parameters": {"z": {"value": 1}}}}},
        {"values": [1, 2], "when": {"y": [1, None]}},
        {"parameters": {"y": {"value": 1}}, "when": {"z": 2}},
    ],
)
def test_parameters_that_it_accepts(parameter: dict[str, Any]) -> None:
    assert accepts({"method": "random", "parameters": {"x": parameter}})


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "hyperband", "min_iter": 3, "strict": False},
        {"type": "asha", "max_iter": 27, "s": 2, "promote": True},
        {"type": "async_hyperband", "max_iter": 27, "brackets": 2},
        {"type": "hyperband_sync", "max_iter": 27, "min_iter": 3},
        {"type": "bohb", "max_iter": 27},
        {"type": "median", "min_samples": 5},
        {"type": "ray.tune.schedulers:FIFOScheduler"},
        {"type": "ray.tune.schedulers:AsyncHyperBandScheduler", "max_t": 9},
    ],
)
def test_rules_that_it_accepts(rule: dict[str, Any]) -> None:
    sweep = {"method": "random", "metric": {"name": "m"}, "parameters": P, "early_terminate": rule}
    assert accepts(sweep)
    assert read_sweep(sweep).errors == []


@pytest.mark.parametrize(
    ("method", "search"),
    [("tpe", {"startup": 0}), ("bohb", {"random_fraction": 0}), ("bohb", {"random_fraction": 1})],
)
def test_a_search_may_do_with_and_without_random_trials(method: str, search: dict[str, Any]) -> None:
    sweep = {"method": method, "metric": {"name": "m"}, "parameters": P, "hpo": {"search": search}}
    if method == "bohb":
        sweep["early_terminate"] = {"type": "bohb", "max_iter": 27}
    assert accepts(sweep)
    assert read_sweep(sweep).errors == []


@pytest.mark.parametrize(
    "sweep",
    [
        {"parameters": P},
        {"method": "Grid", "parameters": P},
        {"method": "grid", "parameters": {}},
        {"method": "grid", "parameters": {"x": 3}},
        {"method": "grid", "parameters": {"x": {"values": []}}},
        {"method": "grid", "parameters": {"x": {"min": 1}}},
        {"method": "grid", "parameters": {"x": {"min": 1, "max": 2, "step": 1}}},
        {"method": "grid", "parameters": {"x": {"distribution": "unifrom", "min": 1, "max": 2}}},
        {"method": "grid", "parameters": {"x": {"parameters": {}}}},
        {"method": "grid", "parameters": P, "metric": {"goal": "minimize"}},
        {"method": "grid", "parameters": P, "run_cap": 0},
        {"method": "grid", "parameters": P, "hpo": {"resources": {"cpus": 1}}},
        {"method": "grid", "parameters": P, "early_terminate": {"type": "envelope"}},
        {"method": "grid", "parameters": P, "early_terminate": {"type": "median", "eta": 3}},
        {"method": "grid", "parameters": P, "early_terminate": {"type": "hyperband_sync"}},
        {"method": "grid", "parameters": {"x": {"values": [1], "when": "y"}}},
        {"method": "tpe", "parameters": P, "hpo": {"search": {"startup": -1}}},
        {"method": "bohb", "parameters": P, "hpo": {"search": {"random_fraction": -0.1}}},
        {"method": "bohb", "parameters": P, "hpo": {"search": {"random_fraction": 1.1}}},
        {"method": "tpe", "parameters": P, "hpo": {"search": {"points": {"x": 1}}}},
    ],
)
def test_sweeps_that_it_refuses(sweep: dict[str, Any]) -> None:
    assert not accepts(sweep)
    assert read_sweep(sweep).errors
