"""What TensorBoard is told of a run, read back from its event files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hpo.errors import UserError
from hpo.record.events import table
from hpo.record.hparams import Columns
from hpo.record.scribe import Scribe, rebuild
from hpo.trial.framing import crc32c
from hpo.trial.media import LOGS
from tests.record.made import asha_run
from tests.record.shown import (
    NONE,
    RELU,
    SWEEP,
    begun,
    end,
    experiment,
    last,
    rows,
    session,
    status,
    told,
)


def test_every_column_has_a_type_and_each_trial_a_value_of_it(tmp_path: Path) -> None:
    made = begun(tmp_path / "run", RELU, NONE)
    root = rebuild(made.write())
    columns = {one.name: one for one in experiment(root).hparam_infos}
    assert set(columns) == {
        "lr", "log10(lr)", "width", "flag", "layers", "act", "mixed", "depth", "noise", "momentum", "decay",
        "log10(decay)", "model.drop", "model.kind", "epochs",
    }  # fmt: skip
    kinds = {1: str, 2: bool, 3: float}
    for run in ("t0001", "t0002"):
        values = session(root, run)
        assert {name: type(value) for name, value in values.items()} == {
            name: kinds[column.type] for name, column in columns.items()
        }
        assert all(math.isfinite(value) for value in values.values() if isinstance(value, float))
    assert session(root, "t0001")["layers"] == "[32, 32]"
    assert session(root, "t0002")["act"] == "null"
    assert session(root, "t0002")["mixed"] == "0.5"
    assert session(root, "t0001")["log10(lr)"] == pytest.approx(-2)
    assert session(root, "t0001")["model.kind"] == '{"a": 1}'


def test_a_condition_that_does_not_hold_shows_below_the_range(tmp_path: Path) -> None:
    columns = {one.name: one for one in Columns.of(SWEEP).parameters}
    momentum, decay = columns["momentum"].of(NONE), columns["decay"].of(NONE)
    assert isinstance(momentum, (int, float))
    assert momentum < 0
    assert isinstance(decay, float)
    assert 0 < decay < 1e-5  # TensorBoard's logarithmic axis takes positive numbers only
    assert "absent" in columns["momentum"].note
    logarithm = columns["log10(decay)"].of(NONE)
    assert isinstance(logarithm, float)
    assert -10 < logarithm < -5  # apart from what trials have, which still has most of the axis


def test_what_a_trial_has_beside_the_parameters_of_the_sweep_has_columns_too(tmp_path: Path) -> None:
    made = begun(tmp_path / "run", RELU, {**RELU, "warmup": 5, "optimizer": {"name": "adam"}})
    root = rebuild(made.write())
    assert {"lr", "warmup", "optimizer.name"} <= {one.name for one in experiment(root).hparam_infos}
    values = session(root, "t0002")
    assert (values["warmup"], values["optimizer.name"]) == (5.0, "adam")


def test_domains_and_what_is_swept(tmp_path: Path) -> None:
    columns = {one.name: one for one in Columns.of(SWEEP).parameters}
    assert columns["lr"].interval == (1e-4, 1.0)
    assert columns["width"].interval == (8.0, 64.0)
    assert columns["log10(lr)"].interval == pytest.approx((-4.0, 0.0))
    low, high = columns["noise"].interval or (0.0, 0.0)
    assert -5 < low < -3 < 3 < high < 5
    assert columns["depth"].choices == (1, 2, 4)
    assert columns["flag"].choices == (True, False)
    assert columns["act"].choices == ("relu", "null")
    assert [name for name, one in columns.items() if not one.swept] == [
        "log10(lr)", "log10(decay)", "model.kind", "epochs",
    ]  # fmt: skip


def test_results_stand_in_the_order_of_what_matters(tmp_path: Path) -> None:
    made = begun(tmp_path / "run", RELU)
    made.rows(1, rows(2.0, 1.0, train={"acc": 0.5}, names=["a"], text="x"))
    end(made, 1)
    root = rebuild(made.write())
    tags = [one.name.tag for one in experiment(root).metric_infos]
    assert tags == ["best/loss", "loss", "hpo/iterations", "hpo/seconds", "hpo/state", "train.acc"]
    assert set(told(root, "t0001")) - set(tags) == {
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
    }


def test_ends_are_true(tmp_path: Path) -> None:
    made = begun(tmp_path / "run", *[RELU] * 5)
    for number in range(1, 6):
        made.rows(number, rows(1.0))
    end(made, 1)
    end(made, 2, "stopped")
    end(made, 3, "failed", reason="exit code 1")
    end(made, 4, "interrupted")
    root = rebuild(made.write())
    assert [status(root, f"t000{n}") for n in range(1, 6)] == [1, 1, 2, None, None]
    assert [last(root, f"t000{n}", "hpo/state") for n in range(1, 6)] == [1, 2, 3, 5, 0]


def test_nan_is_counted_and_hides_no_trial(tmp_path: Path) -> None:
    made = begun(tmp_path / "run", RELU)
    made.rows(1, rows(3.0, math.nan, 2.0, math.nan))
    end(made, 1, "failed", kind="nan", value=2.0, last=2.0, iterations=2)
    root = rebuild(made.write())
    assert told(root, "t0001")["loss"] == [(0, 3.0), (2, 2.0)]
    assert told(root, "t0001")["hpo/nan"] == [(1, 1.0), (3, 2.0)]
    assert last(root, "t0001", "hpo/state") == 4


def test_best_is_written_when_it_improves_and_summaries_count(tmp_path: Path) -> None:
    made = begun(tmp_path / "run", RELU, RELU)
    made.rows(1, rows(3.0, 4.0, 2.0, 5.0))
    end(made, 1, value=2.0, last=5.0, iterations=4)
    made.rows(2, rows(3.0))
    end(made, 2, value=0.5, last=0.75, iterations=1)  # by wandb.run.summary
    root = rebuild(made.write())
    assert told(root, "t0001")["best/loss"] == [(0, 3.0), (2, 2.0)]
    assert (last(root, "t0002", "best/loss"), last(root, "t0002", "loss")) == (0.5, 0.75)


def test_several_objectives_each_have_their_column(tmp_path: Path) -> None:
    several = [{"name": "loss", "goal": "minimize"}, {"name": "size", "goal": "maximize"}]
    sweep = {**SWEEP, "metrics": several}
    made = begun(tmp_path / "run", RELU, sweep=sweep)
    made.events[0]["metrics"] = several
    made.rows(1, rows(3.0, 2.0, size=7))
    end(made, 1, value=2.0, last=2.0, values={"loss": 2.0, "size": 9.0})
    root = rebuild(made.write())
    assert [one.name.tag for one in experiment(root).metric_infos][:3] == ["best/loss", "loss", "size"]
    assert last(root, "t0001", "size") == 9.0


def test_a_run_without_a_metric_counts_its_rows(tmp_path: Path) -> None:
    sweep = {key: value for key, value in SWEEP.items() if key != "metric"}
    made = begun(tmp_path / "run", RELU, sweep={**sweep, "metric": {}})
    made.events[0]["metric"] = None
    made.rows(1, rows(1.0, 2.0, 3.0))
    end(made, 1, value=None, last=None, iterations=0)
    root = rebuild(made.write())
    assert last(root, "t0001", "hpo/iterations") == 3
    assert next(one.name.tag for one in experiment(root).metric_infos) == "hpo/iterations"


def test_rows_of_a_run_without_a_metric_count_anew_where_training_begins_anew(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU, sweep={**SWEEP, "metric": {}})
    made.events[0]["metric"] = None
    scribe = Scribe(tmp_path, tmp_path / LOGS)
    scribe.take(made.events)
    for losses in ([1.0, 2.0, 3.0], [5.0, 4.0]):  # the second time its file was written anew
        made.rows(1, [{"loss": loss} for loss in losses])
        scribe.write(final=True)
        assert last(tmp_path / LOGS, "t0001", "hpo/iterations") == len(losses)
    scribe.close()
    assert told(tmp_path / LOGS, "t0001")["loss"][-2:] == [(0, 5.0), (1, 4.0)]


def test_progress_is_a_curve_over_ended_trials(tmp_path: Path) -> None:
    root = rebuild(asha_run(tmp_path / "run", 60))
    best = told(root, "_sweep")["sweep/best"]
    assert [value for _, value in best] == sorted((value for _, value in best), reverse=True)
    assert best[-1][0] == 60


def test_progress_of_a_long_run_has_its_points_when_it_is_told_at_once(tmp_path: Path) -> None:
    made, trials, between = begun(tmp_path / "run", *[RELU] * 20), range(1, 21), 60
    for number in trials:
        for _ in range(between):
            made.say(20.0 + number, event="note", text="a node has joined")
        end(made, number, at=20.0 + number, value=1 / number)
    best = told(rebuild(made.write()), "_sweep")["sweep/best"]
    assert best == [(number, pytest.approx(1 / number)) for number in trials]


def test_what_users_write_stays_text(tmp_path: Path) -> None:
    shown = table(["a"], [["x | <b>y</b>\n`z`"]])
    assert shown.count("|") == 6  # three lines of two
    assert "<" not in shown


def test_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such directory"):
        rebuild(tmp_path / "nothing")


@pytest.mark.parametrize("data", [b"", b"123456789", bytes(range(70)), bytes(1025), b"ab" * 3000])
def test_the_checksum_is_castagnoli_s(data: bytes) -> None:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert crc32c(data) == crc ^ 0xFFFFFFFF
