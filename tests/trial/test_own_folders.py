"""Folders named by the second: each of two trials that start together has its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hpo.trial.environment import SITE

pytestmark = pytest.mark.process
HYDRA = """
import logging
import hydra

@hydra.main(version_base=None, config_path=None)
def main(config):
    logging.getLogger(__name__).info(config.x)

main()
"""


def run(folder: Path, script: str, *words: str, trial: str | None = "3") -> list[str]:
    """Run a script as a trial, or as none; the files that it leaves."""
    (folder / "train.py").write_text(script)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder / "home"), "PYTHONPATH": SITE}
    env |= {} if trial is None else {"HPO_CHANNEL": "/nowhere", "HPO_TRIAL": trial}
    done = subprocess.run(
        [sys.executable, "train.py", *words], cwd=folder, env=env, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_hydra_appends_the_trial_to_a_folder_with_the_time_in_it(tmp_path: Path) -> None:
    *_, job = [path for path in run(tmp_path, HYDRA, "+x=1") if path.endswith("train.log")]
    assert Path(job).parent.name.endswith("-trial-0003")
    own = [path for path in run(tmp_path, HYDRA, "+x=1", "hydra.run.dir=mine") if path.startswith("mine")]
    assert "mine/train.log" in own
    timed = [
        path for path in run(tmp_path, HYDRA, "+x=1", "hydra.run.dir=timed/${now:%S}_${x}") if "timed" in path
    ]
    assert any(path.endswith("_1-trial-0003/train.log") for path in timed)


def test_hydra_is_as_it_was_outside_of_a_trial(tmp_path: Path) -> None:
    assert not [path for path in run(tmp_path, HYDRA, "+x=1", trial=None) if "trial" in path]


@pytest.mark.torch
def test_a_summary_writer_without_a_folder_gets_the_trial_into_its_name(tmp_path: Path) -> None:
    script = "from torch.utils.tensorboard import SummaryWriter as W\nW().close(); W('mine').close()\n"
    script += "W(comment='-c').close(); W(log_dir='other').close()"
    folders = {str(Path(path).parent) for path in run(tmp_path, script)} - {"."}
    timed = sorted(folder for folder in folders if folder.startswith("runs/"))
    assert [folder.endswith(end) for folder, end in zip(timed, ("-c-trial-0003", "-trial-0003"), strict=True)]
    assert folders - set(timed) == {"mine", "other"}
