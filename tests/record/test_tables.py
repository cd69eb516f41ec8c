"""hpo.load_run: frames of trials and of what they logged."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas
import pytest

import hpo
from hpo.errors import UserError
from hpo.record.metrics import read_rows
from hpo.record.trials import rank
from tests.record.made import asha_run, pbt_run
from tests.record.odd import ENDS, ROWS, odd_run


def test_a_run_that_crashed_gives_its_trials_and_all_rows(tmp_path: Path) -> None:
    run = hpo.load_run(asha_run(tmp_path / "run", 40, done=False))
    assert (run.state, run.metric, run.goal) == ("died", "loss", "minimize")
    assert list(run.trials["trial"]) == list(range(1, 41))
    counts = run.history.groupby("trial").size()
    assert all(counts[n] == len(list(read_rows(run.directory, n))) for n in counts.index)
    assert run.history["train.acc"].notna().all()
    finite = run.trials[run.trials["state"] != "failed"]
    assert run.best is not None
    assert run.best.trial == finite.loc[finite["value"].idxmin(), "trial"]
    assert run.best.config["lr"] == run.trials.set_index("trial").loc[run.best.trial, "config.lr"]


def test_frames_hold_values_with_their_types(tmp_path: Path) -> None:
    run = hpo.load_run(odd_run(tmp_path / "run", ENDS, ROWS))
    trials = run.trials
    assert list(trials["config.layers"]) == [[32], "none", [32, 32]]
    assert [type(value) for value in trials["config.flag"]] == [bool, int, str]
    assert str(trials["started"].dt.tz) == "UTC"
    assert trials["config.units"].dtype == "int64"
    history = run.history
    assert list(history["trial"]) == [1, 1, 1, 2]
    assert [None if pandas.isna(n) else n for n in history["iteration"]] == [1, None, 2, None]
    assert list(history["step"]) == [0, 1, 2, 0]
    assert history["loss"].dtype == "float64"
    assert history["extra"][1] == [1, 2]
    assert history["train.loss"].iloc[2] == 2


def test_iterations_are_those_that_the_run_counted(tmp_path: Path) -> None:
    run = hpo.load_run(pbt_run(tmp_path / "run"))
    assert list(run.history.groupby("trial")["iteration"].max()) == list(run.trials["iterations"])


def test_a_run_without_rows_or_metric_has_empty_frames(tmp_path: Path) -> None:
    run = hpo.load_run(odd_run(tmp_path / "run", [], metric=None))
    assert (len(run.trials), len(run.history), run.best) == (0, 0, None)
    assert list(run.history.columns) == ["trial", "iteration", "step", "time"]


def test_metrics_called_as_our_columns_are_kept_apart(tmp_path: Path) -> None:
    run = hpo.load_run(odd_run(tmp_path / "run", ENDS, [[{"loss": 1, "step": 500}]]))
    assert list(run.history["step"]) == [0]
    assert list(run.history["step (metric)"]) == [500]


def test_missing_pandas_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match="pip install pandas"):
        hpo.load_run(odd_run(tmp_path / "run", ENDS))


def test_the_best_is_the_one_that_hpo_best_shows(tmp_path: Path) -> None:
    run = hpo.load_run(asha_run(tmp_path / "run", 30, failing=0.5))
    from hpo.record.trials import load_run

    record = load_run(run.directory)
    assert run.best is not None
    assert run.best.trial == rank(record.trials, record.goal)[0].number
