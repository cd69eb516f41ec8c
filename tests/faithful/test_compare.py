"""The conformance run finds what differs between warm and cold trials, and only that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.faithful.compare import differences
from tests.faithful.running import Outcome, Trial

SEEN = {
    "environment": {"A": "1"},
    "descriptors": ["pipe"],
    "fresh": {"random": 1},
    "command": ["python", "x"],
}
TRIAL = Trial(("finished", 0, ""), [{"loss": 1.0}], SEEN, {"a.txt": "12ab"}, frozenset({"epoch N"}))


def outcome(*trials: Trial, files: frozenset[str] = frozenset()) -> Outcome:
    return Outcome(dict(enumerate(trials, 1)), "", files, ())


def test_equal_trials_do_not_differ() -> None:
    forked = replace(TRIAL, seen={**SEEN, "command": ["python", "boot.py"], "fresh": {"random": 2}})
    assert differences(outcome(forked), outcome(TRIAL)) == []


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"end": ("failed", 1, "exit code 1")}, "trial 1: end: "),
    ({"rows": [{"loss": 2.0}]}, "trial 1: rows: warm {'loss': 2.0}, cold {'loss': 1.0}"),
    ({"rows": []}, "trial 1: rows: warm 0 rows, cold {'loss': 1.0}"),
    ({"seen": {**SEEN, "environment": {}}}, "trial 1: environment: A: warm None, cold '1'"),
    (
        {"seen": {**SEEN, "descriptors": ["pipe", "x.db"]}},
        "trial 1: descriptors: only warm ['x.db'], only cold []",
    ),
    ({"files": {"a.txt": "ffff"}}, "trial 1: files: a.txt: warm 'ffff', cold '12ab'"),
    ({"files": {}}, "trial 1: files: a.txt: warm None, cold '12ab'"),
    ({"lines": frozenset({"Warning"})}, "trial 1: log: "),
]


@pytest.mark.parametrize(("change", "found"), CHANGES)
def test_what_a_forked_trial_does_otherwise_is_found(change: dict[str, Any], found: str) -> None:
    (one,) = differences(outcome(replace(TRIAL, **change)), outcome(TRIAL))
    assert one.startswith(found)


def test_values_that_no_seed_was_set_for_and_that_come_twice_are_found() -> None:
    other = replace(TRIAL, seen={**SEEN, "fresh": {"random": 2}})
    (one,) = differences(outcome(TRIAL, TRIAL), outcome(TRIAL, other))
    assert one == "fresh values: warm trials drew equal ones of 'random'"


def test_draws_count_where_the_script_has_set_their_seed() -> None:
    seeded = {**SEEN, "seeded": True, "draws": [1]}
    warm = outcome(replace(TRIAL, seen={**seeded, "draws": [2]}))
    assert differences(warm, outcome(replace(TRIAL, seen=seeded))) == [
        "trial 1: draws: only warm [2], only cold [1]"
    ]


def test_a_trial_that_is_missing_and_a_file_too_many_are_found() -> None:
    found = differences(outcome(TRIAL, TRIAL, files=frozenset({"left"})), outcome(TRIAL))
    assert found[0] == "trials: warm [1, 2], cold [1]"
    assert found[-1] == "file only warm: left"


def test_a_trial_that_fails_in_both_ways_is_no_comparison() -> None:
    failed = replace(TRIAL, end=("failed", 1, "exit code 1"))
    assert differences(outcome(failed), outcome(failed)) == [f"trial 1 is no comparison: {failed.end}"]
