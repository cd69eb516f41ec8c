"""The scripts themselves, as they are read and shipped."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

from tests.cluster.lab import ROOT

SCRIPTS = {"submit.sh", "start-head.sh", "start-worker.sh", "node.sh"}


def test_shellcheck_has_nothing_to_say() -> None:
    found = [path for folder in ("slurm", "tests", ".ci") for path in (ROOT / folder).rglob("*.sh")]
    done = subprocess.run(
        ["shellcheck", "-x", *found, ROOT / ".ci/run"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert {path.name for path in found} >= SCRIPTS


def test_the_scripts_are_in_the_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    copytree(
        ROOT, source, symlinks=True, ignore=ignore_patterns(".*", "tests", "build", "*.egg-info", "runs")
    )
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('..'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as shipped:
        for name in SCRIPTS:
            assert shipped.read(f"hpo/slurm/scripts/{name}") == (ROOT / "slurm" / name).read_bytes()


def test_scripts_can_be_followed() -> None:
    lengths = {name: len((ROOT / "slurm" / name).read_text().splitlines()) for name in SCRIPTS}
    assert max(lengths.values()) < 200, lengths
