"""The files of tests/cases, with mistakes and features of real sweeps: what hpo makes of each."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from hpo.sweepfile.explain import explain
from hpo.sweepfile.load import Loaded, read_sweep
from tests.cases.said import FILES, FOLDER, said

Told = tuple[str, str, str]
MIXED = "one bound is an integer, the other is not: read as uniform"
LOG = {"distribution": "log_uniform_values"}

# File → every problem, in order: (line:column, key, part of the message). Files that are not here have none.
PROBLEMS: dict[str, list[Told]] = {
    "03_mixed_bounds": [
        ("7:17", "warning parameters.exploration.min", MIXED),
        ("8:14", "warning parameters.discount.min", MIXED),
    ],
    "04_goal_maximise": [("6:3", "metric.goal", "did you mean 'maximize'?")],
    "05_goal_prose": [
        ("2:1", "warning program", "write models/speech/train.py"),
        ("6:3", "metric.goal", "known: minimize, maximize"),
    ],
    "06_repeated_metric_no_method": [
        ("2:1", "method", "is missing; add `method: random`"),
        ("4:1", "warning metric", "written on line 3 and again on line 4; the last one is used"),
        ("5:1", "warning metric", "written on line 4 and again on line 5; the last one is used"),
    ],
    "07_repeated_parameter": [
        ("8:5", "warning parameters.width.values", "written on line 7 and again on line 8"),
        ("9:3", "warning parameters.memory.slots", "written on line 5 and again on line 9"),
    ],
    "08_parameters_indented_too_far": [
        ("7:5", "parameters.similarity.depth", "it looks like a parameter of its own"),
        ("9:5", "parameters.similarity.layer_sizes", "it looks like a parameter of its own"),
    ],
    "09_lost_indent": [("6:3", "parameters.scheduler", "indent value under 'scheduler'")],
    "10_misspelt_distribution": [("6:5", "parameters.rate.disribution", "did you mean 'distribution'?")],
    "11_grid_continuous": [
        ("5:3", "parameters.noise", "uniform cannot be listed by grid"),
        ("9:3", "parameters.learning_rate", "log_uniform_values cannot be listed by grid"),
        ("15:1", "warning arguments", "pass parameters with ${args} in command"),
    ],
    "12_macro_of_a_parameter": [
        ("9:5", "command.4", "one parameter has no macro of its own: pass all with ${args}"),
        ("11:5", "warning command.6", "is passed as it stands"),
    ],
    "13_misspelt_macro": [
        ("6:5", "command.1", "did you mean '${interpreter}'?"),
        ("8:5", "warning command.3", "is one argument"),
        ("11:3", "warning parameters.steps", "every trial gets the whole list [5, 7, 10, 14]"),
    ],
    "14_macro_inside_an_item": [
        ("6:5", "command.1", "unknown macro ${env_vars:VERBOSE=0,QUIET=true}"),
        ("9:5", "warning command.4", "'--entity=${ENTITY}' is passed as it stands"),
    ],
    "15_values_scalar": [
        ("5:16", "parameters.batch_size.values", "write `values: [256]`, or `value: 256`"),
        ("6:15", "parameters.optimizer.values", "write `values: [adam]`, or `value: adam`"),
    ],
    "16_rule_as_text": [("5:1", "early_terminate", "write `type: hyperband` and `min_iter: 3` under it")],
    "17_exponents_meant_as_values": [
        ("5:3", "warning parameters.rate_by_value", "values run from 1.001 to 1.041; for values from 0.001"),
        ("6:3", "warning parameters.rate_by_tens", "values run from 0.01832 to 0.3679; for powers of ten"),
    ],
    "18_grid_and_whole_floats": [
        ("5:38", "warning parameters.depth.min", "2.0 is read as 2"),
        ("5:47", "warning parameters.depth.max", "8.0 is read as 8"),
        ("6:3", "parameters.rate", "uniform cannot be listed by grid"),
    ],
    "23_dotted_names": [("7:3", "warning parameters.++model.kernel_size", "is unusual")],
    "24_names_that_python_knows": [("9:3", "warning parameters.max_grad:norm", "is unusual")],
    "26_none_is_text": [("6:24", "warning parameters.scheduler.values.0", "write null for no value")],
    "28_unreachable_rungs": [
        ("5:36", "warning early_terminate.min_iter", "the rungs are 222222, 666666, 2000000")
    ],
    "29_python_source": [("5:13", "", "not YAML: an unexpected ':'")],
    "30_missing_comma": [("5:28", "", "not YAML: ")],
    "35_launch_job": [
        ("2:1", "job", "name the training script with `program:`"),
        ("2:1", "method", "is missing"),
        ("3:1", "scheduler", "W&B's own schedulers do not run here"),
        ("7:3", "warning parameters.lr", "half of all values lie above 0.0505"),
    ],
    "36_several_metrics": [
        ("3:1", "method", "write `method: nsga2` or tpe"),
        ("4:1", "scheduler", "remove it"),
        ("8:1", "warning metric_constraints", "is ignored, as on W&B"),
    ],
    "37_what_yaml_makes_of_it": [
        ("6:19", "warning parameters.mode.values.0", "YAML reads 010 as 8 (octal)"),
        ("7:12", "warning parameters.length.value", "YAML reads 12:30:45 as 45045 (base 60)"),
        ("10:19", "warning parameters.rate.values.0", "'1e-5' in quotes is the number 1e-05"),
    ],
    "38_macros_in_brackets": [("4:12", "", "put each in quotes")],
    "39_braces_without_dollar": [("5:5", "command.0", "did you mean ${interpreter}?")],
    "40_command_as_text": [("4:1", "command", 'write a list: ["python", "train.py", "--fast"]')],
    "42_hyperband_without_metric": [("4:1", "early_terminate", "early_terminate needs a metric")],
}

# File → parameter → what must be told of it. The parameters named are all that the file has.
PARAMETERS: dict[str, dict[str, dict[str, Any]]] = {
    "01_exponent_bounds": {
        "epochs": {"distribution": "constant", "constant": 10},
        "learning_rate": {**LOG, "low": 1e-5, "high": 0.1},
    },
    "02_exponents_without_distribution": {
        "weight_decay": {"distribution": "uniform", "low": 1e-5, "high": 1e-4}
    },
    "03_mixed_bounds": {
        "discount": {"distribution": "uniform", "low": 0.9, "high": 1},
        "exploration": {"distribution": "uniform", "low": 0.5, "high": 20},
    },
    "07_repeated_parameter": {
        "memory.slots": {"constant": 64, "path": ["memory.slots"]},
        "width": {"values": [256, 512]},
    },
    "17_exponents_meant_as_values": {
        "rate": {"low": pytest.approx(1e-4, rel=1e-3), "high": pytest.approx(0.01, rel=0.01)},
        "rate_by_tens": {"low": pytest.approx(0.018, rel=0.02), "high": pytest.approx(0.368, rel=0.01)},
        "rate_by_value": {"low": pytest.approx(1.001), "high": pytest.approx(1.0408108)},
        "width": {"distribution": "q_log_uniform", "low": 33, "high": 518, "q": 1},
    },
    "19_grid_of_ranges": {
        "a_scenario": {"distribution": "int_uniform", "low": 1, "high": 10},
        "b_gain": {"low": 0, "high": 9},
        "c_gain": {},
        "d_seed": {},
    },
    "20_opaque_values": {
        "globals.folder": {"constant": "/data"},
        "globals.k": {"values": [8, 16, 32], "path": ["globals", "k"]},
        "loss": {"values": ["mse", "mae", None]},
        "model": {"constant": {"kind": "mlp", "width": "${globals.k}", "layers": [64, 64], "act": None}},
        "sampler": {"values": ["uniform", {"kind": "farthest", "ratio": 0.01}, [1, 2], None]},
        "seed": {"low": 1, "high": 100},
    },
    "21_mappings_as_choices": {
        "features.keep": {"distribution": "q_uniform", "low": 0.1, "q": 0.1},
        "preset": {
            "values": [
                {"lr": 1e-5, "layers": [64, 32], "decay": [1e-3, 1e-4]},
                {"lr": 1e-3, "layers": [128]},
            ]
        },
    },
    "22_nested_settings": {
        "embedding": {"high": 10.0},
        "running_settings.seed": {"path": ["running_settings", "seed"]},
        "running_settings.workers": {"constant": 4},
        "temperature": {**LOG, "low": 0.05, "high": 1},
    },
    "23_dotted_names": {
        "++model.kernel_size": {"path": ["++model.kernel_size"]},
        "env": {"path": ["env"]},
        "env.rollouts": {"path": ["env.rollouts"]},
    },
    "24_names_that_python_knows": {
        "env": {},
        "goal": {"distribution": "q_uniform", "q": 10},
        "lambda": {"distribution": "uniform"},
        "max_grad:norm": {"constant": 0.5},
        "run": {},
        "train-test-splitter": {"values": ["random", "scaffold"]},
    },
    "25_environment_variable_item": {"lr": {"values": [1e-4, 1e-3]}},
    "26_none_is_text": {"clip": {"values": [None, 1.0]}, "scheduler": {"values": ["None", "cosine"]}},
    "27_boolean_in_the_command": {"dropout": {"values": [0.1, 0.3]}},
    "28_unreachable_rungs": {"gamma": {}},
    "31_metric_never_logged": {"epochs": {"distribution": "int_uniform"}},
    "32_formula_is_text": {"step": {"values": ["2**-21", "2**-18"]}},
    "33_negative_exponents": {
        "bias": {"values": [-0.001, 0, 1000.0, 0.5]},
        "shift": {"distribution": "uniform", "low": -0.01, "high": 0.01},
    },
    "34_number_in_a_name": {
        "model.activations.0": {"path": ["model.activations.0"]},
        "model.activations.1": {"constant": "linear"},
    },
    "37_what_yaml_makes_of_it": {
        "augment": {"values": [True, False]},
        "count": {"constant": 1000},
        "length": {"constant": 45045},
        "mode": {"values": [8, "008"]},
        "rate": {"values": [1e-5, 1e-4]},
        "since": {"constant": "2020-01-01"},
    },
    "41_target_of_zero": {"lr": LOG},
}

COMMANDS = {  # file → the first trial's command line
    "20_opaque_values": "/usr/bin/env python train.py",
    "25_environment_variable_item": "/usr/bin/env CUBLAS_WORKSPACE_CONFIG=:4096:8 python main.py lr=0.0001",
    "26_none_is_text": "~/envs/ml/bin/python train.py",
    "27_boolean_in_the_command": "python train.py --shared True --size 3 --dropout=0.1",
    "34_number_in_a_name": (
        "/usr/bin/env python train.py --model.activations.0=relu --model.activations.1=linear"
    ),
}
SIZES = {
    "07_repeated_parameter": 2,
    "19_grid_of_ranges": 10_000,
    "20_opaque_values": 3600,
    "23_dotted_names": 8,
}
NAMES = [file.stem for file in FILES]


@functools.cache
def loaded(name: str) -> Loaded:
    return read_sweep(FOLDER / f"{name}.yaml")


def first(name: str) -> dict[str, Any]:
    return explain(loaded(name), samples=1, seed=0)


def test_every_row_is_a_file() -> None:
    assert {*PROBLEMS, *PARAMETERS, *COMMANDS, *SIZES} <= set(NAMES)
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_problems(name: str) -> None:
    expected = PROBLEMS.get(name, [])
    got = [
        (f"{p.place.line}:{p.place.column}", "warning " * (p.severity == "warning") + p.key, p.text)
        for p in loaded(name).problems
    ]
    assert [row[:2] for row in got] == [row[:2] for row in expected]
    for (_, _, text), (_, _, fragment) in zip(got, expected, strict=True):
        assert fragment in text


@pytest.mark.parametrize("name", NAMES)
def test_valid_exactly_where_parameters_are_expected(name: str) -> None:
    assert (loaded(name).sweep is not None) == (name in PARAMETERS)
    assert bool(loaded(name).errors) == (name not in PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name: str) -> None:
    told = {parameter["name"]: parameter for parameter in first(name)["parameters"]}
    assert list(told) == list(PARAMETERS[name])
    for parameter, facts in PARAMETERS[name].items():
        assert {key: told[parameter][key] for key in facts} == facts


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(name: str) -> None:
    assert " ".join(first(name)["commands"][0]) == COMMANDS[name]


@pytest.mark.parametrize("name", SIZES)
def test_grid_sizes(name: str) -> None:
    assert first(name)["grid_size"] == SIZES[name]


def test_facts_that_only_one_file_shows() -> None:
    assert loaded("41_target_of_zero").valid().metric.target == 0.0  # type: ignore[union-attr]
    assert loaded("22_nested_settings").valid().run_cap == 50
    assert first("22_nested_settings")["metric"]["name"] == "ndcg@10"
    assert first("28_unreachable_rungs")["early_terminate"]["rungs"] == [222222, 666666, 2000000]
    assert set(first("22_nested_settings")["samples"][0]["running_settings"]) == {"seed", "workers"}
    cells = explain(loaded("19_grid_of_ranges"), samples=11)["samples"]
    assert [cell["d_seed"] for cell in cells] == [*range(1, 11), 1]
    assert [cell["c_gain"] for cell in cells] == [0] * 10 + [1]
    assert cells[0] == {"a_scenario": 1, "b_gain": 0, "c_gain": 0, "d_seed": 1}


def test_windows_line_ends_are_kept_in_the_file() -> None:
    assert b"\r\n" in (FOLDER / "05_goal_prose.yaml").read_bytes()


def test_what_is_said_is_published() -> None:
    published = (FOLDER / "SAID.md").read_text(encoding="utf-8")
    assert said() == published, "python -m tests.cases.said > tests/cases/SAID.md"
