"""The example sweeps: each loads, and each runs for real with few trials."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hpo.record.trials import load_run
from hpo.sweepfile.load import read_sweep

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


@pytest.mark.ray
@pytest.mark.parametrize("path", SWEEPS, ids=NAMES)
def test_each_runs(path: Path, tmp_path: Path) -> None:
    sweep = read_sweep(path).valid()
    short = {"value": 3} if sweep.early_terminate else {"value": 1}
    arguments = ["--count", "3", "--seed", "1", "--out", "run", "--set", f"parameters.epochs={short}"]
    command = [sys.executable, "-m", "hpo", "run", str(path), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    run = load_run(tmp_path / "run")
    assert len(run.trials) == 3
    assert {trial.state for trial in run.trials} <= {"finished", "stopped"}
    assert all(trial.value is not None for trial in run.trials)
    assert sweep.metric is not None
    assert sweep.metric.name in done.stdout
