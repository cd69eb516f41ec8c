"""`hpo status` on real run directories, while they run and afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from hpo.cli.status import status
from hpo.errors import UserError
from hpo.record.journal import Journal
from hpo.record.lock import RunLock

METRIC = {"name": "loss", "goal": "minimize", "target": 0.1}
EVENTS: list[dict[str, Any]] = [
    {
        "event": "run",
        "sweep": {},
        "metric": METRIC,
        "method": "random",
        "seed": 7,
        "count": 4,
        "slots": 2,
        "time": 100.0,
    },
    {"event": "trial", "trial": 1, "config": {"lr": 0.1}, "time": 101.0},
    {"event": "start", "trial": 1, "attempt": 1, "slot": 0, "node": "n", "time": 101.0},
    {
        "event": "end",
        "trial": 1,
        "state": "finished",
        "value": 0.5,
        "last": 0.5,
        "iterations": 2,
        "time": 105.0,
    },
    {"event": "trial", "trial": 2, "config": {"lr": 0.2}, "time": 102.0},
    {"event": "start", "trial": 2, "attempt": 1, "slot": 1, "node": "n", "time": 102.0},
    {"event": "result", "trial": 2, "iteration": 1, "value": 0.6, "best": 0.6, "time": 103.0},
]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(status)


def hpo_status(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "100"})


def write(directory: Path, *more: dict[str, Any]) -> Path:
    journal = Journal.create(directory)
    for event in (*EVENTS, *more):
        journal.append(event)
    journal.close()
    return directory


def test_json_of_a_running_run(tmp_path: Path) -> None:
    run = write(tmp_path / "run")
    with RunLock.acquire(run) as lock:
        told = json.loads(hpo_status(run, "--json").stdout)
    assert 0 <= told["driver"].pop("seen") < 60
    assert told == {
        "directory": str(tmp_path / "run"),
        "state": "running",
        "reason": "",
        "driver": {"host": lock.process.host, "pid": os.getpid(), "alive": True},
        "method": "random",
        "metric": "loss",
        "goal": "minimize",
        "target": 0.1,
        "seed": 7,
        "count": 4,
        "slots": 2,
        "trials": 2,
        "states": {"finished": 1, "stopped": 0, "failed": 0, "interrupted": 0, "running": 1, "paused": 0},
        "best": {"trial": 1, "value": 0.5, "state": "finished"},
        "set_aside": [],
        "started": 100.0,
        "ended": None,
        "updated": 103.0,
        "slurm": None,
    }


def test_json_of_a_run_that_ended(tmp_path: Path) -> None:
    over = {"event": "done", "state": "interrupted", "reason": "ended by the user", "time": 110.0}
    told = json.loads(hpo_status(write(tmp_path / "run", over), "--json").stdout)
    assert (told["state"], told["reason"], told["ended"]) == ("interrupted", "ended by the user", 110.0)
    assert told["states"]["interrupted"] == 1
    assert told["driver"] is None


def test_a_run_that_nobody_drives_any_more_has_died(tmp_path: Path) -> None:
    run = write(tmp_path / "run", {"event": "start", "trial": 2, "time": 104.0})
    told = json.loads(hpo_status(run, "--json").stdout)
    assert (told["state"], told["driver"], told["ended"], told["updated"]) == ("died", None, None, 104.0)
    assert told["states"]["running"] == 0
    assert told["states"]["interrupted"] == 1
    panel = hpo_status(run).stdout
    assert "died: its driver, last seen" in panel
    assert f"`hporesume{run}`goeson" in "".join(panel.split())


def test_the_panel_goes_to_stdout(tmp_path: Path) -> None:
    run = write(tmp_path / "run")
    with RunLock.acquire(run):
        done = hpo_status(run)
    assert done.exit_code == 0
    assert f"running: process {os.getpid()} on" in done.stdout
    assert "2 trials: 1 finished, 1 running (of 4)" in done.stdout
    assert "0.50000 (trial 1)" in done.stdout
    assert done.stderr == ""


def test_a_run_that_has_not_begun_is_a_message(tmp_path: Path) -> None:
    Journal.create(tmp_path / "run").close()
    assert isinstance(hpo_status(tmp_path / "run").exception, UserError)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_where_there_is_no_run_there_is_a_message(tmp_path: Path, form: list[str]) -> None:
    done = hpo_status(tmp_path, *form)
    assert isinstance(done.exception, UserError)
    assert str(tmp_path) in str(done.exception)
    assert done.stdout == ""
