"""Which slots are given trials."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.engine.fleet import Fleet, Given, Seat
from hpo.engine.unheard import Heard
from hpo.trial.recipe import Recipe

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]
POLL: Any = "the poll that is under way"


def seat(place: str, running: int | None = None, pending: Any = None) -> Seat:
    trials = {} if running is None else {running: Given(1, Heard(1, {}, None, 0))}
    return Seat(None, "", lambda: None, pending, node=place and "host", place=place, trials=trials)


@pytest.fixture
def fleet() -> Fleet:
    """Slots without actors, which are given nothing here."""
    made = Fleet(0, {"cpu": 1}, Recipe("/run", "/", {}))
    made.seats = {
        0: seat("a", running=1),
        1: seat("a", running=2, pending=POLL),
        2: seat("a"),
        3: seat("", pending=POLL),
        4: seat("b"),
    }
    made.aside = {"b"}
    return made


def test_a_slot_is_given_no_trials_before_it_is_up_nor_on_a_node_that_was_set_aside(fleet: Fleet) -> None:
    assert fleet.open(0) == [2]


def test_behind_a_running_trial_others_wait_where_no_poll_is_under_way_whose_answer_would_be_lost(
    fleet: Fleet,
) -> None:
    assert fleet.open(1) == [2, 0]
