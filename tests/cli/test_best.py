"""`hpo best` on real run directories: table, JSON, YAML, command line, messages where there is no best."""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from hpo.cli.best import best
from hpo.errors import UserError
from hpo.record.journal import Journal

SPACE = {"lr": {"min": 0.0, "max": 1.0}, "net": {"parameters": {"layers": {"values": [1, 2]}}}}
SWEEP: dict[str, Any] = {"method": "random", "program": "train.py", "parameters": SPACE}
METRIC = {"name": "val.loss", "goal": "minimize", "target": None}

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(best)


def hpo_best(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "100"})


def make_run(directory: Path, trials: list[dict[str, Any]], **run: Any) -> Path:
    """A run directory with these trials: config, and what their end event holds; without a state: running."""
    journal = Journal.create(directory)
    told = {"sweep": SWEEP, "metric": METRIC, "method": "random", "seed": 1, "count": 9, "cwd": os.getcwd()}
    journal.append({"event": "run", **told, **run})
    for number, trial in enumerate(trials, 1):
        trial = {
            "config": {"lr": 0.1 * number, "net": {"layers": number}},
            "iterations": 3,
            "reason": "",
            **trial,
        }
        journal.append({"event": "trial", "trial": number, "config": trial["config"]})
        journal.append({"event": "start", "trial": number, "attempt": 1})
        if "state" in trial:
            journal.append({"event": "end", "trial": number, "last": trial.get("value"), **trial})
    journal.close()
    return directory


@pytest.fixture
def run(tmp_path: Path) -> Path:
    states = ["finished", "stopped", "finished", "failed"]
    values = [0.3, 0.7, 0.20000000000000001, 0.0]
    trials: list[dict[str, Any]] = [{"state": s, "value": v} for s, v in zip(states, values, strict=True)]
    return make_run(tmp_path / "run", [*trials, {}])


def test_json_holds_exactly_what_is_promised(run: Path) -> None:
    done = hpo_best(run, "--json", "--top", 2)
    assert done.exit_code == 0
    third = {"trial": 3, "value": 0.2, "last": 0.2, "iterations": 3, "state": "finished"}
    first = {"trial": 1, "value": 0.3, "last": 0.3, "iterations": 3, "state": "finished"}
    assert json.loads(done.stdout) == {
        "metric": "val.loss",
        "goal": "minimize",
        "trials": 5,
        "states": {"finished": 2, "stopped": 1, "failed": 1, "interrupted": 0, "running": 1, "paused": 0},
        "best": [
            {**third, "config": {"lr": 0.1 * 3, "net": {"layers": 3}}},
            {**first, "config": {"lr": 0.1, "net": {"layers": 1}}},
        ],
    }
    everything = json.loads(hpo_best(run, "--json").stdout)["best"]
    assert [trial["trial"] for trial in everything] == [3, 1, 2, 4]


def test_json_is_strict_where_values_are_not_numbers(tmp_path: Path) -> None:
    odd = {"state": "finished", "value": 1.0, "last": math.nan, "config": {"a": math.inf, "b": [math.nan]}}
    text = hpo_best(make_run(tmp_path / "run", [odd]), "--json").stdout
    told = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert (told["best"][0]["last"], told["best"][0]["config"]) == (None, {"a": None, "b": [None]})


def test_maximize(run: Path, tmp_path: Path) -> None:
    ends = [{"state": "finished", "value": v} for v in (0.1, 0.9, 0.5)]
    up = make_run(tmp_path / "up", ends, metric={**METRIC, "goal": "maximize"})
    assert [t["trial"] for t in json.loads(hpo_best(up, "--json").stdout)["best"]] == [2, 3, 1]


def test_the_table_goes_to_stdout(run: Path) -> None:
    done = hpo_best(run, "--top", 2)
    heading, _, *rows = done.stdout.splitlines()
    assert heading.split() == ["trial", "val.loss", "last", "iter", "state", "lr", "net.layers"]
    assert [row.split()[:2] for row in rows] == [["3", "0.20000"], ["1", "0.30000"]]
    assert done.stderr == ""


