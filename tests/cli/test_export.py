"""`hpo export`: which files it writes, and what it says where it cannot."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tests.command import hpo
from tests.record.made import asha_run


def test_all_formats_at_once(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 20)
    files = {kind: tmp_path / f"trials.{kind}" for kind in ("csv", "parquet", "optuna")}
    done = hpo("export", run, *(word for kind, file in files.items() for word in (f"--{kind}", file)))
    assert (done.returncode, done.stdout) == (0, "")
    assert all(f"{file}: 20 trials" in done.stderr for file in files.values())
    assert {path.name for path in tmp_path.iterdir()} == {"run", *(file.name for file in files.values())}
    again = hpo("export", run, "--csv", files["csv"])
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "is there already" in again.stderr
    assert hpo("export", run, "--csv", files["csv"], "--force").returncode == 0


def test_csv_on_stdout(tmp_path: Path) -> None:
    done = hpo("export", asha_run(tmp_path / "run", 5), "--csv", "-")
    assert [row["trial"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["1", "2", "3", "4", "5"]


def test_a_format_is_asked_for(tmp_path: Path) -> None:
    done = hpo("export", asha_run(tmp_path / "run", 2))
    assert done.returncode == 2
    assert "--parquet FILE" in done.stderr
