"""Rules of early stopping in whole runs on a real Ray."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.errors import UserError
from hpo.record.journal import read_journal

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]

STEPS = """
import time, hpo
for step in range(1, 28):
    hpo.report({"loss": hpo.config()["x"] + 1 / step})
    time.sleep(0.05)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs a script over values of x with a rule, in a fresh folder."""
    monkeypatch.chdir(tmp_path)

    def start(script: str, values: list[float], rule: dict[str, Any], **options: Any) -> hpo.RunResult:
        Path("train.py").write_text(textwrap.dedent(script))
        sweep = {
            "program": "train.py",
            "method": "grid",
            "metric": {"name": "loss"},
            "parameters": {"x": {"values": values}},
            "early_terminate": rule,
            "hpo": {"kill_grace": 1, "tensorboard": False},
        }
        return hpo.run(sweep, out=tmp_path / "run", **options)

    return start


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "asha", "min_iter": 1},
        {"type": "asha", "min_iter": 1, "promote": True},
        {"type": "async_hyperband", "max_iter": 27, "brackets": 1},
        {"type": "hyperband_sync", "max_iter": 27},
        {"type": "median", "min_iter": 3, "min_samples": 1},
        {"type": "hyperband", "min_iter": 3, "strict": False},
        {"type": "ray.tune.schedulers:AsyncHyperBandScheduler", "max_t": 28, "reduction_factor": 3},
    ],
    ids=str,
)
def test_poor_trials_are_stopped_and_the_best_one_is_not(run: Any, rule: dict[str, Any]) -> None:
    result = run(STEPS, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], rule)
    assert result.state == "complete"
    states = [trial.state for trial in result.trials]
    assert states[0] == "finished"
    assert states.count("stopped") >= 2
    assert result.best.number == 1


def test_a_trial_is_stopped_when_others_come_by_although_it_reports_nothing(run: Any) -> None:
    script = """
    import os, time, hpo
    x = hpo.config()["x"]
    while x == 0 and not os.path.exists("first"):
        time.sleep(0.05)
    hpo.report({"loss": x})
    open("first", "w").close()
    time.sleep(240 * x)
    """
    result = run(script, [1.0, 0.0], {"type": "hyperband", "min_iter": 1}, concurrency=2)
    slow, good = result.trials
    assert (slow.state, good.state) == ("stopped", "finished")
    assert slow.seconds < 120


def test_a_trial_that_diverges_is_stopped(run: Any) -> None:
    script = """
    import time, hpo
    for step in range(100):
        hpo.report({"loss": float("nan") if hpo.config()["x"] else 1.0})
        time.sleep(0.05)
    """
    result = run(script, [0, 1], {"type": "asha", "min_iter": 3, "max_iter": 27})
    assert [trial.state for trial in result.trials] == ["finished", "stopped"]
    assert result.trials[1].iterations < 100
    assert result.trials[1].value is None


def test_scripts_without_checkpoints_are_not_paused_and_it_is_said(run: Any) -> None:
    result = run(STEPS, [0.0, 1.0, 2.0], {"type": "asha", "min_iter": 1, "promote": True})
    notes = [event["text"] for event in read_journal(result.directory) if event["event"] == "note"]
    assert sum("without a checkpoint" in text for text in notes) == 1
    assert all(trial.state in ("finished", "stopped") for trial in result.trials)


def test_scripts_with_checkpoints_pause_and_the_best_go_on(run: Any) -> None:
    script = """
    import time, hpo
    x, done = hpo.config()["x"], (hpo.get_checkpoint() or {"done": 0})["done"]
    for step in range(done + 1, 10):
        with open("steps", "a") as file:
            file.write(f"{x} {step}\\n")
        hpo.report({"loss": x + 1 / step}, checkpoint={"done": step})
        time.sleep(0.3)
    """
    values = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 6.0]
    result = run(script, values, {"type": "asha", "min_iter": 1, "max_iter": 9, "promote": True})
    assert result.state == "complete"
    kinds = [event["event"] for event in read_journal(result.directory)]
    assert kinds.count("pause") >= 4
    assert not [e for e in read_journal(result.directory) if e["event"] == "note" and "pause" in e["text"]]
    ends = {trial.config["x"]: trial.iterations for trial in result.trials}
    assert ends[6.0] <= 2
    assert 1 <= sum(iterations >= 3 for iterations in ends.values()) <= 4
    steps = Path("steps").read_text().splitlines()
    assert len(steps) - len(set(steps)) <= kinds.count("pause")  # what was begun when it was told to pause


def test_both_engines_stop_by_the_same_rule(run: Any) -> None:
    rule = {"type": "asha", "min_iter": 3, "promote": True}
    result = run(STEPS, [0.0, 1.0, 2.0, 3.0], rule, engine="tune", concurrency=1)
    assert [trial.state for trial in result.trials] == ["finished", "stopped", "stopped", "stopped"]
    assert all(trial.iterations < 27 for trial in result.trials[1:])


def test_a_class_that_cannot_be_built_ends_the_run_with_the_reason(run: Any) -> None:
    rule = {"type": "ray.tune.schedulers:AsyncHyperBandScheduler", "max_t": -1}
    with pytest.raises(UserError, match="AsyncHyperBandScheduler cannot be built with max_t: AssertionError"):
        run(STEPS, [0.0], rule)
