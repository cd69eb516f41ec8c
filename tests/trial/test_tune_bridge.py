"""Functions written for Ray Tune, run by hpo, and by a Tuner of a script's own."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from hpo.trial.checkpoint import newest
from hpo.trial.spec import Resume
from tests.trial.warm_runner import Runner

TRAINING = """
import os, tempfile
from ray import tune

def train(config):
    begun, checkpoint = 0, tune.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            begun = int(open(os.path.join(folder, "epoch")).read())
    for epoch in range(begun, 4):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "epoch"), "w") as file:
                file.write(str(epoch + 1))
            tune.report({"loss": 10.0 - epoch}, checkpoint=tune.Checkpoint.from_directory(folder))
        if epoch == 1 and not begun:
            os.kill(os.getpid(), 9)
"""
TUNER = """
import os, ray
from ray import tune

def train(config):
    for epoch in range(3):
        tune.report({"loss": 10.0 - epoch})

if __name__ == "__main__":
    import hpo
    # as in a Ray of the script's own, the environment of the trial is that of all processes
    ours = {name: value for name, value in os.environ.items() if name.startswith(("HPO_", "PYTHON"))}
    ray.init(os.environ["RAY_HERE"], runtime_env={"env_vars": ours}, logging_level="ERROR")
    found = tune.Tuner(train, run_config=tune.RunConfig(storage_path=os.getcwd())).fit()[0].metrics
    hpo.report({"loss": found["loss"], "iterations": found["training_iteration"]})
    ray.shutdown()
"""


FORMS = """
import warnings
warnings.simplefilter("error")  # Ray warns where it is called from nowhere
from ray.air import session
from ray import tune

context = tune.get_context()
calls = ["get_trial_id", "get_trial_name", "get_trial_dir", "get_experiment_name"]
names = [getattr(context, call)() for call in calls]
assert names == [getattr(session, call)() for call in calls]
resources = context.get_trial_resources().required_resources
assert session.get_checkpoint() is None
session.report({"loss": 3.0})
session.report({"loss": 2.0}, checkpoint=None)
warnings.simplefilter("ignore")
print(*names, resources["CPU"])
"""


def rows(directory: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def test_a_function_of_ray_tunes_reports_and_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    try:
        script = runner.script("train.py", TRAINING + "\ntrain({})\n")
        first = runner("python", script, metric="loss", warm=False)
        assert (first.end["signal"], first.end["iterations"]) == (signal.SIGKILL, 2)
        folder = first.directory / "checkpoints"
        resume = Resume(os.path.join(folder, newest(str(folder)) or ""), rows=2, iterations=2)
        env = {"HPO_CHECKPOINT": resume.checkpoint, "HPO_ITERATIONS": "2"}
        runner.number = 0  # the same trial
        end = runner("python", script, metric="loss", warm=False, resume=resume, more_env=env).end
        assert (end["state"], end["iterations"], end["value"]) == ("finished", 4, 7.0)
    finally:
        runner.supervisor.close()
    assert [row["loss"] for row in rows(first.directory)] == [10.0, 9.0, 8.0, 7.0]


def test_other_ways_to_report_and_to_ask_which_trial_it_is(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "run")
    try:
        script = runner.script("train.py", FORMS)
        done = runner("python", script, metric="loss", warm=False, more_env={"HPO_CPUS": "3"})
        assert done.end["state"] == "finished", done.log
    finally:
        runner.supervisor.close()
    assert [row["loss"] for row in rows(done.directory)] == [3.0, 2.0]
    trial_id, name, folder, experiment, cpus = done.log.split()
    assert (folder, cpus) == ("TRIAL", "3.0")  # which stands for the trial's directory
    assert trial_id == name == f"{experiment}-{done.directory.name}"


def test_ray_train_of_rays_before_its_second_version_reports_too(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "run")
    code = "from ray import train\ntrain.report({'loss': 1.0})\nprint(train.get_context().get_trial_id())"
    try:
        script = runner.script("train.py", code)
        env = {"RAY_TRAIN_V2_ENABLED": "0"}
        done = runner("python", script, metric="loss", warm=False, more_env=env)
    finally:
        runner.supervisor.close()
    assert (done.end["state"], done.end["value"]) == ("finished", 1.0), done.log
    assert f"-{done.directory.name}\n" in done.log


@pytest.mark.ray
def test_a_tuner_that_a_script_starts_hears_its_own_trials(tmp_path: Path, ray_here: str) -> None:
    runner = Runner(tmp_path)
    try:
        script = runner.script("train.py", TUNER)
        env = {"RAY_AIR_NEW_OUTPUT": "0", "RAY_HERE": ray_here}
        done = runner("python", script, metric="loss", warm=False, more_env=env)
        assert done.end["state"] == "finished", done.log
    finally:
        runner.supervisor.close()
    (row,) = rows(done.directory)
    assert (row["loss"], row["iterations"]) == (8.0, 3)
