"""What the sections of a report hold, for runs of every kind."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hpo.record.journal import Journal
from hpo.review.report.best_so_far import best_so_far
from hpo.review.report.curves import curves
from hpo.review.report.facts import Facts, facts_of
from hpo.review.report.failures import alike, failures
from hpo.review.report.family import family
from hpo.review.report.page import data_of
from hpo.review.report.survival import survival
from hpo.review.report.trials import trials
from hpo.review.report.workers import workers
from hpo.review.reproduce import shell_line
from tests.record.made import BEGAN, asha_run, pbt_run


def told(found: Any) -> dict[str, Any]:
    assert isinstance(found, dict), found
    return found


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return facts_of(asha_run(tmp_path_factory.mktemp("runs") / "asha", 300))


def run_of(folder: Path, events: list[dict[str, Any]], **sweep: Any) -> Facts:
    """A run of these events, a second apart."""
    given = {
        "program": "train.py",
        "method": "random",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        **sweep,
    }
    metric = given.get("metric")
    journal = Journal.create(folder)
    opening = {"event": "run", "sweep": given, "metric": metric, "method": "random", "count": 5, "slots": 2}
    for at, event in enumerate([opening, *events]):
        journal.append({"time": BEGAN + at, **event})
    journal.close()
    return facts_of(folder)


def begun(number: int, slot: int = 0, **config: Any) -> list[dict[str, Any]]:
    return [
        {"event": "trial", "trial": number, "config": config},
        {"event": "start", "trial": number, "attempt": 1, "slot": slot, "node": "n", "iteration": 0},
    ]


def ended(number: int, state: str = "finished", **values: Any) -> dict[str, Any]:
    return {"event": "end", "trial": number, "attempt": 1, "state": state, "seconds": 1.0, **values}


METRIC = {"name": "loss", "goal": "minimize"}
DONE = {"event": "done", "state": "complete", "reason": ""}


def test_the_best_falls_and_ends_at_the_best_trial(facts: Facts) -> None:
    found = told(best_so_far(facts))
    values = [step[2] for step in found["steps"]]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(min(t.value for t in facts.sound if t.value is not None), rel=1e-5)
    assert all(0 <= step[0] <= found["end"][0] and 0 <= step[1] <= found["end"][1] for step in found["steps"])
    assert found["end"][1] * 3600 == pytest.approx(sum(o.end - o.begin for o in facts.intervals), rel=1e-3)


def test_random_order_ends_where_the_run_did(facts: Facts) -> None:
    found = told(best_so_far(facts))
    reference = found["reference"]
    assert reference["middle"][-1] == pytest.approx(found["steps"][-1][2], rel=1e-5)
    assert reference["time"][-1] == pytest.approx(found["end"][0], rel=1e-3)
    assert all(low <= high for low, high in zip(reference["low"], reference["high"], strict=True))


def test_failed_trials_are_never_the_best(tmp_path: Path) -> None:
    events = [*begun(1, x=0.1), ended(1, "failed", value=-9.0, reason="broken"), *begun(2, x=0.2)]
    found = run_of(
        tmp_path / "r", [*events, ended(2, value=1.0, last=1.0, iterations=1), DONE], metric=METRIC
    )
    assert [step[2] for step in told(best_so_far(found))["steps"]] == [1]


def test_each_rung_has_what_went_on_from_it(facts: Facts) -> None:
    found = told(survival(facts))
    assert found["rungs"] == [1, 3, 9]
    assert found["reached"][1] <= found["on"][0]
    assert found["promoted"][0] == pytest.approx(1 / 3, abs=0.15)
    assert found["expected"] == pytest.approx(1 / 3, abs=1e-5)


def test_slots_are_busy_at_most_all_the_time(facts: Facts) -> None:
    found = told(workers(facts))
    assert len(found["lanes"]) == 8
    assert 0.8 < found["utilisation"] <= 1
    assert max(found["busy"]) <= 1
    assert sum(bar[3] for bar in found["bars"]) == pytest.approx(found["hours"] * 3600, rel=1e-3)


def test_many_trials_are_a_map_of_each_slot(tmp_path: Path) -> None:
    found = told(workers(facts_of(asha_run(tmp_path / "many", 1800))))
    assert "bars" not in found
    assert len(found["map"]) == 8
    assert all(0 <= share <= 100 for row in found["map"] for share in row)


def test_time_between_two_drivers_does_not_count(tmp_path: Path) -> None:
    first = [*begun(1, x=0.1), ended(1, value=1.0, last=1.0, iterations=1)]
    again = {"event": "run", "sweep": {}, "metric": METRIC, "time": BEGAN + 100_000}
    rest = [{**e, "time": BEGAN + 100_001 + k} for k, e in enumerate([*begun(2, x=0.2), ended(2, value=0.5)])]
    found = run_of(tmp_path / "r", [*first, again, *rest], metric=METRIC)
    assert found.clock.whole == pytest.approx(3 + 3)


def test_what_waits_in_a_slot_does_not_run_yet(tmp_path: Path) -> None:
    found = run_of(tmp_path / "r", [*begun(1, x=0.1), *begun(2, x=0.2)], metric=METRIC)
    assert [one.trial for one in found.intervals] == [1]


def test_errors_that_differ_in_numbers_and_paths_are_one(tmp_path: Path) -> None:
    first = "RuntimeError: shape (3, 4) at 0x7f01 in /home/a/b.py, 1e-3"
    assert alike(first) == alike("RuntimeError: shape (12, 4) at 0x99ff in /home/c/d/e.py, 0.5")
    assert alike("KeyError: 'lr'") != alike("KeyError: 'width'")
    events = [
        e
        for n in (1, 2)
        for e in (*begun(n, x=0.1), ended(n, "failed", reason=f"CUDA error {n}", kind="cuda"))
    ]
    found = run_of(tmp_path / "r", events, metric=METRIC)
    (tmp_path / "r" / "trials" / "0001").mkdir(parents=True)
    (tmp_path / "r" / "trials" / "0001" / "log.txt").write_text("last words\n")
    group = told(failures(found, tmp_path))["groups"][0]
    assert (group["count"], group["kind"]) == (2, "cuda")
    assert [one["log"] for one in group["examples"]] == ["r/trials/0001/log.txt", None]
    assert group["tail"] == ["last words"]


def test_choices_keep_their_order_and_what_is_missing_is_told_apart(tmp_path: Path) -> None:
    parameters = {"a": {"values": ["1", 1, None, [1, 2]]}, "b": {"min": 0.0, "max": 1.0, "when": {"a": 1}}}
    configs: list[dict[str, Any]] = [{"a": "1"}, {"a": 1, "b": 0.5}, {"a": [1, 2]}]
    events = [event for number, config in enumerate(configs, 1) for event in begun(number, **config)]
    found = run_of(tmp_path / "r", events, metric=METRIC, parameters=parameters)
    columns = {one["name"]: one for one in trials(found)["parameters"]}
    assert columns["a"]["labels"] == ['"1"', "1", "null", "[1, 2]"]
    assert columns["a"]["values"] == [0, 1, 3]
    assert columns["b"]["values"] == [None, 0.5, None]


def test_a_sweep_whose_own_files_are_elsewhere_keeps_its_scales(tmp_path: Path) -> None:
    parameters = {"lr": {"distribution": "log_uniform_values", "min": 0.001, "max": 1.0}}
    sweep = {"program": "mine:Model", "method": "mine:Search", "hpo": {"setup": "mine:load"}}
    found = run_of(tmp_path / "r", begun(1, lr=0.1), metric=METRIC, parameters=parameters, **sweep)
    (column,) = found.parameters
    assert (column.log, column.low, column.high) == (True, 0.001, 1.0)


def test_the_way_to_the_best_of_a_population_has_no_gap(tmp_path: Path) -> None:
    found = told(family(facts_of(pbt_run(tmp_path / "pbt", 8, intervals=6))))
    way = found["way"]
    assert way[0][1] == 0
    assert all(before[2] == after[1] for before, after in pairwise(way))
    assert found["count"] == 5
    assert next(one for one in found["parameters"] if one["name"] == "lr")["log"]


def test_variables_of_the_environment_stay_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    command = ["python", "train.py", "--key=${envvar:SECRET_KEY}", "${args}"]
    events = [*begun(1, x=0.5), ended(1, value=1.0)]
    found = run_of(tmp_path / "r", events, metric=METRIC, command=command)
    line = shell_line(found.record, found.trials[0])
    assert "hunter2" not in str(data_of(found, tmp_path))
    assert line.endswith('train.py --key="$SECRET_KEY" --x=0.5')


@pytest.mark.parametrize(
    ("events", "sweep"),
    [
        ([], {"metric": METRIC}),
        ([], {}),
        ([DONE], {"metric": METRIC}),
        (begun(1, x=0.1), {"metric": METRIC}),
        ([*begun(1, x=0.1), ended(1, value=1.0, last=1.0, iterations=1), DONE], {}),
        ([*begun(1, x=0.1), ended(1, value=1.0, last=1.0, iterations=1), DONE], {"metric": METRIC}),
        ([*begun(1, x=0.1), ended(1, "failed", reason="no"), DONE], {"metric": METRIC}),
        ([*begun(1, x=0.1), ended(1, value=float("nan"), last=float("inf")), DONE], {"metric": METRIC}),
        ([*begun(1, y=[1]), ended(1, value=1.0), DONE], {"metric": METRIC, "parameters": {}}),
        ([*begun(1, x="text"), *begun(2, 1, x=0.5)], {"metric": METRIC, "early_terminate": {"type": "what"}}),
    ],
)
def test_no_run_is_too_odd(tmp_path: Path, events: list[dict[str, Any]], sweep: dict[str, Any]) -> None:
    found = data_of(run_of(tmp_path / "r", events, **sweep), tmp_path)
    assert len(found["trials"]["columns"]["number"]) == sum(event["event"] == "trial" for event in events)
    assert all(
        found[name] for name in ("best", "importance", "slices", "curves", "survival", "workers", "family")
    )


def test_only_what_has_a_number_has_a_learning_curve(tmp_path: Path) -> None:
    rule = {"type": "asha", "min_iter": 1, "max_iter": 9}
    events = [*begun(1, x=0.1), ended(1, "stopped")]
    facts = run_of(tmp_path / "run", events, metric={"name": "loss"}, early_terminate=rule)
    folder = tmp_path / "run" / "trials" / "0001"
    folder.mkdir(parents=True)
    rows = [json.dumps({"loss": value, "_step": step}) for step, value in enumerate((float("nan"),) * 3)]
    (folder / "metrics.jsonl").write_text("\n".join(rows) + "\n")
    assert curves(facts) == "no trial has logged a value yet"
    rows += [json.dumps({"loss": 0.5, "_step": 3})]
    (folder / "metrics.jsonl").write_text("\n".join(rows) + "\n")
    drawn = curves(facts)
    assert isinstance(drawn, dict)
    assert drawn["lines"] == [{"trial": 1, "x": [1, 2, 3, 4], "y": [None, None, None, 0.5]}]
