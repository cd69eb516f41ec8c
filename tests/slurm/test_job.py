"""The script of a job: what `hpo submit --dry-run` prints, and what stands in `hpo.slurm`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hpo.cli.main import app
from hpo.slurm.job import loaded_modules, scripts
from hpo.slurm.submission import outside_of_jobs
from hpo.sweepfile.load import read_sweep
from tests.record.made import asha_run

GOLDEN = Path(__file__).with_name("golden")
SWEEP = """\
program: train.py
method: random
metric: {name: loss}
parameters: {x: {min: 0.0, max: 1.0}}
"""
FULL = """\
hpo:
  slurm:
    nodes: 2
    gpus_per_node: a100:4
    cpus_per_task: 32
    time: 12:00:00
    partition: gpu
    account: "m 1234"
    sbatch: {qos: high, exclusive: true, mail-type: END}
    grace: 300
    max_requeues: 3
    prologue: |
      module load cuda
      export DATA=/scratch/data
"""
CASES: dict[str, tuple[str, list[str]]] = {
    "plain": (SWEEP, ["--count", "24"]),
    "file": (SWEEP + "run_cap: 8\n" + FULL, []),
    "options": (
        SWEEP + FULL,
        [
            "--nodes",
            "5",
            "--time",
            "90m",
            "--partition",
            "cpu",
            "--sbatch",
            "qos=low",
            "--sbatch",
            "hold",
            "--min-nodes",
            "3",
            "--count",
            "9",
            "--prior",
            "before",
            "--set",
            "parameters.x.max=2.0",
        ],
    ),
    "custom": (SWEEP.replace("random", "search:Mine"), ["--count", "3"]),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is submitted, with a script; the sweep file stands in sub/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOADEDMODULES", "")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "sub").mkdir()
    (tmp_path / "train.py").touch()
    (tmp_path / "sub/search.py").write_text("class Mine: pass\n")
    return tmp_path


def submit(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["submit", *arguments])


@pytest.mark.parametrize("name", CASES)
def test_what_would_be_submitted(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, options = CASES[name]
    if name == "options":
        monkeypatch.setenv("LOADEDMODULES", "gcc/12:cuda/12.4")
        monkeypatch.setenv("PYTHONPATH", "/opt/mine:lib")
        asha_run(folder / "before", 3)
        sweep = sweep.replace("random", "tpe")
    (folder / "sub/sweep.yaml").write_text(sweep)
    done = submit("sub/sweep.yaml", "--out", "runs/mine", *options, "--dry-run")
    assert done.exit_code == 0, done.output
    text = done.stdout.replace(str(folder), "/here").replace(str(scripts()), "/scripts")
    text = text.replace(str(Path(sys.executable).parent), "/python")
    assert text == (GOLDEN / f"{name}.sh").read_text()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--time 60", "--time 60: 60 s is no time for a job; write 60m if minutes are meant, or 12:00:00"),
        ("--time soon", "--time soon: 'soon' is not a time; write 12:00:00, 1-12:00:00, 90m or 12h"),
        ("--sbatch wrap=ls", "--sbatch wrap=ls: 'wrap' is set by hpo; the job's script is hpo's own"),
        (
            "--sbatch cpus_per_task=3",
            "'cpus-per-task' stands beside `sbatch:`; write hpo.slurm.cpus_per_task",
        ),
        ("--sbatch a.b=3", "is no value of an option of sbatch; write text, or true"),
        ("--cuont 3", "No such option: --cuont"),
        ("--address x", "the job's script gives --address itself"),
        ("--count 3 --set parameters.x.max=-1", "parameters.x"),
        ("", "random never ends by itself"),
    ],
)
def test_what_is_refused(folder: Path, options: str, said: str) -> None:
    (folder / "sub/sweep.yaml").write_text(SWEEP)
    done = submit("sub/sweep.yaml", *options.split())
    assert done.exit_code in (1, 2)
    assert said in done.output + str(done.exception)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12:00:00", "12:00:00"),
        ("1-06:00:00", "1-06:00:00"),
        ("90m", "1:30:00"),
        ("12h", "12:00:00"),
        ("2d", "48:00:00"),
    ],
)
def test_times_are_those_of_slurm(written: str, meant: str) -> None:
    text = {"method": "grid", "parameters": {"x": {"value": 1}}, "hpo": {"slurm": {"time": written}}}
    assert read_sweep(text).valid().hpo.slurm.time == meant


def test_a_job_submitted_in_a_job_knows_nothing_of_that_one() -> None:
    inside = {"SLURM_CPUS_PER_TASK": "3", "SBATCH_ACCOUNT": "x", "PMI_RANK": "0", "PATH": "/bin"}
    conf = {"SLURM_CONF": "/etc/slurm.conf"}
    assert outside_of_jobs(inside | conf) == {"PATH": "/bin"} | conf
    assert loaded_modules({}) == ()


def test_the_scripts_are_found() -> None:
    done = submit("--scripts")
    assert done.exit_code == 0
    assert {"submit.sh", "start-head.sh", "start-worker.sh"} <= set(os.listdir(done.stdout.strip()))
