"""A cluster that grows while a run is on it, and a batch system that says that its time is up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine.left_behind import events

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]
SCRIPT = "import time, hpo; time.sleep(0.5); hpo.report({'loss': hpo.config()['x']})"
SWEEP = {
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
}


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    (folder / "train.py").write_text(SCRIPT)
    (folder / "sweep.yaml").write_text(json.dumps(SWEEP))
    words = ("run", "sweep.yaml", "--out", "run", *options)
    command = [sys.executable, "-m", "tests.faults.joining", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True)


def test_a_node_that_joins_gets_trials(tmp_path: Path) -> None:
    process = started(tmp_path, "--count", "60")
    _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert events(tmp_path / "run", "run")[0]["slots"] == 2
    assert [event["slots"] for event in events(tmp_path / "run", "slots")] == [4]
    assert {event["slot"] for event in events(tmp_path / "run", "start")} == {0, 1, 2, 3}
    assert "nodes have joined: room for 4 trials at once" in said


@pytest.mark.parametrize("end", [("--count", "1000"), ("--set", "hpo.time_budget=1h")])
def test_sigusr1_ends_a_run_that_is_to_go_on(tmp_path: Path, end: tuple[str, str]) -> None:
    process = started(tmp_path, *end)
    journal, latest = tmp_path / "run" / "journal.jsonl", time.monotonic() + 100
    while not (journal.exists() and '"slots"' in journal.read_text().partition("\n")[2]):
        assert process.poll() is None
        assert time.monotonic() < latest
        time.sleep(0.1)
    process.send_signal(signal.SIGUSR1)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 75, said
    assert "SIGUSR1" in said
    states = {event["state"] for event in events(tmp_path / "run", "end")}
    assert states <= {"finished", "interrupted"}
    (over,) = events(tmp_path / "run", "done")
    assert over["state"] == "budget"
