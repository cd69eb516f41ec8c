"""Runs start whatever home, temporary directory and modules of the user's there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hpo.__main__
from hpo.engine import embedded
from hpo.errors import UserError
from hpo.trial.launch import ROOT

SWEEP = """\
program: {program}
method: tpe
run_cap: 2
metric: {{name: loss}}
parameters: {{x: {{min: 0.0, max: 1.0}}}}
hpo: {{search: {{startup: 1}}}}
"""
OF_PYTHON_M = {
    "collections",
    "contextlib",
    "functools",
    "importlib",
    "keyword",
    "operator",
    "reprlib",
    "runpy",
    "types",
    "warnings",
}
"""What `python -m` itself loads from the working directory, before any program, in one version or another."""


def script(folder: Path, name: str = "train.py") -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("import hpo; hpo.report({'loss': hpo.config()['x']})")
    (folder / "sweep.yaml").write_text(SWEEP.format(program=name))


def call(folder: Path, *words: str, **environment: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=folder, env=env | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(folder: Path, *python: str, **environment: str) -> None:
    """A run of two trials, the second of which the search's own process suggests."""
    call(folder, *(python or ("-m", "hpo")), "run", "sweep.yaml", "--out", "run", **environment)
    assert (
        json.loads(call(folder, *(python or ("-m", "hpo")), "status", "run", "--json"))["states"]["finished"]
        == 2
    )


@pytest.mark.ray
@pytest.mark.parametrize(("home", "length"), [("/proc", 47), ("", 100)])
def test_a_run_needs_no_home_and_no_short_temporary_directory(tmp_path: Path, home: str, length: int) -> None:
    script(tmp_path)
    parent = Path(f"/tmp/hpo-test-{os.getpid()}")
    folder = parent / ("x" * (length - len(str(parent)) - 1))
    folder.mkdir(parents=True)
    try:
        run(tmp_path, HOME=home, TMPDIR=str(folder))
    finally:
        subprocess.run(["rm", "-rf", parent], check=True)


@pytest.mark.parametrize("given", ["", "tmp", "/" + "é" * 19, "/proc/x"])
def test_ray_gets_a_short_absolute_directory_that_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TMPDIR", "RAY_TMPDIR"):
        monkeypatch.delenv("RAY_TMPDIR", raising=False)
        monkeypatch.setenv(name, given)
        assert embedded.directory() == "/tmp/ray"


def test_where_ray_may_choose_by_itself_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TMPDIR", "RAY_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    assert embedded.directory() is None
    short = Path(f"/tmp/hpo-{os.getpid()}")
    monkeypatch.setenv("TMPDIR", str(short))
    try:
        assert embedded.directory() is None
    finally:
        subprocess.run(["rm", "-rf", short], check=True)


def test_no_place_for_ray_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/proc/x")
    monkeypatch.setattr(embedded, "OTHERS", ("/proc/y",))
    with pytest.raises(UserError, match=r"none of /proc/x, /proc/y is writable .* set RAY_TMPDIR"):
        embedded.directory()


def with_names(folder: Path, without: set[str]) -> None:
    """A folder in which every module of the standard library has a namesake that breaks whoever loads it."""
    script(folder, "scripts/train.py")
    for name in sys.stdlib_module_names - without:
        (folder / f"{name}.py").write_text(f"raise RuntimeError('the {name} of the folder was loaded')")


@pytest.mark.ray
def test_python_m_hpo_runs_in_a_folder_with_names_of_the_standard_library(tmp_path: Path) -> None:
    with_names(tmp_path, OF_PYTHON_M)
    assert "x=" in call(tmp_path, "-m", "hpo", "check", "sweep.yaml")
    run(tmp_path)


@pytest.mark.ray
def test_a_run_by_the_path_of_hpo_stands_all_names_of_the_standard_library(tmp_path: Path) -> None:
    """As a Slurm job starts it."""
    with_names(tmp_path, set())
    run(tmp_path, hpo.__main__.__file__)


@pytest.mark.ray
def test_a_class_is_run_with_what_hpo_needs_and_its_own_folder(tmp_path: Path) -> None:
    with_names(tmp_path, OF_PYTHON_M)
    (tmp_path / "rate.py").write_text("FACTOR = 2")
    (tmp_path / "model.py").write_text(
        "import rate\n"
        "class Net:\n"
        "    def setup(self, config): self.x = config['x']\n"
        "    def step(self): return {'loss': self.x * rate.FACTOR, 'done': True}\n"
        "    def save_checkpoint(self, folder): return {'x': self.x}\n"
        "    def load_checkpoint(self, state): self.x = state['x']\n"
    )
    (tmp_path / "sweep.yaml").write_text(
        "program: model:Net\nmethod: random\nrun_cap: 2\nmetric: {name: loss}\n"
        "parameters: {x: {min: 0.0, max: 1.0}}\n"
        "early_terminate: {type: pbt, interval: 1, mutate: [x]}\n"
    )
    run(tmp_path)


def test_python_m_hpo_finds_modules_as_hpo_does(tmp_path: Path) -> None:
    """But for the folder in which it has found itself, which then stands last."""
    code = "import runpy, sys; sys.argv = ['hpo']; sys.path.insert(0, '/first')\n"
    code += "try: runpy.run_module('hpo', run_name='__main__')\nexcept SystemExit: print(sys.path)"
    path = call(tmp_path, "-P" if sys.version_info >= (3, 11) else "-u", "-c", code).splitlines()[-1]
    assert ("/first" in path) == (sys.version_info >= (3, 11))
    assert ROOT in path


def test_a_slurm_job_finds_hpo_in_a_folder_with_names_of_the_standard_library(tmp_path: Path) -> None:
    with_names(tmp_path, set())
    lines = (Path(ROOT) / "slurm/submit.sh").read_text().splitlines()
    search = [line for line in lines if line.startswith(("find_hpo()", "hpo="))]
    assert len(search) == 2
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": ROOT}
    found = subprocess.check_output(
        ["bash", "-c", "\n".join([*search, 'echo "$hpo"'])], cwd=tmp_path, env=env, text=True
    )
    assert Path(found.strip()) == Path(hpo.__main__.__file__)