CONFIG = {
    "lr": 1e-05,
    "big": 1e16,
    "whole": 3.0,
    "steps": 7,
    "net": {"layers": [1, 2.5, {"act": "gelu"}], "bias": None},
    "a.b": True,
    "text": "1e5",
    "date": "2020-01-01",
    "word": "yes",
    "octal": "0o7",
    "quote": 'it\'s: #1\n"two" größe',
    "empty": {},
    "inf": math.inf,
}


def test_yaml_reads_back_as_the_configuration(tmp_path: Path) -> None:
    directory = make_run(tmp_path / "run", [{"state": "finished", "value": 0.25, "config": CONFIG}])
    text = hpo_best(directory, "--yaml").stdout
    read = yaml.safe_load(text)
    assert read == CONFIG
    assert [type(value) for value in read.values()] == [type(value) for value in CONFIG.values()]
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert comments == [f"# {directory}", "# trial 1: val.loss 0.25 (minimize)"]
    assert "text: '1e5'" in text  # YAML 1.2 would take it for a number


def test_yaml_has_no_anchors_where_values_repeat(tmp_path: Path) -> None:
    directory = make_run(
        tmp_path / "run", [{"state": "finished", "value": 1, "config": {"a": [1], "b": [1]}}]
    )
    text = hpo_best(directory, "--yaml").stdout
    assert "&" not in text


def test_the_command_is_what_a_shell_needs(tmp_path: Path) -> None:
    config = {"lr": 0.1 + 0.2, "name": "it's $HOME; rm", "net": {"layers": 2}, "epochs": 3.0}
    sweep = {
        **SWEEP,
        "program": "my train.py",
        "command": [sys.executable, "-m", "this", "${program}", "${args}"],
    }
    directory = make_run(tmp_path / "run", [{"state": "finished", "value": 1, "config": config}], sweep=sweep)
    done = hpo_best(directory, "--command")
    assert shlex.split(done.stdout) == [
        sys.executable,
        "-m",
        "this",
        "my train.py",
        "--epochs=3",
        "--lr=0.30000000000000004",
        "--name=it's $HOME; rm",
        "--net={'layers': 2}",
    ]
    script = f"set -- {done.stdout.strip()}; printf '%s\\n' \"$7\""
    assert subprocess.check_output(["sh", "-c", script], text=True) == "--name=it's $HOME; rm\n"
    assert done.stderr == ""


def test_the_command_names_the_json_file_and_the_folder_to_run_in(tmp_path: Path) -> None:
    sweep = {**SWEEP, "command": ["prog", "${args_json_file}"]}
    directory = make_run(tmp_path / "run", [{"state": "finished", "value": 1}], sweep=sweep, cwd="/elsewhere")
    done = hpo_best(directory, "--command")
    assert shlex.split(done.stdout) == ["prog", str(directory / "trials" / "0001" / "args.json")]
    assert done.stderr == "to be run in /elsewhere\n"


def test_a_function_has_no_command(tmp_path: Path) -> None:
    sweep = {"method": "random", "parameters": SPACE}
    done = hpo_best(make_run(tmp_path / "run", [{"state": "finished", "value": 1}], sweep=sweep), "--command")
    assert isinstance(done.exception, UserError)
    assert "trained a Python function" in str(done.exception)


@pytest.mark.parametrize("pair", [("--json", "--yaml"), ("--yaml", "--command"), ("--command", "--json")])
def test_forms_exclude_each_other(run: Path, pair: tuple[str, str]) -> None:
    done = hpo_best(run, *pair)
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("form", ["", "--json", "--yaml", "--command"])
def test_without_a_value_there_is_a_message(tmp_path: Path, form: str) -> None:
    failed = {"state": "failed", "value": None, "reason": "exit code 1: ValueError: bad lr"}
    done = hpo_best(make_run(tmp_path / "run", [failed, {}]), *filter(None, [form]))
    assert isinstance(done.exception, UserError)
    assert "has a value of 'val.loss' (1 failed, 1 running); one failed with: exit code 1" in str(
        done.exception
    )
    if form == "--json":
        assert json.loads(done.stdout)["best"] == []
    else:
        assert done.stdout == ""


