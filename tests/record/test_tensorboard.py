"""What TensorBoard is told of a run, read back from its event files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import UserError
from hpo.record.events import EventFile, read_events, table
from hpo.record.hparams import Columns
from hpo.record.scribe import FOLDER, Scribe, rebuild
from hpo.trial.framing import crc32c
from tests.record.made import BEGAN, Made, asha_run, pbt_run

SWEEP: dict[str, Any] = {
    "name": "shown",
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
        "width": {"min": 8, "max": 64},
        "flag": {"values": [True, False]},
        "layers": {"values": [[32], [32, 32]]},
        "act": {"values": ["relu", None]},
        "mixed": {"values": [1, "auto", 0.5]},
        "depth": {"values": [1, 2, 4]},
        "noise": {"distribution": "normal", "mu": 0.0, "sigma": 1.0},
        "momentum": {"min": 0.0, "max": 1.0, "when": {"act": "relu"}},
        "decay": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1, "when": {"act": "relu"}},
        "model": {"parameters": {"drop": {"values": [0.1, 0.2], }, "kind": {"value": {"a": 1}}}},
        "epochs": {"value": 27},
    },
}  # fmt: skip
RELU = {
    "lr": 0.01, "width": 16, "flag": True, "layers": [32, 32], "act": "relu", "mixed": "auto", "depth": 2,
    "noise": 0.5, "momentum": 0.9, "decay": 1e-3, "model": {"drop": 0.1, "kind": {"a": 1}}, "epochs": 27,
}  # fmt: skip
NONE = {k: v for k, v in RELU.items() if k not in ("momentum", "decay")} | {"act": None, "mixed": 0.5}


def begun(folder: Path, *configs: Mapping[str, Any], sweep: dict[str, Any] = SWEEP) -> Made:
    made = Made(folder, sweep, len(configs), 2)
    for number, config in enumerate(configs, 1):
        made.say(number, event="trial", trial=number, config=dict(config))
        made.say(number, event="start", trial=number, attempt=1, slot=0, node="n", iteration=0)
    return made


def end(made: Made, number: int, state: str = "finished", at: float = 20.0, **known: Any) -> None:
    event = {"value": 1.0, "last": 1.0, "iterations": 1, "rows": 1, "seconds": 5.0, "reason": "", "kind": ""}
    made.say(at, event="end", trial=number, attempt=1, state=state, **(event | known))


def rows(*values: float | None, **more: Any) -> list[dict[str, Any]]:
    return [
        {"_step": step, "_time": BEGAN + 2 + step, **({} if value is None else {"loss": value}), **more}
        for step, value in enumerate(values)
    ]


def told(root: Path, run: str) -> dict[str, Any]:
    """The values of each tag of a run: scalars as (step, value); else as they are."""
    found: dict[str, Any] = {}
    for path in sorted((root / run).glob("events*")):
        for event in read_events(path):
            for value in event.summary.value:
                what = (event.step, value.simple_value) if value.HasField("simple_value") else value
                found.setdefault(value.tag, []).append(what)
    return found


def hparams(value: Any) -> Any:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    return HParamsPluginData.FromString(value.metadata.plugin_data.content)


def session(root: Path, run: str) -> dict[str, Any]:
    start = hparams(told(root, run)["_hparams_/session_start_info"][0]).session_start_info
    return {name: getattr(one, one.WhichOneof("kind")) for name, one in start.hparams.items()}


def status(root: Path, run: str) -> int | None:
    ends = told(root, run).get("_hparams_/session_end_info", [])
    assert len(ends) <= 1, "only the first would count"
    return hparams(ends[0]).session_end_info.status if ends else None


def experiment(root: Path) -> Any:
    found = list((root / "_sweep").glob("v*"))
    assert len(found) == 1, "TensorBoard would take any of them"
    return hparams(told(root, f"_sweep/{found[0].name}")["_hparams_/experiment"][0]).experiment


def last(root: Path, run: str, tag: str) -> float:
    return float(told(root, run)[tag][-1][1])


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


def test_a_trial_that_begins_anew_goes_back_in_the_same_directory(tmp_path: Path) -> None:
    """Live, as the run goes on: rows are cut and come again, and an end that did not count is none."""
    made = begun(tmp_path, RELU)
    made.rows(1, rows(5.0, 4.0, 3.0))
    scribe = Scribe(tmp_path, tmp_path / FOLDER)
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
    root = tmp_path / FOLDER
    assert status(root, "t0001") is None
    expected = [(0, 5.0), (1, 4.0), (2, 3.0), (0, 6.0), (1, 5.5), (2, 5.0)]
    assert told(root, "t0001")["loss"] == expected
    assert last(root, "t0001", "best/loss") == 5.0
    assert len(list((root / "t0001").iterdir())) == 1


def test_rows_that_stay_are_not_told_twice(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU)
    first = rows(5.0, 4.0, 3.0, 2.0)
    made.rows(1, first)
    scribe = Scribe(tmp_path, tmp_path / FOLDER)
    scribe.take(made.events)
    scribe.write()
    made.rows(1, first[:2])  # it goes on from its checkpoint
    scribe.write()
    made.rows(1, [*first[:2], {"_step": 2, "_time": BEGAN + 99, "loss": 3.5}])
    scribe.write()
    assert told(tmp_path / FOLDER, "t0001")["loss"] == [(0, 5.0), (1, 4.0), (2, 3.0), (3, 2.0), (2, 3.5)]


def test_a_torn_row_waits_for_its_rest(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU)
    made.rows(1, rows(5.0))
    file = tmp_path / "trials" / "0001" / "metrics.jsonl"
    scribe = Scribe(tmp_path, tmp_path / FOLDER)
    scribe.take(made.events)
    whole = json.dumps({"_step": 1, "_time": BEGAN, "loss": 4.0}) + "\n"
    with file.open("a") as out:
        out.write(whole[:10])
    scribe.write()
    with file.open("a") as out:
        out.write(whole[10:])
    scribe.write()
    assert told(tmp_path / FOLDER, "t0001")["loss"] == [(0, 5.0), (1, 4.0)]


def test_who_goes_on_tells_ended_trials_no_more(tmp_path: Path) -> None:
    made = begun(tmp_path, RELU, RELU)
    made.rows(1, rows(5.0))
    made.rows(2, rows(6.0))
    end(made, 1)
    first = Scribe(tmp_path, tmp_path / FOLDER)
    first.take(made.events)
    first.write()
    before = sorted((tmp_path / FOLDER / "t0001").iterdir())
    made.rows(2, rows(6.0, 5.0))
    end(made, 2, value=5.0, last=5.0, iterations=2)
    second = Scribe(tmp_path, tmp_path / FOLDER)
    second.take(made.events)
    second.write(final=True)
    root = tmp_path / FOLDER
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
    scribe = Scribe(tmp_path, tmp_path / FOLDER)
    scribe.take(made.events)
    scribe.write()
    assert status(tmp_path / FOLDER, "t0001") is None
    scribe.take([{"event": "settled", "trials": [1], "time": BEGAN + 50}])
    scribe.write()
    assert status(tmp_path / FOLDER, "t0001") == 2


def test_a_session_of_a_population_is_a_stretch_under_one_configuration(tmp_path: Path) -> None:
    run = pbt_run(tmp_path / "run", 4)
    root = rebuild(run)
    assert "_hparams_/session_start_info" not in told(root, "t0001")
    names = [str(path.relative_to(root)) for path in root.glob("t*/g*")]
    sessions = {name: session(root, name) for name in names}
    clones = [name for name, one in sessions.items() if one["generation"] > 1]
    assert len(clones) == 4  # one a turn but the last
    for name in clones:
        one, parent = sessions[name], int(sessions[name]["parent"])
        assert one["trial"] != parent > 0
        assert one["log10(lr)"] == pytest.approx(math.log10(one["lr"]))
        curve = dict(told(root, name.partition("/")[0])["hparam/lr"])
        begin, end_ = (int(last(root, name, f"segment/{tag}")) for tag in ("from", "to"))
        assert [curve[step] for step in range(begin, end_)] == pytest.approx([one["lr"]] * (end_ - begin))
    alive = [name for name in sessions if last(root, name, "segment/alive")]
    assert len(alive) == 4
    assert all(last(root, name, "segment/best") <= last(root, name, "segment/last") for name in sessions)
    assert all(status(root, name) == 1 for name in sessions)


def test_gain_counts_from_what_was_taken_over(tmp_path: Path) -> None:
    root = rebuild(pbt_run(tmp_path / "run", 4))
    name = next(path for path in sorted(root.glob("t*/g02"))).relative_to(root)
    donor = f"t{int(session(root, str(name))['parent']):04d}"
    begin = int(last(root, str(name), "segment/from"))
    before = dict(told(root, donor)["loss"])[begin - 1]
    gain = before - last(root, str(name), "segment/last")
    assert last(root, str(name), "segment/gain") == pytest.approx(gain, abs=1e-5)


def test_the_best_lineage_is_one_curve_with_its_schedule(tmp_path: Path) -> None:
    root = rebuild(pbt_run(tmp_path / "run", 6))
    curve = told(root, "_best_lineage")
    assert [step for step, _ in curve["loss"]] == list(range(1, 21))
    assert [step for step, _ in curve["hparam/lr"]] == list(range(1, 21))
    texts = told(root, "_sweep")
    assert "t000" in texts["winning lineage"][-1].tensor.string_val[0].decode()
    assert texts["exploits"][-1].tensor.string_val[0].decode().count("→") == 4


def test_a_rebuilt_directory_has_what_a_live_one_has(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 30, done=False)
    from hpo.record.journal import read_journal

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


def test_progress_is_a_curve_over_ended_trials(tmp_path: Path) -> None:
    root = rebuild(asha_run(tmp_path / "run", 60))
    best = told(root, "_sweep")["sweep/best"]
    assert [value for _, value in best] == sorted((value for _, value in best), reverse=True)
    assert best[-1][0] == 60


def test_what_users_write_stays_text(tmp_path: Path) -> None:
    shown = table(["a"], [["x | <b>y</b>\n`z`"]])
    assert shown.count("|") == 6  # three lines of two
    assert "<" not in shown


def test_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such directory"):
        rebuild(tmp_path / "nothing")


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


@pytest.mark.parametrize("data", [b"", b"123456789", bytes(range(70)), bytes(1025), b"ab" * 3000])
def test_the_checksum_is_castagnoli_s(data: bytes) -> None:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert crc32c(data) == crc ^ 0xFFFFFFFF
