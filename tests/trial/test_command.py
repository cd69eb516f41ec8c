from __future__ import annotations

import importlib
import json
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpo.trial.command import (
    MACROS,
    args_json,
    args_macros,
    expand,
    find_program,
    resolve_interpreter,
    unknown_macros,
    wire_values,
)

Agent = Callable[[list[Any] | None, str, Mapping[str, Any]], tuple[list[str], str]]
CONFIG = {"lr": 1e-05, "flag": True, "off": False, "none": None, "batch-size": 64, "s": "a b'c\"d"}


def argv(*command: Any, config: Mapping[str, Any] | None = None, **env: str) -> list[str]:
    chosen = CONFIG if config is None else config
    return expand(list(command), "train.py", chosen, env=env, json_file="/j.json")


@pytest.mark.parametrize(
    ("macro", "arguments"),
    [
        ("env", ["/usr/bin/env"]),
        ("interpreter", ["python"]),
        ("program", ["train.py"]),
        ("args", ["--a=[1, 'x']", "--b={'c': 0.5}", "--f=True", "--n=None"]),
        ("args_no_hyphens", ["a=[1, 'x']", "b={'c': 0.5}", "f=True", "n=None"]),
        ("args_no_boolean_flags", ["--a=[1, 'x']", "--b={'c': 0.5}", "--f", "--n=None"]),
        ("args_no_equals", ["--a", "[1, 'x']", "--b", "{'c': 0.5}", "--f", "True", "--n", "None"]),
        ("args_append_hydra", ["+a=[1, 'x']", "+b={'c': 0.5}", "+f=True", "+n=None"]),
        ("args_override_hydra", ["++a=[1, 'x']", "++b={'c': 0.5}", "++f=True", "++n=None"]),
        ("args_json", ['{"a": [1, "x"], "b": {"c": 0.5}, "f": true, "n": null}']),
        ("args_json_file", ["/j.json"]),
        ("args_dict", ["a", "b", "f", "n"]),
        ("envvar:HOME", ["/root"]),
    ],
)
def test_each_macro(macro: str, arguments: list[str]) -> None:
    config = {"n": None, "f": True, "b": {"c": 0.5}, "a": [1.0, "x"]}
    assert argv("${" + macro + "}", config=config, HOME="/root") == arguments
    assert macro in MACROS or macro.startswith("envvar:")


def test_the_table_is_covered_by_the_test_above() -> None:
    assert len(MACROS) == 13


@pytest.mark.parametrize("command", [None, []])
def test_default_command(command: list[Any] | None) -> None:
    words = expand(command, "train.py", {"lr": 0.1}, env={}, json_file=None)
    assert words == ["/usr/bin/env", "python", "train.py", "--lr=0.1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4"),
        (-0.0, "0"),
        (1e-05, "1e-05"),
        (1e15, "1000000000000000"),
        (1e16, "1e+16"),
        (0.30000000000000004, "0.30000000000000004"),
        ([4.0, 0.5], "[4, 0.5]"),
        ({"a": 2.0, "b": [{"c": 3.0}]}, "{'a': 2, 'b': [{'c': 3}]}"),
        ((1, 2), "[1, 2]"),
        ({1: "x", None: 2, 2.0: 3}, "{'1': 'x', 'null': 2, '2': 3}"),
        ("4.0", "4.0"),
        ("", ""),
        (float("nan"), "nan"),
        (True, "True"),
        ("żółć", "żółć"),
    ],
)
def test_values_are_printed_by_python_after_a_journey_through_json(value: Any, text: str) -> None:
    assert argv("${args}", config={"x": value}) == [f"--x={text}"]


def test_names_are_kept_and_sorted_by_code_point() -> None:
    config = {"b": 1, "a.b": 2, "B": 3, "a": {"z": 1}, "++k": 4}
    assert argv("${args}", config=config) == ["--++k=4", "--B=3", "--a={'z': 1}", "--a.b=2", "--b=1"]


def test_only_whole_items_are_macros() -> None:
    assert argv("--x=${args}", "a${program}") == ["--x=${args}", "a${program}"]
    assert argv("python", "--logdir l --configs c", 3, True, {"$interpreter": None}) == [
        "python",
        "--logdir l --configs c",
        "3",
        "True",
        "{'$interpreter': None}",
    ]


def test_environment_variables_are_filled_in_anywhere() -> None:
    found = argv("${envvar:A}/${envvar:B2}", "${envvar:A}", "${envvar:lower}", "--entity=${ENTITY}", A="x")
    assert found == ["x/B2", "x", "--entity=${ENTITY}"]


def test_unknown_macros_vanish_and_are_named() -> None:
    command = ["${env}", "${interpereter}", "${program}", "${envvar:HOME}", "x${y}", "${args", "${gen_gamma}"]
    assert argv(*command, HOME="/h") == ["/usr/bin/env", "train.py", "/h", "x${y}", "${args"]
    assert unknown_macros(command) == [(1, "${interpereter}"), (6, "${gen_gamma}")]
    assert unknown_macros(["${envvar:lower}", "${a}-${b}"]) == [(0, "${envvar:lower}"), (1, "${a}-${b}")]
    assert unknown_macros(None) == []


