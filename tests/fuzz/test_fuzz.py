"""A sample of the fuzzing of sweep files: no input hangs, takes 200 MB or gives a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.strategies import CORPUS

pytestmark = pytest.mark.process


@pytest.mark.parametrize(("kind", "seconds"), [("extremes", 8), ("corpus", 0), ("built", 4), ("mutated", 4)])
def test_no_input_breaks_the_reader_of_sweep_files(kind: str, seconds: float) -> None:
    figures = fuzz(kind, seconds)
    assert figures["findings"] == []
    assert figures["inputs"] > 10
    assert kind == "corpus" or figures["valid"] < figures["inputs"]
    assert figures["valid"] > 0


def test_no_setting_breaks_the_reader_of_sweep_files() -> None:
    assert fuzz("settings", 2)["findings"] == []


@pytest.mark.parametrize("name", ["zero", "pipe", "folder", "none", "bytes"])
def test_what_is_no_file_of_text_ends_with_one_line(name: str, tmp_path: Path) -> None:
    path = {"zero": "/dev/zero", "none": "not there", "bytes": os.fsdecode(b"\xff\x1b[2J.yaml")}.get(
        name, name
    )
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for options in ([], ["--json"]):
        command = [sys.executable, "-m", "hpo", "check", path, *options]
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONIOENCODING": "ascii",
        }
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, env=environment)
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
        assert b"\x1b" not in done.stderr


def test_the_corpus_stays_small() -> None:
    assert sum(file.stat().st_size for file in CORPUS) < 200_000
