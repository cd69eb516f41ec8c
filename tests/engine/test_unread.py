"""Trials that run on their defaults: said after the first, and once more when all gave the same value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.engine.unread import Unread
from hpo.trial.recipe import Recipe

PLAIN = {
    "command": ["python", "${program}"],
    "parameters": {"lr": {"values": [0.1, 0.2, 0.3]}},
    "method": "grid",
}
ARGPARSE = """
import argparse
import {wandb} as log
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.5)
args = parser.parse_args()
{before}
{call}
"""
WANDB = "log.init(config=args); log.config.update(args); log.log({'loss': args.lr}); print(log.config)"


def notes(result: hpo.RunResult) -> list[str]:
    lines = (result.directory / "journal.jsonl").read_text().splitlines()
    texts = [event["text"] for event in map(json.loads, lines) if event.get("event") == "note"]
    return [text for text in texts if "wandb.config" in text]


@pytest.mark.ray
@pytest.mark.parametrize("preload", ["auto", "off"])
def test_a_script_whose_command_passes_nothing_is_told_of_after_the_first_trial_and_the_last(
    run_script: Any, preload: str
) -> None:
    script = ARGPARSE.format(wandb="wandb", before="", call=WANDB)
    first, last = notes(run_script(script, PLAIN | {"hpo": {"preload": preload}}))
    assert first.startswith("trial ")
    assert "ran without its parameters: the command has no ${args}, and neither wandb.config" in first
    assert last.startswith("all 3 trials gave the same value, 0.5, for the command has no ${args}")


@pytest.mark.ray
@pytest.mark.parametrize(
    ("command", "notes_told"),
    [
        (
            ["env", "-u", "NOTHING", "python", "-X", "dev", "${program}"],
            2,
        ),  # as torchrun, accelerate or uv run
        (["bash", "-c", "python train.py"], 0),
    ],
)
def test_a_launcher_of_a_script_passes_on_what_it_was_given(
    run_script: Any, command: list[str], notes_told: int
) -> None:
    script = ARGPARSE.format(wandb="wandb", before="", call=WANDB)
    assert len(notes(run_script(script, PLAIN | {"command": command}))) == notes_told


READING = {
    "the configuration": "log.report({'loss': log.config()['lr']})",
    "in a child": "import multiprocessing as m; c = m.get_context('fork').Pool(1).apply(log.config);"
    "log.report({'loss': c['lr']})",
    "before another program": "import os, sys; c = log.config()\n"
    "if len(sys.argv) == 1 and 'AGAIN' not in os.environ:\n"
    "    os.environ['AGAIN'] = str(c['lr']); os.execv(sys.executable, [sys.executable, 'train.py'])\n"
    "log.report({'loss': float(os.environ['AGAIN'])})",
    "by itself": "import json, os; log.report({'loss': json.loads(os.environ['HPO_CONFIG'])['lr'] * 0})",
}


@pytest.mark.ray
@pytest.mark.parametrize("way", list(READING))
def test_who_reads_its_parameters_is_not_told_of(run_script: Any, way: str) -> None:
    script = "import hpo as log\n" + READING[way]
    assert notes(run_script(script, PLAIN)) == []


def wandb_trial(call: str) -> str:
    return f"import wandb\nrun = wandb.init(config={{'own': 1}})\n{call}\nwandb.log({{'loss': 1}})"


@pytest.mark.ray
def test_wandb_config_is_read_where_a_parameter_of_the_sweep_is(run_script: Any) -> None:
    assert notes(run_script(wandb_trial("wandb.config.lr"), PLAIN)) == []


@pytest.mark.ray
def test_a_function_without_an_argument_is_told_of(tmp_path: Path) -> None:
    def train() -> None:
        hpo.report({"loss": 1.0})

    sweep = PLAIN | {"metric": {"name": "loss"}, "hpo": {"tensorboard": False}}
    sweep.pop("command")
    first, last = notes(hpo.run(sweep, train=train, out=tmp_path / "run"))
    assert "the function takes no argument" in first
    assert last.startswith("all 3 trials gave the same value, 1, ")


def end(unread: bool, last: float | None = 1.0, state: str = "finished") -> dict[str, Any]:
    return {"state": state, "unread": unread, "last": last}


def told(*ends: dict[str, Any], configs: int = 10) -> tuple[list[int], str]:
    """After which trials something is said, and what after the last."""
    unread = Unread(Recipe("/run", "/", {}))
    said = [n for n, one in enumerate(ends, 1) if unread.ended(n, {"x": n % configs}, one)]
    return said, unread.over()


def test_it_is_said_once_and_not_where_one_has_read() -> None:
    assert told(end(True), end(True, 2.0)) == ([1], "")
    assert told(end(False), end(True))[0] == []
    assert told(end(True), end(False)) == ([1], "")
    assert told(end(False, state="failed"), end(True))[0] == [2]


def test_the_same_value_says_something_of_different_configurations_only() -> None:
    assert "all 2 trials" in told(end(True), end(True))[1]
    assert told(end(True), end(True), configs=1)[1] == ""
    assert told(end(True))[1] == ""
    assert told(end(True, None), end(True, None))[1] == ""
