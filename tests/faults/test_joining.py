"""A cluster that grows while a run is on it, and a batch system that says that its time is up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.left_behind import events

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]
Events = list[dict[str, Any]]
SCRIPT = """
import os, time, hpo
while os.path.exists("hold"):
    time.sleep(0.1)
time.sleep(0.5)
hpo.report({"loss": hpo.config()["x"]})
"""
SWEEP = {
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
}


def started(folder: Path, *options: str, ray: str = "") -> subprocess.Popen[str]:
    """`hpo run` on the Ray of this address, or on a node of its own that another one joins."""
    (folder / "train.py").write_text(SCRIPT)
    (folder / "sweep.yaml").write_text(json.dumps(SWEEP))
    words = ("run", "sweep.yaml", "--out", "run", *options)
    command = [sys.executable, "-m", "hpo" if ray else "tests.faults.joining", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)} | ({"RAY_ADDRESS": ray} if ray else {})
    return subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], folder: Path, kind: str, true: Callable[[Events], bool]) -> None:
    """Until it is true of the run's events of a kind."""
    journal, latest = folder / "run" / "journal.jsonl", time.monotonic() + 200
    while not (journal.exists() and true(events(folder / "run", kind))):
        assert process.poll() is None
        assert time.monotonic() < latest
        time.sleep(0.1)


def test_a_node_that_joins_gets_trials(tmp_path: Path) -> None:
    process = started(tmp_path, "--count", "60")
    wait_for(process, tmp_path, "end", bool)
    (tmp_path / "hold").touch()  # there are trials left, however long the node takes
    try:
        wait_for(process, tmp_path, "start", lambda starts: len({event["slot"] for event in starts}) == 4)
    finally:
        (tmp_path / "hold").unlink()
    _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert events(tmp_path / "run", "run")[0]["slots"] == 2
    assert [event["slots"] for event in events(tmp_path / "run", "slots")] == [4]
    assert {event["slot"] for event in events(tmp_path / "run", "start")} == {0, 1, 2, 3}
    assert "nodes have joined: room for 4 trials at once" in said


@pytest.mark.parametrize(
    ("end", "grows"), [(("--count", "1000"), True), (("--set", "hpo.time_budget=1h"), False)]
)
def test_sigusr1_ends_a_run_that_is_to_go_on(
    tmp_path: Path, end: tuple[str, str], grows: bool, ray_here: str
) -> None:
    process = started(tmp_path, *end, ray="" if grows else ray_here)
    wait_for(process, tmp_path, "slots" if grows else "end", bool)
    process.send_signal(signal.SIGUSR1)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 75, said
    assert "SIGUSR1" in said
    states = {event["state"] for event in events(tmp_path / "run", "end")}
    assert states <= {"finished", "interrupted"}
    (over,) = events(tmp_path / "run", "done")
    assert over["state"] == "budget"