@pytest.mark.parametrize(
    ("command", "passes"),
    [(None, True), (["${args_json}"], True), (["python", "${program}"], False), (["--x=${args}"], False)],
)
def test_whether_the_command_passes_parameters(command: Sequence[Any] | None, passes: bool) -> None:
    assert args_macros(command) is passes


def test_json_file_needs_a_path_only_where_it_is_used() -> None:
    assert expand(["${args}"], None, {"a": 1}, env={}, json_file=None) == ["--a=1"]
    with pytest.raises(ValueError, match="args_json_file"):
        expand(["${args_json_file}"], None, {"a": 1}, env={}, json_file=None)
    assert json.loads(args_json({"b": 1.0, "a": "é"})) == {"a": "é", "b": 1}


def test_program_of_a_module_stays_one_element() -> None:
    words = expand(["python", "${program}"], "-m pkg.mod", {}, env={}, json_file=None)
    assert words == ["python", "-m pkg.mod"]


@pytest.fixture
def bin_with_python(tmp_path: Path) -> str:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(tmp_path)


def test_python_is_replaced_only_where_path_has_none(tmp_path: Path, bin_with_python: str) -> None:
    none, some = {"PATH": str(tmp_path / "empty")}, {"PATH": bin_with_python}
    for head in ([], ["/usr/bin/env"], ["/usr/bin/env", "CUBLAS_WORKSPACE_CONFIG=:4096:8", "A="]):
        assert resolve_interpreter([*head, "python", "t.py"], none) == [*head, sys.executable, "t.py"]
        assert resolve_interpreter([*head, "python", "t.py"], some) == [*head, "python", "t.py"]
    assert resolve_interpreter(["env", f"PATH={bin_with_python}", "python"], none)[-1] == "python"
    assert resolve_interpreter(["python3", "python"], none) == ["python3", "python"]
    assert resolve_interpreter(["/usr/bin/env"], none) == ["/usr/bin/env"]
    assert resolve_interpreter([], none) == []


def test_a_program_is_found_on_path_or_from_the_working_directory(bin_with_python: str) -> None:
    assert find_program("python", f"/nowhere:{bin_with_python}") == f"{bin_with_python}/python"
    assert find_program("./python", "/nowhere", cwd=bin_with_python)
    assert find_program("./python", bin_with_python, cwd="/") is None
    assert find_program("env", bin_with_python) is None


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Agent:
    """W&B's own agent up to where it would start a process: argv and content of args_json_file."""
    wandb_agent = importlib.import_module("wandb.wandb_agent")
    folder = tmp_path_factory.mktemp("agent")

    def run(command: list[Any] | None, program: str, config: Mapping[str, Any]) -> tuple[list[str], str]:
        caught: dict[str, Any] = {}

        class Caught:
            def __init__(self, **kwargs: Any) -> None:
                caught.update(kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WANDB_DIR", str(folder))
            patch.setenv("WANDB_SWEEP_ID", "s")
            patch.setenv("WANDB_RUN_ID", "r")
            patch.setenv("WANDB_SWEEP_PARAM_PATH", "")
            patch.setenv("SET_ONE", "one two")
            patch.setattr(wandb_agent, "AgentProcess", Caught)
            it = object.__new__(wandb_agent.Agent)
            it._sweep_command, it._function, it._in_jupyter = command and list(command), None, False
            it._forward_signals, it._run_processes = False, {}
            args = {name: {"value": config[name]} for name in sorted(config)}
            it._command_run({"run_id": "r", "program": program, "args": args})
        file = folder / "wandb/sweep-s/config-r.json"
        return caught["command"], file.read_text() if file.exists() else ""

    return run


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
ITEMS = (
    st.sampled_from(
        [f"${{{name}}}" for name in MACROS] + ["${envvar:SET_ONE}", "${envvar:UNSET_ONE}", "${x}"]
    )
    | st.sampled_from(["a${envvar:SET_ONE}b${envvar:UNSET_ONE}", "--x=${args}", "${env}${args}", "${", "${}"])
    | st.text(max_size=5)
    | st.integers()
    | st.none()
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    command=st.none() | st.lists(ITEMS, max_size=5),
    config=st.dictionaries(st.text(min_size=1, max_size=4), VALUES, max_size=4),
)
def test_same_argv_as_the_agent_of_wandb(
    agent: Agent, command: list[Any] | None, config: dict[str, Any]
) -> None:
    expected, file = agent(command, "-m a b.py", wire_values(config))
    path = next((word for word in expected if word.endswith("/wandb/sweep-s/config-r.json")), "unused")
    env = {**os.environ, "SET_ONE": "one two"}
    assert expand(command, "-m a b.py", config, env=env, json_file=path) == expected
    if path != "unused":
        assert file == args_json(config)
