"""How many trials wait in a slot behind the one that runs."""

from __future__ import annotations

from hpo.engine.ongoing import MOST_AHEAD, Pace


def paced(*seconds: float) -> Pace:
    pace = Pace()
    for one in seconds:
        pace.add(one)
    return pace


def test_short_trials_follow_each_other_at_once_and_long_ones_wait_in_no_slot() -> None:
    assert Pace().depth(None, 2) == 0
    assert paced(60.0).depth(None, 2) == 0
    assert paced(0.02).depth(None, 2) == 5
    assert paced(0.0).depth(None, 2) == MOST_AHEAD


def test_the_last_trials_are_left_to_whichever_slot_is_free() -> None:
    assert [paced(0.02).depth(left, 2) for left in (100, 12, 4, 3)] == [5, 3, 1, 0]
