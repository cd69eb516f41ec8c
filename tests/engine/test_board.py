"""TensorBoard beside real runs: watched while they go on, after a crash, and once they were resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.record.holder import owner
from hpo.trial.media import LOGS
from tests import command
from tests.record.board import served
from tests.record.shown import hparams, status, told

pytestmark = pytest.mark.ray
SLOW = """
import os, time, hpo
state = hpo.get_checkpoint() or {"step": 0}
for step in range(state["step"] + 1, 9):
    hpo.report({"loss": hpo.config()["x"] / step, "acc": step / 8}, checkpoint={"step": step})
    time.sleep(0.4)
    while step == 5 and not os.path.exists("go"):
        time.sleep(0.1)
"""
SWEEP = """
program: train.py
method: grid
metric: {name: loss}
parameters: {x: {values: [1.0, 2.0]}, shape: {values: [[1, 2]]}}
hpo: {concurrency: 2, kill_grace: 1}
"""
SHOWN = {"hpo": {"tensorboard": True}}


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def reached(path: Path, run: str, step: int) -> bool:
    return any(at >= step for at, _ in told(path, run).get("loss", ()))


def test_a_run_is_seen_live_after_a_crash_and_once_it_has_gone_on(tmp_path: Path, ray_here: str) -> None:
    ray = {**os.environ, "RAY_ADDRESS": ray_here}
    (tmp_path / "train.py").write_text(SLOW)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    words = [sys.executable, "-m", "hpo", "run", "sweep.yaml", "--out", "run"]
    with (tmp_path / "said").open("wb") as said:
        driver = subprocess.Popen(words, cwd=tmp_path, env=ray, stdout=said, stderr=said)
    root = tmp_path / "run" / LOGS
    until((root / "_sweep").is_dir)
    with served(root) as board:
        live = board.until(
            board.sessions, lambda found: len(found) == 2 and "loss" in found["t0002"]["metrics"]
        )
        assert {one["status"] for one in live.values()} == {"STATUS_UNKNOWN"}
        assert live["t0001"]["hparams"] == {"x": 1.0, "shape": "[1, 2]"}
        until(lambda: all(reached(root, f"t000{n}", 4) for n in (1, 2)))
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        until(lambda: not (found := owner(tmp_path / "run")) or not found.alive)
        (tmp_path / "go").touch()
        done = command.hpo("resume", "run", cwd=tmp_path)
        assert done.returncode == 0, done.stderr

        def ended(found: dict[str, Any]) -> bool:
            return all(one["status"] == "STATUS_SUCCESS" for one in found.values())

        board.until(board.sessions, ended)
        points = board.until(lambda: board.scalars("t0001", "acc"), lambda points: len(points) == 8)
    assert [value for _, value in points] == pytest.approx([step / 8 for step in range(1, 9)])
    assert [status(root, run) for run in ("t0001", "t0002")] == [1, 1]


@pytest.mark.usefixtures("ray_here")
def test_a_population_s_clones_are_sessions_with_their_true_values(run_script: Any) -> None:
    script = """
        import time, hpo
        state = hpo.get_checkpoint() or {"step": 0, "sum": 0.0}
        for step in range(state["step"] + 1, 13):
            time.sleep(0.1)  # long enough that members do not end one after another on a busy machine
            state = {"step": step, "sum": state["sum"] + hpo.config()["lr"]}
            hpo.report({"loss": -state["sum"], "used": hpo.config()["lr"]}, checkpoint=state)
        """
    rule = {"type": "pbt", "interval": 3, "mutate": ["lr"], "max_iter": 12}
    config = {"parameters": {"lr": {"min": 0.0, "max": 1.0}}, "early_terminate": rule}
    result = run_script(script, config | SHOWN, count=4, seed=2)
    root = result.directory / LOGS
    clones = sorted(root.glob("t*/g02"))
    assert clones
    for trial in root.glob("t*"):
        seen = told(root, trial.name)
        assert seen["hparam/lr"] == seen["used"]  # what a row was trained with stands beside it
    for clone in clones:
        values = told(root, str(clone.relative_to(root)))
        start = hparams(values["_hparams_/session_start_info"][0]).session_start_info
        at = int(values["segment/to"][-1][1]) - 1
        used = dict(told(root, clone.parent.name)["used"])[at]
        assert used == pytest.approx(start.hparams["lr"].number_value)
    assert len(told(root, "_best_lineage")["loss"]) == 12


@pytest.mark.usefixtures("ray_here")
def test_it_can_be_switched_off_and_made_later(run_script: Any) -> None:
    script = "import hpo\nhpo.report({'loss': 1.0})"
    config = {"parameters": {"x": {"min": 0.0, "max": 1.0}}, "hpo": {"tensorboard": False}}
    result: hpo.RunResult = run_script(script, config, count=2)
    assert not (result.directory / LOGS).exists()
    assert command.hpo("tensorboard", "--rebuild", result.directory).returncode == 0
    assert status(result.directory / LOGS, "t0002") == 1


@pytest.mark.usefixtures("ray_here")
def test_a_directory_that_cannot_be_written_costs_the_run_nothing(run_script: Any, tmp_path: Path) -> None:
    script = "import hpo, time\nfor i in range(20):\n    hpo.report({'loss': 1.0})\n    time.sleep(0.1)"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOGS).write_text("a file is in the way")
    config = {"parameters": {"x": {"min": 0.0, "max": 1.0}}}
    result: hpo.RunResult = run_script(script, config | SHOWN, count=4)
    assert result.state == "complete"
    assert [trial.state for trial in result.trials] == ["finished"] * 4
    notes = (result.directory / "journal.jsonl").read_text().count("TensorBoard files are written no more")
    assert notes == 1
