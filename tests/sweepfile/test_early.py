"""Rungs, brackets and milestones of each rule of early stopping."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hpo.sweepfile.early import RULES
from hpo.sweepfile.explain import explain
from hpo.sweepfile.load import Loaded, read_sweep
from hpo.sweepfile.section import EarlyTermination

CODE = "from ray.tune.schedulers import FIFOScheduler\nclass Mine(FIFOScheduler): ...\nclass Alone: ...\n"


def loaded(**rule: Any) -> Loaded:
    metric, space = {"name": "loss"}, {"x": {"min": 0.0, "max": 1.0}}
    sweep = {"method": "random", "program": "t.py", "metric": metric, "parameters": space}
    return read_sweep({**sweep, "early_terminate": rule})


def rule_of(**rule: Any) -> EarlyTermination:
    found = loaded(**rule).valid().early_terminate
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["hyperband", "asha"])
@pytest.mark.parametrize(
    ("keys", "rungs"),
    [
        ({"min_iter": 3, "eta": 2}, [3, 6, 12, 24, 48]),
        ({"min_iter": 2, "eta": 1.5}, [2, 3, 4, 6, 10]),  # each rounded down by itself
        ({"max_iter": 18, "s": 2}, [2, 6]),
        ({"max_iter": 27, "s": 9}, [1, 3, 9]),
        ({"min_iter": 2, "max_iter": 18}, [2, 6]),
    ],
)
def test_rungs_of_wandbs_keys(kind: str, keys: dict[str, Any], rungs: list[int]) -> None:
    rule = rule_of(type=kind, **keys)
    assert rule.rungs(5) == rungs
    assert rule.milestones is not None
    assert list(rule.milestones[:5]) == rungs
    assert len(rule.milestones) <= 100


@pytest.mark.parametrize("kind", ["async_hyperband", "hyperband_sync", "bohb"])
def test_brackets_are_the_papers(kind: str) -> None:
    rule = rule_of(type=kind, max_iter=81)
    assert [one.trials for one in rule.shares()] == [81, 34, 15, 8, 5]
    assert [one.rungs for one in rule.shares()] == [(1, 3, 9, 27), (3, 9, 27), (9, 27), (27,), ()]
    assert sum(one.share for one in rule.shares()) == pytest.approx(1)
    assert rule.rungs() == [1, 3, 9, 27]
    assert rule.milestones == (1, 3, 9, 27)


@pytest.mark.parametrize(
    ("keys", "rungs"),
    [
        ({"max_iter": 243}, (1, 3, 9, 27, 81)),
        ({"max_iter": 1000, "eta": 10}, (1, 10, 100)),
        ({"max_iter": 100, "min_iter": 4}, (11, 33)),
        ({"max_iter": 100, "min_iter": 3}, (3, 11, 33)),
        ({"max_iter": 10, "eta": 1.5}, (1, 2, 4, 6)),
    ],
)
def test_no_bracket_is_lost_to_floats(keys: dict[str, Any], rungs: tuple[int, ...]) -> None:
    assert rule_of(type="hyperband_sync", **keys).shares()[0].rungs == rungs


def test_fewer_brackets_are_those_with_the_most_rungs() -> None:
    shares = rule_of(type="async_hyperband", max_iter=81, brackets=2).shares()
    assert [one.rungs for one in shares] == [(1, 3, 9, 27), (3, 9, 27)]
    assert [one.share for one in shares] == [81 / 115, 34 / 115]


def test_the_median_is_looked_at_often_at_first_and_seldom_later() -> None:
    rungs = rule_of(type="median", min_iter=2).rungs()
    assert rungs[:14] == list(range(2, 16))
    assert all(later - at <= max(1, at / 8) for at, later in pairwise(rungs))
    assert rungs[-1] > 10**8
    assert len(rungs) < 200
    assert rule_of(type="median", max_iter=5).rungs() == [1, 2, 3, 4]


def test_check_tells_rungs_and_brackets() -> None:
    told = explain(loaded(type="async_hyperband", max_iter=9))["early_terminate"]
    assert told["rungs"] == [1, 3]
    assert [one["rungs"] for one in told["brackets"]] == [[1, 3], [3], []]
    assert [one["share"] for one in told["brackets"]] == [0.529, 0.294, 0.176]
    assert explain(loaded(type="asha", min_iter=3))["early_terminate"].keys() == {"type", "rungs"}


def test_a_class_is_looked_for_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules.py").write_text("raise SystemExit\n" + CODE)
    monkeypatch.chdir(tmp_path)
    rule = rule_of(type="rules:Mine", patience=3, nested={"a": [1]})
    assert vars(rule)["type"] == "rules:Mine"
    assert getattr(rule, "arguments") == {"patience": 3, "nested": {"a": [1]}}  # noqa: B009
    assert rule.milestones is None
    assert rule.rungs() == []
    for name, said in [
        ("rules:Mien", "early_terminate.type: rules.py has no scheduler 'Mien'; did you mean 'Mine'?"),
        ("rules:Alone", "early_terminate.type: class Alone of rules.py is no TrialScheduler; derive it from"),
        ("rulse:Mine", "early_terminate.type: module 'rulse' is not in "),
    ]:
        (problem,) = loaded(type=name).problems
        assert f"{problem.key}: {problem.text}".startswith(said)


def test_every_rule_says_what_it_is() -> None:
    for model in RULES.values():
        assert model.__doc__
        for name, field in model.model_fields.items():
            assert field.description, name


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "hyperband_sync", "max_iter": 1e300, "eta": 1.0000000001},
        {"type": "async_hyperband", "max_iter": 10**9, "eta": 1.001},
        {"type": "hyperband", "max_iter": 1e300, "s": 1e300, "eta": 1.0000000001},
    ],
)
def test_an_eta_next_to_one_is_refused(rule: dict[str, Any]) -> None:
    (error,) = loaded(**rule).errors
    assert (error.key, error.text) == (
        "early_terminate.eta",
        f"eta {rule['eta']} makes more than 200 rungs; write `eta: 3`",
    )
