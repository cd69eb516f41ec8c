"""Functions and classes run in their slot, one trial after another, in one process that keeps its data."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

import hpo

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]
LR = {"lr": {"min": 0.0, "max": 1.0}}
WHOLE = {
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": LR,
    "hpo": {"seed": 1, "concurrency": 1, "tensorboard": False},
}


def logs(result: hpo.RunResult) -> list[str]:
    return [path.read_text() for path in sorted(result.directory.glob("trials/*/log.txt"))]


def train(config: dict[str, Any]) -> float:
    import builtins

    if not hasattr(builtins, "data_set"):
        builtins.data_set = os.urandom(4).hex()  # type: ignore[attr-defined]
    print(os.getpid(), builtins.data_set)  # type: ignore[attr-defined]
    return float(config["lr"])


def test_a_functions_trials_share_what_was_loaded(tmp_path: Path) -> None:
    result = hpo.run(WHOLE, train=train, count=40, out=tmp_path / "run")
    assert [trial.value for trial in result.trials] == [trial.config["lr"] for trial in result.trials]
    assert len(logs(result)) == 40
    assert len(set(logs(result))) == 1


TRAINABLE = """
import time
from ray.tune import Trainable
print("imported")
class Net(Trainable):
    def setup(self, config):
        self.data = print("loaded")
        self.lr = config["lr"]
    def step(self):
        time.sleep(0.05)
        return {"loss": self.lr + 1 / (self.iteration + 1)}
    def reset_config(self, config):
        self.lr = config["lr"]
        return True
    def save_checkpoint(self, d): pass
    def load_checkpoint(self, d): pass
"""


def test_a_class_is_reset_from_trial_to_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text(textwrap.dedent(TRAINABLE))
    rule = {"type": "hyperband", "max_iter": 9, "s": 2, "eta": 3}
    result = hpo.run(
        WHOLE | {"program": "model:Net", "early_terminate": rule}, count=12, out=tmp_path / "run"
    )
    text = "".join(logs(result))
    assert (text.count("imported"), text.count("loaded")) == (1, 1)
    assert {trial.state for trial in result.trials} == {"finished", "stopped"}
    assert {trial.iterations for trial in result.trials if trial.state == "finished"} == {9}


def yields(config: dict[str, Any]) -> Any:
    from ray import tune
    from ray.air import session

    context = tune.get_context()
    assert context.get_trial_id()
    assert context.get_trial_name()
    assert Path(context.get_trial_dir()).is_dir()
    session.report({"loss": config["lr"] + 4})
    tune.report({"loss": config["lr"] + 3})
    for offset in (2, 1):
        yield {"loss": config["lr"] + offset}


def takes_more(config: dict[str, Any], offsets: list[int]) -> None:
    from ray import tune

    for offset in offsets:
        tune.report({"loss": config["lr"] + offset})


@pytest.mark.parametrize("form", [yields, takes_more])
def test_one_function_in_a_real_tuner_and_here(form: Any, tmp_path: Path) -> None:
    from ray import tune

    given = tune.with_parameters(form, offsets=[4, 3, 2, 1]) if form is takes_more else form
    sweep = WHOLE | {"parameters": {"lr": {"value": 0.5}}}
    (here,) = hpo.run(sweep, train=given, count=1, out=tmp_path / "run").trials
    where = tune.RunConfig(storage_path=str(tmp_path / "tuner"), verbose=0)
    (there,) = tune.Tuner(given, param_space={"lr": 0.5}, run_config=where).fit()
    assert (here.state, here.reason) == ("finished", "")
    assert (here.last, here.iterations) == (1.5, 4)
    assert (there.metrics["loss"], there.metrics["training_iteration"]) == (1.5, 4)
