"""What a release consists of: wheel and sdist as they are uploaded, and a run from an installed wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from hpo.package_name import NAME

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[1]
SCRIPTS = {"submit.sh", "start-head.sh", "start-worker.sh", "node.sh"}
SWEEP = """
program: train.py
method: random
run_cap: 2
metric: {name: loss}
parameters: {x: {min: 0.0, max: 1.0}}
"""
TRAIN = """
import wandb
wandb.init()
wandb.log({"loss": wandb.config.x})
"""


def call(*command: str | Path, cwd: Path, **variables: str) -> str:
    """What a command prints on stdout; fails where the command does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=kept | variables, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout, and the wheel that is built from that sdist."""
    folder = tmp_path_factory.mktemp("release")
    left_out = ignore_patterns(".*", "build", "dist", "*.egg-info", "runs", "__pycache__")
    source = copytree(ROOT, folder / "source", symlinks=True, ignore=left_out)
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", cwd=source)
    return folder / "dist"


def wheel_of(release: Path) -> Path:
    (wheel,) = release.glob("*.whl")
    return wheel


def test_the_files_are_as_an_index_wants_them(release: Path) -> None:
    assert len(list(release.iterdir())) == 2
    assert wheel_of(release).name.startswith(NAME.replace("-", "_"))
    call(sys.executable, "-m", "twine", "check", "--strict", *release.iterdir(), cwd=release)
    call(sys.executable, "-m", "check_wheel_contents", wheel_of(release), cwd=release)


def test_the_wheel_holds_what_stands_beside_the_package(release: Path) -> None:
    with zipfile.ZipFile(wheel_of(release)) as shipped:
        for name in SCRIPTS:
            assert shipped.read(f"hpo/slurm/scripts/{name}") == (ROOT / "slurm" / name).read_bytes()
        names = set(shipped.namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "hpo").rglob("*.py")}
    assert modules <= names
    assert not [name for name in names if name.startswith(("tests/", "configs/"))]


def test_an_installed_wheel_runs_a_sweep_in_another_folder(release: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    call("uv", "venv", "--python", sys.executable, home, cwd=tmp_path)
    locked = {} if "UV_CONSTRAINT" in os.environ else {"UV_CONSTRAINT": str(ROOT / "constraints.txt")}
    call("uv", "pip", "install", "--python", home / "bin/python", wheel_of(release), cwd=tmp_path, **locked)
    place = call(home / "bin/python", "-c", "import hpo; print(hpo.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(home)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "train.py").write_text(TRAIN)
    call(home / "bin/hpo", "run", "sweep.yaml", "--out", "run", cwd=tmp_path)
    best = call(home / "bin/python", "-m", "hpo", "best", "run", "--json", cwd=tmp_path)
    assert best.count('"state": "finished"') == 2
