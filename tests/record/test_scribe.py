"""TensorBoard's log directory while a run goes on, is resumed, or is told anew."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import UserError
from hpo.record.events import EventFile
from hpo.record.journal import read_journal
from hpo.record.scribe import Scribe, rebuild
from hpo.trial.media import LOGS
from tests.record.made import BEGAN, asha_run, pbt_run
from tests.record.shown import (
    RELU,
    begun,
    end,
    experiment,
    last,
    rows,
    session,
    status,
    told,
)


def test_a_trial_that_begins_anew_goes_back_in_the_same_directory(tmp_path: Path) -> None:
    """Live, as the run goes on: rows are cut and come again, and an end that did not count is none."""
    made = begun(tmp_path, RELU)
    made.rows(1, rows(5.0, 4.0, 3.0))
    scribe = Scribe(tmp_path, tmp_path / LOGS)
    scribe.take(made.events)
    scribe.write()
    end(made, 1, "failed", at=9, value=3.0)
    made.say(9, event="requeue", trial=1, reason="failed")
    made.say(9, event="start", trial=1, attempt=2, slot=0, iteration=0)
    scribe.take(made.events[-3:])
    made.rows(1, rows(6.0, 5.5))
    scribe.write()
    made.rows(1, rows(6.0, 5.5, 5.0))
    scribe.write()
    root = tmp_path / LOGS
    assert status(root, "t0001") is None
    expected = [(0, 5.0), (1, 4.0), (2, 3.0), (0, 6.0), (1, 5.5), (2, 5.0)]
    assert told(root, "t0001")["loss"] == expected
    assert last(root, "t0001", "best/loss") == 5.0
    assert len(list((root / "t0001").iterdir())) == 1


def test_rows_that_stay_are_not_told_twice(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU)
    first = rows(5.0, 4.0, 3.0, 2.0)
    made.rows(1, first)
    scribe = Scribe(tmp_path, tmp_path / LOGS)
    scribe.take(made.events)
    scribe.write()
    made.rows(1, first[:2])  # it goes on from its checkpoint
    scribe.write()
    made.rows(1, [*first[:2], {"_step": 2, "_time": BEGAN + 99, "loss": 3.5}])
    scribe.write()
    assert told(tmp_path / LOGS, "t0001")["loss"] == [(0, 5.0), (1, 4.0), (2, 3.0), (3, 2.0), (2, 3.5)]


def test_rows_of_a_clone_wait_until_the_journal_names_its_configuration(tmp_path: Path) -> None:
    """The scribe reads the journal, then the rows: seconds later perhaps, and a member has gone on."""
    events = read_journal(pbt_run(tmp_path, 2, intervals=2, interval=3))
    exploit = next(event for event in events if event["event"] == "exploit")
    at = events.index(exploit)
    again = next(n for n, event in enumerate(events) if n > at and event["event"] == "start")
    scribe, run = Scribe(tmp_path, tmp_path / LOGS), f"t{exploit['trial']:04d}"
    first = next(e["config"] for e in events if e["event"] == "trial" and e["trial"] == exploit["trial"])
    rates = []
    for begin, until in ((0, at), (at, again), (again, again + 1)):
        scribe.take(events[begin:until])
        scribe.write()
        rates.append([value for _, value in told(tmp_path / LOGS, run)["hparam/lr"]])
    old = [pytest.approx(first["lr"])] * 3
    assert rates == [old, old, [*old, *[pytest.approx(exploit["config"]["lr"])] * 3]]


def test_a_torn_row_waits_for_its_rest(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU)
    made.rows(1, rows(5.0))
    file = tmp_path / "trials" / "0001" / "metrics.jsonl"
    scribe = Scribe(tmp_path, tmp_path / LOGS)
    scribe.take(made.events)
    whole = json.dumps({"_step": 1, "_time": BEGAN, "loss": 4.0}) + "\n"
    with file.open("a") as out:
        out.write(whole[:10])
    scribe.write()
    with file.open("a") as out:
        out.write(whole[10:])
    scribe.write()
    assert told(tmp_path / LOGS, "t0001")["loss"] == [(0, 5.0), (1, 4.0)]


def test_who_goes_on_tells_ended_trials_no_more(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU, RELU)
    made.rows(1, rows(5.0))
    made.rows(2, rows(6.0))
    end(made, 1)
    first = Scribe(tmp_path, tmp_path / LOGS)
    first.take(made.events)
    first.write()
    before = sorted((tmp_path / LOGS / "t0001").iterdir())
    made.rows(2, rows(6.0, 5.0))
    end(made, 2, value=5.0, last=5.0, iterations=2)
    second = Scribe(tmp_path, tmp_path / LOGS)
    second.take(made.events)
    second.write(final=True)
    root = tmp_path / LOGS
    assert sorted((root / "t0001").iterdir()) == before
    assert [status(root, "t0001"), status(root, "t0002")] == [1, 1]
    assert last(root, "t0002", "loss") == 5.0
    assert experiment(root).metric_infos


def test_a_failed_trial_that_is_tried_again_has_its_new_end(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU)
    made.rows(1, rows(5.0))
    end(made, 1, "failed")
    root = rebuild(made.write())
    assert status(root, "t0001") == 2
    (root / "t0001" / "media").mkdir()
    (root / "t0001" / "media" / "events.out.tfevents.1.hpo").write_bytes(b"")
    made.say(30, event="requeue", trial=1, reason="asked for")
    made.say(31, event="start", trial=1, attempt=2, slot=0, node="n", iteration=0)
    end(made, 1, at=40)
    scribe = Scribe(tmp_path, root)
    scribe.take(made.events)
    scribe.write(final=True)
    assert status(root, "t0001") == 1
    assert (root / "t0001" / "media" / "events.out.tfevents.1.hpo").exists()


def test_a_failure_that_is_held_back_is_no_end_yet(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU)
    made.rows(1, rows(5.0))
    end(made, 1, "failed", held=True)
    scribe = Scribe(tmp_path, tmp_path / LOGS)
    scribe.take(made.events)
    scribe.write()
    assert status(tmp_path / LOGS, "t0001") is None
    scribe.take([{"event": "settled", "trials": [1], "time": BEGAN + 50}])
    scribe.write()
    assert status(tmp_path / LOGS, "t0001") == 2


def test_columns_are_there_before_the_first_trial(tmp_path: Path) -> None:
    """Without them TensorBoard guesses, while the first of many trials are written or if one cannot be."""
    made = begun(tmp_path, RELU)
    root = tmp_path / LOGS
    root.mkdir()
    (root / "t0001").write_text("in the way")
    scribe = Scribe(tmp_path, root)
    scribe.take(made.events)
    with pytest.raises(FileExistsError):
        scribe.write()
    assert "lr" in {one.name for one in experiment(root).hparam_infos}


def test_a_rebuilt_directory_has_what_a_live_one_has(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 30, done=False)
    scribe = Scribe(run, tmp_path / "live")
    for event in read_journal(run):
        scribe.take([event])
        scribe.write()
    scribe.write(final=True)
    root = rebuild(run)
    for number in range(1, 31):
        name = f"t{number:04d}"
        live, anew = told(tmp_path / "live", name), told(root, name)
        assert set(live) == set(anew)
        assert live["loss"] == anew["loss"] if "loss" in anew else True
        assert status(tmp_path / "live", name) == status(root, name)
        assert session(tmp_path / "live", name) == session(root, name)
    assert experiment(tmp_path / "live") == experiment(root)


def test_a_rebuilt_directory_belongs_to_whom_its_folder_says(tmp_path: Path) -> None:
    """A group that shares a folder with the bit for it shares what is made there, too."""
    run = asha_run(tmp_path / "run", 1)
    run.chmod(0o2775)
    before = os.umask(0o002)
    try:
        root = rebuild(run)
    finally:
        os.umask(before)
    assert stat.S_IMODE(root.stat().st_mode) == stat.S_IMODE((root / "t0001").stat().st_mode) == 0o2775


def test_a_rebuild_that_fails_leaves_the_old_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asha_run(tmp_path / "run", 5)
    root = rebuild(run)
    before = sorted(path.name for path in root.iterdir())

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EventFile, "flush", full)
    with pytest.raises(UserError, match="No space left"):
        rebuild(run)
    assert sorted(path.name for path in root.iterdir()) == before
    assert [path.name for path in run.iterdir() if path.name.startswith(".tensorboard")] == []
