"""The example sweeps: each loads, and each runs for real with few trials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hpo.record.trials import load_run
from hpo.sweepfile.load import read_sweep
from tests.command import hpo
from tests.trial.warm_runner import Runner

CONFIGS = Path(__file__).parents[1] / "configs"
SWEEPS = sorted(CONFIGS.glob("*/*.yaml"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in SWEEPS]


@pytest.mark.parametrize("path", SWEEPS, ids=NAMES)
def test_each_names_the_schema_and_loads_without_a_warning(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../sweep.schema.json"
    loaded = read_sweep(path)
    assert loaded.problems == ()
    assert loaded.valid().program is not None


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The directory of a warm parent that has imported what the examples do, and waits for their trials."""
    runner = Runner(tmp_path_factory.mktemp("warm"), modules=["sklearn.datasets", "torch._dynamo", "wandb"])
    try:
        assert runner("python", runner.script("first.py", "")).end["state"] == "finished"
        yield runner.settings.directory
    finally:
        runner.supervisor.close(10)


@pytest.fixture
def one_warm_parent(warm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run would import torch and scikit-learn anew: in its first trials, then in its warm parent."""
    monkeypatch.setattr("hpo.engine.plan.warm_directory", lambda: warm)


@pytest.mark.ray
@pytest.mark.torch
@pytest.mark.usefixtures("ray_here", "one_warm_parent")
@pytest.mark.parametrize("path", SWEEPS, ids=NAMES)
def test_each_runs(path: Path, tmp_path: Path) -> None:
    sweep = read_sweep(path).valid()
    short = {"value": 3} if sweep.early_terminate else {"value": 1}
    own = [f"parameters.epochs={short}", "hpo.concurrency=1", "hpo.tensorboard=false"]
    arguments = ["--count", "3", "--seed", "1", "--out", "run", *(f"--set={one}" for one in own)]
    done = hpo("run", path, *arguments, cwd=tmp_path, env={"COLUMNS": "140"})
    assert done.returncode == 0, done.stderr
    run = load_run(tmp_path / "run")
    assert len(run.trials) == 3
    assert {trial.state for trial in run.trials} <= {"finished", "stopped"}
    assert all(trial.value is not None for trial in run.trials)
    assert sweep.metric is not None
    assert sweep.metric.name in done.stdout


@pytest.mark.ray
@pytest.mark.torch
@pytest.mark.usefixtures("ray_here", "one_warm_parent")
def test_a_schedule_found_on_digits_gives_its_score_again(tmp_path: Path) -> None:
    def call(*arguments: str) -> str:
        done = hpo(*arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    few = ["parameters.epochs.value=8", "parameters.fc_layer_size.values=[64]"]  # one group: all can meet
    sweep = [str(CONFIGS / "digits" / "pbt.yaml"), *(f"--set={one}" for one in few)]
    call("run", *sweep, "--count", "5", "--seed", "6", "--out", "run")
    found = load_run(tmp_path / "run")
    exploited = [one.config for trial in found.trials for one in trial.generations]
    assert exploited
    assert all(0.0001 <= config["learning_rate"] <= 0.5 for config in exploited)
    assert all(0.0 <= config["augment"]["noise"] <= 0.3 for config in exploited)
    (tmp_path / "schedule.yaml").write_text(call("schedule", "run"), encoding="utf-8")
    call("run", *sweep, "--replay", "schedule.yaml", "--out", "again")
    (trial,) = load_run(tmp_path / "again").trials
    best = min(trial.value for trial in found.trials if trial.value is not None)
    assert trial.value == pytest.approx(best, rel=0.05)
