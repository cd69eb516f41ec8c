"""What the kill matrix says of a run, from what its trials and its record have said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.case import Verdict
from tests.faults.judging import Kill, judged
from tests.faults.objective import FOLDER, PART, STEPS, Attempt, descend, read_truth

KILLED = 100.0
Attempts = list[tuple[float, float, int]]


def found(
    log: dict[float, Attempts],
    after: dict[float, str],
    known: tuple[float, ...] = (),
    repeated: tuple[float, ...] = (),
    resumed: bool = True,
) -> dict[str, int]:
    """The figures of a run of as many trials as `after` has; (begin, end, steps) of each attempt.

    The resumed run begins its first trial at 110.
    """
    truth = {
        x: [Attempt(int(resumed and begin > 105), begin, end, steps) for begin, end, steps in attempts]
        for x, attempts in log.items()
    }
    kill = Kill(KILLED, resumed, frozenset(known))
    return judged(truth, [kill], after, set(repeated), len(after))


def test_a_run_whose_trials_ran_once_is_exact() -> None:
    log = {0.1: [(90.0, 91.0, STEPS)], 0.2: [(111.0, 112.0, STEPS)]}
    figures = found(log, {0.1: "finished", 0.2: "finished"}, known=(0.1,))
    rest = dict.fromkeys(("lost", "twice", "late", "extra", "failed"), 0)
    assert figures == {"done": 1, "begun": 2, "ended": 2} | rest
    whole = Verdict(hit=1, **figures, hung=0, orphans=0, resumed=True, code=0, seconds=1.0)
    assert whole.exact("raylet", 2)
    assert not whole.exact("raylet", 3)


@pytest.mark.parametrize("steps", [STEPS, 3], ids=["at its last step", "stopped early"])
def test_a_finished_trial_that_runs_again_is_lost_and_run_twice(steps: int) -> None:
    figures = found({0.1: [(90.0, 91.0, steps), (111.0, 112.0, STEPS)]}, {0.1: "finished"})
    assert (figures["done"], figures["lost"], figures["twice"], figures["late"]) == (1, 1, 1, 0)


def test_a_finished_trial_that_is_forgotten_is_lost_and_its_successor_is_one_too_many() -> None:
    log = {0.1: [(90.0, 91.0, STEPS)], 0.2: [(111.0, 112.0, STEPS)]}
    figures = found(log, {0.2: "finished"})
    assert (figures["lost"], figures["twice"], figures["extra"]) == (1, 0, 1)


def test_a_trial_that_was_cut_off_runs_again_by_right() -> None:
    figures = found({0.1: [(99.0, 101.0, 3), (111.0, 112.0, STEPS)]}, {0.1: "finished"})
    assert (figures["done"], figures["lost"], figures["twice"], figures["late"]) == (0, 0, 0, 0)


def test_an_end_that_nobody_could_record_is_told_apart_unless_it_was_recorded() -> None:
    log = {0.1: [(99.0, 99.8, STEPS), (111.0, 112.0, STEPS)]}
    figures = found(log, {0.1: "finished"})
    assert (figures["lost"], figures["twice"], figures["late"]) == (0, 0, 1)
    figures = found(log, {0.1: "finished"}, known=(0.1,))
    assert (figures["lost"], figures["twice"], figures["late"]) == (1, 1, 0)
    figures = found(log, {0.1: "finished"}, repeated=(0.1,))
    assert (figures["twice"], figures["late"]) == (1, 0)


def test_who_outlives_its_driver_ends_unheard() -> None:
    figures = found({0.1: [(100.1, 103.0, STEPS), (111.0, 112.0, STEPS)]}, {0.1: "finished"})
    assert (figures["lost"], figures["twice"], figures["late"]) == (0, 0, 1)


@pytest.mark.parametrize("resumed", [True, False])
def test_a_trial_that_a_living_driver_runs_twice_is_seen(resumed: bool) -> None:
    log = {0.1: [(111.0, 112.0, STEPS), (113.0, 114.0, STEPS)]}
    figures = found(log, {0.1: "finished"}, resumed=resumed)
    assert (figures["lost"], figures["twice"], figures["late"]) == (0, 1, 0)


def test_trials_log_their_beginnings_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv(PART, "1")
    descend(0.5, lambda loss: None)

    def stop(loss: float) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        descend(0.25, stop)
    truth = read_truth(tmp_path)
    assert [(one.part, one.steps) for one in truth[0.5] + truth[0.25]] == [(1, STEPS), (1, 1)]
    (early,) = truth[0.25]
    assert early.begin < early.end
    assert Kill(early.begin, True, frozenset()).over([early]) is None
    assert Kill(early.end, True, frozenset()).over([early]) is early


def test_of_several_kills_each_is_asked_what_it_has_to_answer_for() -> None:
    actor, driver, last = (
        Kill(100.0, False, frozenset()),
        Kill(200.0, True, frozenset()),
        Kill(300.0, True, frozenset(), 1),
    )
    cut_off = [Attempt(0, 99.0, 100.2, 3), Attempt(0, 101.0, 102.0, STEPS)]
    cut_twice = [Attempt(0, 199.0, 200.1, 2), Attempt(1, 299.0, 300.2, 5), Attempt(2, 301.0, 302.0, STEPS)]
    unheard = [Attempt(0, 199.0, 199.8, STEPS), Attempt(1, 210.0, 211.0, STEPS)]
    by_right = {0.1: cut_off, 0.2: cut_twice, 0.3: unheard}
    figures = judged(by_right, [actor, driver, last], dict.fromkeys(by_right, "finished"), set(), 3)
    assert (figures["done"], figures["lost"], figures["twice"], figures["late"]) == (2, 0, 0, 1)
    for again in (
        Attempt(1, 230.0, 231.0, STEPS),
        Attempt(1, 299.9, 300.1, 1),
        Attempt(2, 310.0, 311.0, STEPS),
    ):
        wrong = {x: [*attempts, again] for x, attempts in by_right.items() if x != 0.2}
        figures = judged(wrong, [actor, driver, last], dict.fromkeys(wrong, "finished"), set(), 2)
        assert (figures["lost"], figures["twice"]) == (2, 2), again
