"""hpo.trial_timeout in whole runs, by both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.record.trials import load_run

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]

SCRIPT = """
import time, hpo
hpo.report({"loss": 2.0})
if hpo.config()["nap"]:
    time.sleep(600)
hpo.report({"loss": 1.0})
"""
SWEEP: dict[str, Any] = {
    "program": "train.py",
    "method": "grid",
    "metric": {"name": "loss"},
    "parameters": {"nap": {"values": [False, True]}},
    "hpo": {"trial_timeout": "10s", "kill_grace": 1, "concurrency": 1, "tensorboard": False},
}


@pytest.mark.parametrize("engine", ["hpo", "tune"])
def test_a_trial_that_hangs_fails_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT)
    result = hpo.run(SWEEP, engine=engine, out=tmp_path / "run")
    assert result.state == "complete"
    trials = load_run(tmp_path / "run").trials
    assert [(t.config["nap"], t.state, t.kind, t.value) for t in trials] == [
        (False, "finished", "", 1.0),
        (True, "failed", "timeout", 2.0),
    ]
    assert trials[1].reason == "ran longer than hpo.trial_timeout (10 s)"


def test_a_repeated_attempt_has_its_own_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = "import os\nfirst = not os.path.exists('seen')\nopen('seen', 'w')\n"
    Path("train.py").write_text(first + SCRIPT.replace('["nap"]', '["nap"] and first'))
    sweep = SWEEP | {"parameters": {"nap": {"value": True}}, "method": "random"}
    sweep["hpo"] = SWEEP["hpo"] | {"max_failures": 1}
    hpo.run(sweep, count=1, out=tmp_path / "run")
    (trial,) = load_run(tmp_path / "run").trials
    assert (trial.state, trial.kind, trial.value, trial.attempts) == ("finished", "", 1.0, 2)