def test_without_a_metric_there_is_a_message(tmp_path: Path) -> None:
    done = hpo_best(make_run(tmp_path / "run", [{"state": "finished", "value": None}], metric=None))
    assert isinstance(done.exception, UserError)
    assert "names no metric" in str(done.exception)


def test_a_failed_trial_is_given_with_a_warning_where_there_is_no_other(tmp_path: Path) -> None:
    done = hpo_best(make_run(tmp_path / "run", [{"state": "failed", "value": 0.5}]), "--yaml")
    assert done.exit_code == 0
    assert "only failed trials have a value" in done.stderr
    assert "# trial 1, failed: val.loss 0.5" in done.stdout


def test_the_command_line_itself(run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "hpo", "best"]
    done = subprocess.run([*command, run, "--json"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["best"][0]["trial"] == 3
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"ray", "torch", "optuna"}
    missing = subprocess.run(
        [*command, tmp_path / "none"], capture_output=True, text=True, timeout=60, check=False
    )
    assert missing.returncode == 1
    assert f"hpo: {tmp_path}/none: no such directory" in missing.stderr
    assert "Traceback" not in missing.stderr


@pytest.fixture
def pareto(tmp_path: Path) -> Path:
    points = [(0.3, 10.0), (0.1, 50.0), (0.4, 40.0), (0.2, 20.0)]
    trials = [{"state": "finished", "value": 0.05, "values": {"loss": a, "size": b}} for a, b in points]
    metrics = [{"name": name, "goal": "minimize"} for name in ("loss", "size")]
    return make_run(tmp_path / "pareto", trials, metric=metrics[0], metrics=metrics)


def test_the_front_stands_first_in_the_table(pareto: Path) -> None:
    lines = hpo_best(pareto).output.splitlines()
    assert lines[0].split()[:4] == ["trial", "front", "loss", "size"]
    rows = [line.split() for line in lines[2:]]
    assert [row[:4] for row in rows[:3]] == [
        ["2", "*", "0.10000", "50"],
        ["4", "*", "0.20000", "20"],
        ["1", "*", "0.30000", "10"],
    ]
    assert rows[3][:3] == ["3", "0.40000", "40"]


def test_the_front_as_json_and_yaml(pareto: Path) -> None:
    told = json.loads(hpo_best(pareto, "--json").output)
    assert told["metrics"] == {"loss": "minimize", "size": "minimize"}
    assert [(one["trial"], one["front"]) for one in told["best"]] == [
        (2, True),
        (4, True),
        (1, True),
        (3, False),
    ]
    assert told["best"][0]["values"] == {"loss": 0.1, "size": 50.0}
    text = hpo_best(pareto, "--yaml").output
    assert [one["net"]["layers"] for one in yaml.safe_load_all(text)] == [2, 4, 1]
    assert "# trial 4: loss 0.2 (minimize), size 20.0 (minimize)" in text
    assert yaml.safe_load(hpo_best(pareto, "--yaml", "--top", "1").output)["net"]["layers"] == 2


def test_a_long_front_is_shown_whole_unless_top_says_otherwise(tmp_path: Path) -> None:
    metrics = [{"name": "a", "goal": "minimize"}, {"name": "b", "goal": "maximize"}]
    trials = [{"state": "finished", "value": n, "values": {"a": n, "b": n}} for n in range(15)]
    run = make_run(tmp_path / "run", trials, metric=metrics[0], metrics=metrics)
    assert len(json.loads(hpo_best(run, "--json").output)["best"]) == 15
    assert len(json.loads(hpo_best(run, "--json", "--top", "3").output)["best"]) == 3
