"""`hpo report`, and the report that `hpo run` keeps beside a run."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from hpo.review.report.kept import KeptReport, last_report
from tests.command import hpo
from tests.record.made import asha_run


def island(page: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_writes_one_file_and_prints_where(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 30)
    done = hpo("report", run)
    assert (done.returncode, done.stdout) == (0, f"{run / 'report.html'}\n")
    assert len(island(run / "report.html")["trials"]["columns"]["number"]) == 30
    assert hpo("report", run, "-o", tmp_path / "new" / "r.html").returncode == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["r.html"]


@pytest.mark.parametrize(
    ("place", "out", "word"),
    [
        ("none", "r.html", "no such directory"),
        ("run", "", "is a folder"),
        ("run", "file/r.html", "cannot write"),
    ],
)
def test_what_cannot_be_is_one_message(tmp_path: Path, place: str, out: str, word: str) -> None:
    asha_run(tmp_path / "run", 2, slots=1)
    (tmp_path / "file").write_text("")
    done = hpo("report", tmp_path / place, "-o", tmp_path / out)
    assert done.returncode == 1
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


SWEEP = """
program: train.py
method: random
metric: {name: loss}
parameters: {x: {min: 0.0, max: 1.0}}
hpo: {concurrency: 1, tensorboard: false}
"""
TRAIN = "import sys\nfrom hpo import report\nreport({'loss': float(sys.argv[1].split('=')[1])})\n"


@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
def test_a_run_leaves_its_report_unless_it_is_off(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "train.py").write_text(TRAIN)
    done = hpo("run", "sweep.yaml", "--count", "4", "--out", "a", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "report: " in done.stderr
    data = island(tmp_path / "a" / "report.html")
    assert data["summary"]["state"] == "complete"
    assert len(data["trials"]["columns"]["number"]) == 4
    assert (data["best"]["unit"], data["best"]["each"]) == ("CPU", 1)
    done = hpo("run", "sweep.yaml", "--count", "2", "--out", "b", "--set", "hpo.report=false", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "b" / "report.html").exists()


def test_a_long_run_has_its_report_made_beside_it(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 20, done=False)
    deadline = time.monotonic() + 60
    with KeptReport(run, every=0.0) as kept:
        kept.look()
        while not (run / "report.html").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
            kept.look()
    assert len(island(run / "report.html")["trials"]["columns"]["number"]) == 20


def test_it_ends_with_the_run_and_is_not_made_too_often(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 3, slots=1)
    with KeptReport(run) as kept:
        kept.look()
        assert kept._process is None
    with KeptReport(run, every=0.0) as kept:
        kept.look()
        process = kept._process
        assert process is not None
    assert process.poll() is not None


def test_what_keeps_the_last_one_from_being_made_is_said(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 3, slots=1)
    (run / "report.html").mkdir()
    (line,) = last_report(run, 3, hurry=False)
    assert "no report could be made" in line
    (line,) = last_report(run, 1_000_000, hurry=True)
    assert "makes it" in line
