"""Pictures and histograms that a script logs by wandb, as TensorBoard reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from hpo.record.events import read_events

ROOT = Path(__file__).parents[2]
SCRIPT = """
import struct, sys, zlib
import numpy as np
import wandb

run = wandb.init()
picture = np.zeros((4, 6, 3), dtype="uint8")
picture[:, :2] = 255
for step in range(2):
    wandb.log({
        "loss": 1.0 / (step + 1),
        "picture": wandb.Image(picture),
        "deep": {"grey": wandb.Image(picture[:, :, 0])},
        "several": [wandb.Image(picture), wandb.Image(picture)],
        "weights": wandb.Histogram(np.arange(100.0), num_bins=10),
        "counted": wandb.Histogram(np_histogram=([1, 3], [0.0, 1.0, 2.0])),
    })
"""
STAND_IN = pytest.param(True, id="stand-in")
REAL = pytest.param(False, id="wandb", marks=pytest.mark.wandb)


def run(code: str, folder: Path, stand_in: bool, **more: str) -> subprocess.CompletedProcess[str]:
    path = [str(ROOT / "hpo/trial/standin")] if stand_in else [str(ROOT / "hpo/trial/site")]
    env = {
        **os.environ,
        "WANDB_MODE": "disabled",
        "WANDB_SILENT": "true",
        "HPO_CHANNEL": str(folder / "none"),
    }
    env |= {
        "PYTHONPATH": os.pathsep.join([*path, str(ROOT)]),
        "HPO_TENSORBOARD": str(folder / "tb/t0001/media"),
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={**env, **more}, cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done


def values(folder: Path) -> list[tuple[int, Any]]:
    files = list((folder / "tb/t0001/media").iterdir())
    assert len(files) == 1
    return [(event.step, value) for event in read_events(files[0]) for value in event.summary.value]


@pytest.mark.parametrize("stand_in", [STAND_IN, REAL])
def test_they_are_in_the_trial_s_directory(tmp_path: Path, stand_in: bool) -> None:
    run(SCRIPT, tmp_path, stand_in)
    found = {(step, value.tag): value for step, value in values(tmp_path)}
    tags = ["counted", "deep.grey", "picture", "several/0", "several/1", "weights"]
    assert sorted(found) == [(step, tag) for step in (0, 1) for tag in tags]
    for tag in ("picture", "deep.grey", "several/1"):
        image = found[0, tag].image
        assert image.encoded_image_string.startswith(b"\x89PNG")
        assert (image.height, image.width) == (4, 6)
    histogram = found[1, "weights"].histo
    assert (histogram.min, histogram.max, histogram.num) == (0.0, 99.0, 100.0)
    assert list(histogram.bucket) == [10.0] * 10
    assert list(found[0, "counted"].histo.bucket) == [1.0, 3.0]
    assert list(found[0, "counted"].histo.bucket_limit) == [1.0, 2.0]


def test_an_array_is_the_same_picture_as_png(tmp_path: Path) -> None:
    code = "import numpy as np, wandb; wandb.init(); a = np.array([[0.0, 1.0], [0.5, 0.25]])"
    run(f"{code}; wandb.log({{'a': wandb.Image(a)}})", tmp_path, True)
    data = values(tmp_path)[0][1].image.encoded_image_string
    begin = data.index(b"IDAT") + 4
    lines = zlib.decompressobj().decompress(data[begin:])
    assert lines == bytes([0, 0, 255, 0, 127, 63])  # each line begins with its filter, which is none


def test_what_goes_wrong_is_said_once_and_hurts_nobody(tmp_path: Path) -> None:
    (tmp_path / "tb").write_text("a file is in the way")
    done = run(SCRIPT + "\nprint('done', run.step)", tmp_path, True)
    assert done.stdout == "done 2\n"
    assert done.stderr.count("are not shown in TensorBoard") == 1


def test_where_tensorboard_is_off_nothing_is_written(tmp_path: Path) -> None:
    run(SCRIPT, tmp_path, True, HPO_TENSORBOARD="")
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize("stand_in", [STAND_IN, REAL])
def test_only_the_first_of_several_ranks_shows_its_own(tmp_path: Path, stand_in: bool) -> None:
    for rank in ("1", "2", "0"):
        run(SCRIPT, tmp_path, stand_in, RANK=rank)
        assert (tmp_path / "tb").exists() is (rank == "0")
    assert len(values(tmp_path)) == 12
