"""Trials that go on from their checkpoints: after a failure, and after a pause."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

import hpo
from hpo.engine import plan
from hpo.engine.scheduling import Scheduling
from hpo.trial.recipe import Recipe
from tests.engine.left_behind import events, rows

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no trial need import Ray for its function
EPOCHS = 6


def sweep(count: int, **own: Any) -> dict[str, Any]:
    return {
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "run_cap": count,
        "hpo": {"concurrency": 2, "seed": 1, "tensorboard": False, **own},
    }


def train(config: dict[str, Any], dies: bool = False) -> None:
    state = hpo.get_checkpoint() or {"epoch": 0}
    for epoch in range(state["epoch"], EPOCHS):
        hpo.report(
            {"loss": 10 - epoch + config["x"], "began": state["epoch"]}, checkpoint={"epoch": epoch + 1}
        )
        if dies and epoch == 2 and state["epoch"] == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_failed_trial_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    result = hpo.run(sweep(3, max_failures=1), lambda config: train(config, dies=True), out=tmp_path / "run")
    assert [(t.state, t.attempts, t.iterations) for t in result.trials] == [("finished", 2, EPOCHS)] * 3
    for number in (1, 2, 3):
        assert [row["began"] for row in rows(tmp_path / "run", number)] == [0, 0, 0, 3, 3, 3]
        kept = os.listdir(tmp_path / "run" / "trials" / f"{number:04d}" / "checkpoints")
        assert kept == ["000006.2"]  # each attempt has its own


def test_as_many_checkpoints_as_wanted_are_kept(tmp_path: Path) -> None:
    hpo.run(sweep(1, checkpoint={"keep": 3}), train, out=tmp_path / "run")
    kept = os.listdir(tmp_path / "run" / "trials" / "0001" / "checkpoints")
    assert sorted(kept) == ["000004", "000005", "000006"]


class Pausing(FIFOScheduler):  # type: ignore[misc]
    """Pauses each trial once, at its second iteration, and lets the better half go on when all have."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.seen = count, dict[Trial, float]()

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> Any:
        assert trial.checkpointed
        if trial in self.seen or result["training_iteration"] != 2:
            return TrialScheduler.CONTINUE
        self.seen[trial] = result["loss"]
        return TrialScheduler.PAUSE

    def choose_trial_to_run(self, controller: Any, *args: Any) -> Any:
        if len(self.seen) < self.count:
            return None
        better = sorted(self.seen, key=lambda trial: self.seen[trial])[: self.count // 2]
        return next((trial for trial in better if trial.status == Trial.PAUSED), None)


@pytest.fixture
def pausing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Pausing]:
    recipe = plan.Plan.recipe

    def with_milestones(self: plan.Plan) -> Recipe:
        return Recipe(**{**vars(recipe(self)), "milestones": (2,), "checkpoint_at": (2, 4)})

    def use(count: int) -> Pausing:
        scheduler = Pausing(count)
        monkeypatch.setattr("hpo.tune.schedulers.scheduler", lambda *args, **kwargs: scheduler)
        monkeypatch.setattr(plan.Plan, "recipe", with_milestones)
        return scheduler

    return use


def slow(config: dict[str, Any]) -> None:
    import time

    state = hpo.get_checkpoint() or {"epoch": 0}
    for epoch in range(state["epoch"], EPOCHS):
        loss = 10 - epoch + config["x"]
        row = {"loss": loss, "began": state["epoch"]}
        hpo.report(row, checkpoint=functools.partial(dict, epoch=epoch + 1))
        time.sleep(0.2)


def test_paused_trials_leave_their_slot_and_the_chosen_go_on(
    tmp_path: Path, pausing: Callable[[int], Pausing]
) -> None:
    pausing(4)
    result = hpo.run(sweep(4), slow, out=tmp_path / "run")
    by_value = sorted(result.trials, key=lambda trial: trial.config["x"])
    assert [trial.state for trial in by_value] == ["finished"] * 2 + ["stopped"] * 2
    assert [trial.iterations for trial in by_value[:2]] == [EPOCHS] * 2
    assert len(events(tmp_path / "run", "pause")) == 4
    for trial in by_value[:2]:
        assert [row["began"] for row in rows(tmp_path / "run", trial.number)] == [0, 0, 2, 2, 2, 2]
        assert trial.attempts == 1
    assert all(trial.iterations < EPOCHS for trial in by_value[2:])


CLASS = """
import os, time

class Net:
    def setup(self, config):
        self.x, self.epoch = config["x"], 0

    def reset_config(self, config):
        self.setup(config)
        return True

    def step(self):
        self.epoch += 1
        time.sleep(0.2)
        return {"loss": 10 - self.epoch + self.x, "epoch": self.epoch, "done": self.epoch == 6}

    def save_checkpoint(self, folder):
        open(os.path.join(folder, "epoch"), "w").write(str(self.epoch))

    def load_checkpoint(self, folder):
        self.epoch = int(open(os.path.join(folder, "epoch")).read())
"""


def test_a_class_goes_on_by_its_own_checkpoint(
    tmp_path: Path, pausing: Callable[[int], Pausing], monkeypatch: pytest.MonkeyPatch
) -> None:
    pausing(2)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(CLASS)
    result = hpo.run({**sweep(2), "program": "net:Net"}, out=tmp_path / "run")
    (best,) = (trial for trial in result.trials if trial.state == "finished")
    assert [row["epoch"] for row in rows(tmp_path / "run", best.number)] == [1, 2, 3, 4, 5, 6]
    assert {trial.state for trial in result.trials} == {"finished", "stopped"}


def test_choosing_knows_only_paused_trials() -> None:
    scheduling = Scheduling(Pausing(2))
    for number in "12":
        scheduling.add(number, {})
        assert scheduling.choose() is None
        scheduling.trials[number].checkpointed = True
        result = {"training_iteration": 2, "loss": float(number)}
        assert scheduling.result(number, result) == TrialScheduler.PAUSE
        scheduling.pause(number)
    assert scheduling.choose() == "1"
    assert scheduling.choose() is None


def test_a_function_of_ray_tunes_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    def train(config: dict[str, Any]) -> None:
        import tempfile

        from ray import tune

        checkpoint, begun = tune.get_checkpoint(), 0
        if checkpoint:
            with checkpoint.as_directory() as folder:
                begun = len(os.listdir(folder))
        for epoch in range(begun, EPOCHS):
            with tempfile.TemporaryDirectory() as folder:
                for name in range(epoch + 1):
                    Path(folder, str(name)).touch()
                row = {"loss": 10 - epoch, "began": begun}
                tune.report(row, checkpoint=tune.Checkpoint.from_directory(folder))
            if epoch == 2 and begun == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    result = hpo.run(sweep(2, max_failures=1), train, out=tmp_path / "run")
    assert [(t.state, t.attempts, t.iterations) for t in result.trials] == [("finished", 2, EPOCHS)] * 2
    assert [row["began"] for row in rows(tmp_path / "run", 1)] == [0, 0, 0, 3, 3, 3]
