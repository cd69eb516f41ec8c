"""What the kill matrix says of a run, from what its trials and its record have said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.case import Moments, Verdict, judged
from tests.faults.objective import FOLDER, LOG, STEPS, Truth, descend, read_truth

AT = Moments(killed=100.0, resumed=110.0)
ONCE = {0.1: "finished", 0.2: "finished"}


def truth(**trials: list[tuple[float, float, int]]) -> Truth:
    """Name → (begin, end, steps) of each of its attempts; the value is the name's digits after the point."""
    found = Truth()
    for name, attempts in trials.items():
        x = int(name[1:]) / 10
        found.begins[x] = [begin for begin, _, _ in attempts]
        found.ends[x] = [(end, steps) for _, end, steps in attempts]
    return found


def test_a_run_whose_trials_ran_once_is_exact() -> None:
    log = truth(x1=[(90.0, 91.0, STEPS)], x2=[(111.0, 112.0, STEPS)])
    found = judged(log, AT, {0.1: "finished"}, ONCE, 2)
    assert found == {
        "done": 1,
        "lost": 0,
        "twice": 0,
        "late": 0,
        "extra": 0,
        "begun": 2,
        "ended": 2,
        "failed": 0,
    }
    whole = Verdict(hit=1, **found, hung=0, orphans=0, resumed=True, code=0, seconds=1.0)
    assert whole.exact("raylet", 2)
    assert not whole.exact("raylet", 3)


@pytest.mark.parametrize("steps", [STEPS, 3], ids=["at its last step", "stopped early"])
def test_a_finished_trial_that_runs_again_is_lost_and_run_twice(steps: int) -> None:
    log = truth(x1=[(90.0, 91.0, steps), (111.0, 112.0, STEPS)])
    found = judged(log, AT, {}, {0.1: "finished"}, 1)
    assert (found["done"], found["lost"], found["twice"], found["late"]) == (1, 1, 1, 0)


def test_a_finished_trial_that_is_forgotten_is_lost_and_its_successor_is_one_too_many() -> None:
    log = truth(x1=[(90.0, 91.0, STEPS)], x2=[(111.0, 112.0, STEPS)])
    found = judged(log, AT, {}, {0.2: "finished"}, 1)
    assert (found["lost"], found["twice"], found["extra"]) == (1, 0, 1)


def test_a_trial_that_was_cut_off_runs_again_by_right() -> None:
    log = truth(x1=[(99.0, 101.0, 3), (111.0, 112.0, STEPS)])
    found = judged(log, AT, {}, {0.1: "finished"}, 1)
    assert (found["done"], found["lost"], found["twice"], found["late"]) == (0, 0, 0, 0)


def test_an_end_that_nobody_could_record_is_told_apart_unless_it_was_recorded() -> None:
    log = truth(x1=[(99.0, 99.8, STEPS), (111.0, 112.0, STEPS)])
    found = judged(log, AT, {}, {0.1: "finished"}, 1)
    assert (found["lost"], found["twice"], found["late"]) == (0, 0, 1)
    found = judged(log, AT, {0.1: "finished"}, {0.1: "finished"}, 1)
    assert (found["lost"], found["twice"], found["late"]) == (1, 1, 0)


def test_a_trial_that_runs_twice_after_the_resume_is_seen() -> None:
    log = truth(x1=[(111.0, 112.0, STEPS), (113.0, 114.0, STEPS)])
    found = judged(log, AT, {}, {0.1: "finished"}, 1)
    assert (found["lost"], found["twice"]) == (0, 1)


def test_trials_log_their_beginnings_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    descend(0.5, lambda loss: None)

    def stop(loss: float) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        descend(0.25, stop)
    found = read_truth(tmp_path)
    assert {x: len(begins) for x, begins in found.begins.items()} == {0.5: 1, 0.25: 1}
    assert [steps for ends in found.ends.values() for _, steps in ends] == [STEPS, 1]
    assert found.ended(0.25, killed=0.0) == float("inf")
    last = json.loads((tmp_path / LOG).read_text().splitlines()[-1])
    assert found.ended(0.25, killed=last["time"]) == last["time"]
