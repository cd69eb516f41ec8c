"""The rows that trials have logged."""

from __future__ import annotations

from pathlib import Path

from hpo.record.metrics import read_rows, trial_directory
from hpo.record.trials import load_run
from tests.record.made import asha_run, pbt_run


def test_a_row_that_is_not_whole_is_passed_over(tmp_path: Path) -> None:
    directory = trial_directory(tmp_path, 7)
    directory.mkdir(parents=True)
    (directory / "metrics.jsonl").write_text('{"_step":0,"loss":NaN}\nodd\n{"_step":1,"loss":1}\n{"_step":2}')
    assert [row["_step"] for row in read_rows(tmp_path, 7)] == [0, 1]
    assert list(read_rows(tmp_path, 8)) == []


def test_runs_made_by_rule_look_like_real_ones(tmp_path: Path) -> None:
    asha = load_run(asha_run(tmp_path / "asha", 60))
    assert asha.state == "complete"
    assert asha.states["stopped"] > asha.states["finished"] > 0
    for trial in asha.trials:
        assert len(list(read_rows(asha.directory, trial.number))) == trial.iterations
    pbt = load_run(pbt_run(tmp_path / "pbt"))
    assert sum(max(0, len(trial.generations) - 1) for trial in pbt.trials) == 4
