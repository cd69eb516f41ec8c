"""Tables of runs as CSV and Parquet: nothing is lost, mixed up, or left half-written."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pyarrow.parquet
import pytest

from hpo.errors import UserError
from hpo.record.columns import columns
from hpo.record.export import csv_file, parquet_file, write_csv
from hpo.record.optuna_journal import optuna_file
from hpo.record.trials import load_run
from hpo.record.written import whole_file
from tests.record.made import asha_run, pbt_run
from tests.record.odd import BEGAN, ENDS, ROWS, odd_run


@pytest.fixture
def table(tmp_path: Path) -> list[Any]:
    return columns(load_run(odd_run(tmp_path / "run", ENDS, ROWS)))


def as_rows(table: list[Any]) -> list[dict[str, str]]:
    out = io.StringIO()
    write_csv(table, out)
    return list(csv.DictReader(io.StringIO(out.getvalue())))


def test_csv_holds_each_trial_with_flat_names(table: list[Any]) -> None:
    first, second, third = as_rows(table)
    assert (first["trial"], first["state"], first["value"], first["last"]) == ("1", "finished", "0.5", "0.75")
    assert second["reason"] == 'exit code 1: "odd", text'
    assert (third["state"], third["ended"], third["value"], third["seconds"]) == ("running", "", "", "")
    began = datetime.fromtimestamp(BEGAN + 1, timezone.utc)
    assert datetime.fromisoformat(first["started"]) == began
    assert datetime.fromisoformat(first["ended"]) - began == timedelta(seconds=2)


def test_values_of_all_kinds_can_be_told_apart_in_csv(table: list[Any]) -> None:
    rows = as_rows(table)
    assert [row["config.lr"] for row in rows] == ["0.01", "0.0001", "0.1"]
    assert [row["config.layers"] for row in rows] == ["[32]", '"none"', "[32, 32]"]
    assert [row["config.flag"] for row in rows] == ["true", "1", '"1"']
    assert [row["config.block"] for row in rows] == ['{"a": 1}', '{"a": 2, "b": [3]}', '{"a": 1}']
    assert [row["config.momentum"] for row in rows] == ["", "0.9", ""]
    assert [row["config.net.act"] for row in rows] == ["relu", "null", "null"]
    assert [row["config.net.depth"] for row in rows] == ["1", "2", "3"]
    assert [row["config.net.depth (2)"] for row in rows] == ["4", "5", "4"]
    assert [row["config.seed"] for row in rows] == ["null"] * 3


@pytest.mark.parametrize(
    ("texts", "cells"),
    [
        (["", "adam", None], ['""', '"adam"', "null"]),
        (["", "", ""], ['""', '""', '""']),
        (["null", "adam", None], ['"null"', '"adam"', "null"]),
        (["null", "adam", "sgd"], ["null", "adam", "sgd"]),
        (["adam", "sgd", None], ["adam", "sgd", "null"]),
    ],
)
def test_texts_none_and_nothing_can_be_told_apart_in_csv(
    texts: list[Any], cells: list[str], tmp_path: Path
) -> None:
    rows = [[{"loss": 1, "note": text}] for text in texts]
    read = as_rows(columns(load_run(odd_run(tmp_path / "run", ENDS, rows))))
    assert [row["metrics.note"] for row in read] == cells


def test_an_empty_text_is_not_nothing_in_csv(tmp_path: Path) -> None:
    rows: list[list[dict[str, Any]]] = [[{"loss": 1, "note": ""}], [{"loss": 1}], [{"loss": 1, "note": "a"}]]
    record = load_run(odd_run(tmp_path / "run", ENDS, rows))
    table = columns(record)
    assert [row["metrics.note"] for row in as_rows(table)] == ['""', "", '"a"']
    csv_file(table, tmp_path / "t.csv")
    notes = pandas.read_csv(tmp_path / "t.csv")["metrics.note"]
    assert [None if note != note else json.loads(note) for note in notes] == ["", None, "a"]
    parquet_file(table, tmp_path / "t.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "t.parquet")["metrics.note"].to_pylist() == ["", None, "a"]


def test_the_last_value_of_each_metric_is_there(table: list[Any]) -> None:
    first, second, third = as_rows(table)
    assert (first["metrics.loss"], first["metrics.train.acc"], first["metrics.train.loss"]) == (
        "0.75",
        "0.1",
        "2",
    )
    assert (first["metrics.extra"], first["metrics.note"], second["metrics.note"]) == ("[1, 2]", "", "begun")
    assert math.isnan(float(second["metrics.loss"]))
    assert {value for name, value in third.items() if name.startswith("metrics.")} == {""}


def test_every_objective_has_a_column(tmp_path: Path) -> None:
    metrics = [{"name": "loss", "goal": "minimize"}, {"name": "size", "goal": "minimize"}]
    ends = [{"state": "finished", "value": 0.5, "last": 0.5, "values": {"loss": 0.5, "size": 3}}, {}]
    rows = as_rows(columns(load_run(odd_run(tmp_path / "run", ends, metrics=metrics))))
    assert [row["values.loss"] for row in rows] == ["0.5", ""]
    assert [row["values.size"] for row in rows] == ["3", ""]


def test_a_population_says_whose_state_was_taken_over(tmp_path: Path) -> None:
    record = load_run(pbt_run(tmp_path / "run"))
    rows = as_rows(columns(record))
    assert {row["generations"] for row in rows} > {"1"}
    for row, trial in zip(rows, record.trials, strict=True):
        assert row["parent"] == (str(trial.generations[-1].donor) if trial.generations else "")


def test_parquet_has_real_types(table: list[Any], tmp_path: Path) -> None:
    parquet_file(table, tmp_path / "t.parquet")
    read = pyarrow.parquet.read_table(tmp_path / "t.parquet")
    types = {field.name: field.type for field in read.schema}
    assert types["started"] == pyarrow.timestamp("us", tz="UTC")
    assert (types["trial"], types["value"]) == (pyarrow.int64(), pyarrow.float64())
    assert (types["config.units"], types["config.momentum"]) == (pyarrow.int64(), pyarrow.float64())
    assert read["config.layers"].to_pylist() == ["[32]", '"none"', "[32, 32]"]
    assert read["config.momentum"].to_pylist() == [None, 0.9, None]
    assert read["config.net.act"].to_pylist() == ["relu", None, None]
    assert read["started"].to_pylist()[0] == datetime.fromtimestamp(BEGAN + 1, timezone.utc)
    assert read["node"].to_pylist()[0] == "node\\ud800"


def test_numbers_beyond_64_bits_are_kept(tmp_path: Path) -> None:
    rows = [[{"loss": 1, "huge": 2**70}]]
    table = columns(load_run(odd_run(tmp_path / "run", ENDS, rows)))
    assert as_rows(table)[0]["metrics.huge"] == str(2**70)
    parquet_file(table, tmp_path / "t.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "t.parquet")["metrics.huge"].to_pylist()[0] == str(2**70)


def test_a_file_that_is_there_is_not_replaced_unasked(table: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("mine")
    with pytest.raises(UserError, match=r"is there already.*--force"):
        csv_file(table, file)
    assert file.read_text() == "mine"
    csv_file(table, file, replace=True)
    assert len(file.read_text().splitlines()) == 4


def test_a_file_that_comes_while_the_table_is_written_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"

    def overtaken() -> None:
        with whole_file(file, replace=False) as part:
            part.write_text("ours")
            file.write_text("theirs")

    with pytest.raises(UserError, match=r"is there already.*--force"):
        overtaken()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o007, 0o660)])
def test_who_may_read_an_export_is_up_to_the_umask(mask: int, mode: int, tmp_path: Path) -> None:
    record = load_run(odd_run(tmp_path / "run", ENDS, ROWS))
    before = os.umask(mask)
    try:
        csv_file(columns(record), tmp_path / "t.csv")
        parquet_file(columns(record), tmp_path / "t.parquet")
        optuna_file(record, tmp_path / "t.log")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("t.*")] == [mode] * 3


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files take no more bytes than this, as on a full disk or beyond a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("write", [csv_file, parquet_file])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    write: Any, table: list[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "t").write_text("old")
    with room_for(200), pytest.raises(UserError, match=r"cannot write .*File too large"):
        write(table, folder / "t", replace=True)
    assert [path.read_text() for path in folder.iterdir()] == ["old"]


def test_a_place_that_is_none_is_said(table: list[Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no directory .*missing; make it first"):
        csv_file(table, tmp_path / "missing" / "t.csv")
    with pytest.raises(UserError, match="is a directory; name a file"):
        csv_file(table, tmp_path)


def test_a_run_that_goes_on_is_exported_as_it_stands(tmp_path: Path) -> None:
    record = load_run(asha_run(tmp_path / "run", 20, done=False))
    rows = as_rows(columns(record))
    assert [row["state"] for row in rows] == [trial.state for trial in record.trials]
    assert rows[-1]["state"] == "running"
    assert float(rows[-1]["metrics.loss"]) > 0
