"""A run as TensorBoard's own backend shows it, through its data server and through its Python loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.record.scribe import Scribe, rebuild
from hpo.trial.media import LOGS
from tests.record.board import served
from tests.record.made import pbt_run
from tests.record.shown import NONE, RELU, SWEEP, begun, end, rows

pytestmark = [pytest.mark.process, pytest.mark.parametrize("fast", [True, False], ids=["server", "python"])]
VISIBLE = 5
"""So many columns of each kind the page shows, and drops every trial that lacks a value in one of them."""


def run_of_all_kinds(folder: Path) -> Path:
    made = begun(folder, RELU, NONE, RELU, NONE, RELU)
    made.rows(1, rows(3.0, 2.0, 2.5, acc=0.5))
    end(made, 1, value=2.0, last=2.5, iterations=3)
    made.rows(2, rows(4.0, 5.0))
    end(made, 2, "stopped", value=4.0, last=5.0, iterations=2)
    made.rows(3, rows(9.0, float("nan")))
    end(made, 3, "failed", kind="nan", value=9.0, last=9.0, iterations=1)
    end(made, 4, "failed", value=None, last=None, iterations=0, rows=0, reason="exit code 1")
    made.rows(5, rows(1.0))
    return made.write()


def test_all_kinds_of_trials_and_parameters(tmp_path: Path, fast: bool) -> None:
    with served(rebuild(run_of_all_kinds(tmp_path / "run")), fast=fast) as board:
        sessions = board.until(board.sessions, lambda found: len(found) == 5)
        columns = board.columns()
    names = [one["name"] for one in columns["hparamInfos"]]
    assert {one["type"] for one in columns["hparamInfos"]} == {
        "DATA_TYPE_FLOAT64", "DATA_TYPE_STRING", "DATA_TYPE_BOOL",
    }  # fmt: skip
    assert all(one.get("domainInterval") or one.get("domainDiscrete") for one in columns["hparamInfos"])
    assert {name: sorted(one["hparams"]) for name, one in sessions.items()} == dict.fromkeys(
        [f"t000{n}" for n in range(1, 6)], sorted(names)
    )
    visible = [one["name"]["tag"] for one in columns["metricInfos"][:VISIBLE]]
    for name, one in sessions.items():
        lacks = {tag for tag in visible if not isinstance(one["metrics"].get(tag), float)}
        assert lacks == ({"best/loss", "loss"} if name == "t0004" else set()), "it has no objective at all"
        if not lacks:
            assert one["metrics"]["best/loss"] <= one["metrics"]["loss"]
    assert {name: one["status"].removeprefix("STATUS_") for name, one in sessions.items()} == {
        "t0001": "SUCCESS", "t0002": "SUCCESS", "t0003": "FAILURE", "t0004": "FAILURE", "t0005": "UNKNOWN",
    }  # fmt: skip


def test_a_run_is_followed_as_it_goes_on(tmp_path: Path, fast: bool) -> None:
    made = begun(tmp_path, RELU)
    scribe = Scribe(tmp_path, tmp_path / LOGS)
    scribe.take(made.events)
    scribe.write()
    with served(tmp_path / LOGS, fast=fast) as board:
        found = board.until(board.sessions, lambda found: "t0001" in found)
        assert found["t0001"]["status"] == "STATUS_UNKNOWN"
        made.rows(1, rows(3.0, 2.0, acc=0.5))
        scribe.write(final=True)
        board.until(lambda: board.scalars("t0001", "loss"), lambda points: len(points) == 2)
        made.rows(1, rows(3.0, 2.0, 1.0, acc=0.5))
        end(made, 1, value=1.0, last=1.0, iterations=3)
        scribe.take(made.events[-1:])
        scribe.write()

        def ended(sessions: dict[str, Any]) -> bool:
            one = sessions["t0001"]
            return bool(one["status"] == "STATUS_SUCCESS" and one["metrics"].get("best/loss") == 1.0)

        board.until(board.sessions, ended)
        known = board.until(board.columns, lambda columns: len(columns.get("metricInfos", ())) == 6)
        assert known["metricInfos"][-1]["name"]["tag"] == "acc"


def test_clones_are_sessions_of_their_own(tmp_path: Path, fast: bool) -> None:
    with served(rebuild(pbt_run(tmp_path / "run", 4)), fast=fast) as board:
        sessions = board.until(board.sessions, lambda found: len(found) == 8)
        lineage = board.until(
            lambda: board.scalars("_best_lineage", "hparam/lr"), lambda points: len(points) == 20
        )
        texts = board.until(lambda: board.tags("text"), lambda tags: "_sweep" in tags)
    assert {one["status"] for one in sessions.values()} == {"STATUS_SUCCESS"}
    assert sum(one["metrics"]["segment/alive"] for one in sessions.values()) == 4
    assert all(one["metrics"]["segment/best"] <= one["metrics"]["segment/last"] for one in sessions.values())
    assert all(one["hparams"]["parent"] for name, one in sessions.items() if name.endswith("g02"))
    last = sessions[max(sessions, key=lambda name: -sessions[name]["metrics"]["segment/best"])]
    assert lineage[-1][1] == pytest.approx(last["hparams"]["lr"])
    assert {"exploits", "winning lineage", "sweep file", "best trials"} <= set(texts["_sweep"])


def test_a_resumed_run_goes_on_in_its_directory(tmp_path: Path, fast: bool) -> None:
    """Another process goes on: the interrupted trial under its name, the ended one as it stands."""
    made = begun(tmp_path, RELU, NONE)
    made.rows(1, rows(3.0))
    made.rows(2, rows(5.0, 4.0))
    end(made, 1, value=3.0, last=3.0)
    scribe = Scribe(tmp_path, tmp_path / LOGS)
    scribe.take(made.events)
    scribe.write()
    with served(tmp_path / LOGS, fast=fast) as board:
        board.until(lambda: board.scalars("t0002", "loss"), lambda points: len(points) == 2)
        made.say(30, event="done", state="interrupted", reason="")
        made.say(31, event="run", **{k: v for k, v in made.events[0].items() if k not in ("event", "time")})
        made.say(32, event="start", trial=2, attempt=2, slot=0, node="n", iteration=2)
        made.rows(2, rows(5.0, 4.0, 3.5))
        end(made, 2, value=3.5, last=3.5, iterations=3)
        again = Scribe(tmp_path, tmp_path / LOGS)
        again.take(made.events)
        again.write(final=True)
        points = board.until(lambda: board.scalars("t0002", "loss"), lambda points: points[-1] == (2, 3.5))
        sessions = board.until(
            board.sessions, lambda found: all(one["status"] == "STATUS_SUCCESS" for one in found.values())
        )
    assert set(points) == {(0, 5.0), (1, 4.0), (2, 3.5)}
    assert sessions["t0002"]["metrics"]["best/loss"] == 3.5


def test_names_that_look_like_code_are_shown_as_they_are(tmp_path: Path, fast: bool) -> None:
    name = "<script>alert(1)</script>"
    sweep = {**SWEEP, "name": name, "parameters": {name: {"values": [name, "b"]}}}
    made = begun(tmp_path / "run", {name: name}, sweep=sweep)
    made.rows(1, rows(1.0))
    end(made, 1)
    with served(rebuild(made.write()), fast=fast) as board:
        sessions = board.until(board.sessions, lambda found: len(found) == 1)
    assert sessions["t0001"]["hparams"] == {name: name}
