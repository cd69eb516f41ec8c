"""A slot's calls may be repeated: what a broken connection does to them is nothing."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.engine.slot import Slot, presence_file
from hpo.trial.recipe import Recipe

SCRIPT = """
import sys
import hpo
for step in range(int(sys.argv[1])):
    hpo.report({"loss": step})
"""


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    """A slot whose trials report three rows each."""
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "run" / "trials").mkdir(parents=True)
    recipe = Recipe(
        str(tmp_path / "run"),
        str(tmp_path),
        {"PATH": "/usr/bin:/bin"},
        "train.py",
        (sys.executable, "train.py", "3"),
        metric="loss",
        milestones=None,
        kill_grace=5.0,
    )
    slot = Slot(recipe, None, "one")
    yield slot
    slot.close()


def until_end(slot: Slot, seen: int = 0) -> list[dict[str, Any]]:
    """Its events from the one after `seen` to the first end."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while not found or found[-1]["event"] != "end":
        before, events = slot.poll(seen, 1.0)
        assert before == seen
        found += events
        seen += len(events)
        assert time.monotonic() < deadline
    return found


def test_events_come_again_until_they_were_seen(slot: Slot) -> None:
    slot.run(1, [(1, 1, {}, None)], 0, 0.0)
    before, events = slot.poll(0, 60.0)
    assert events
    assert slot.poll(0, 60.0) == (before, events) == (0, events)
    later = until_end(slot, len(events))
    assert [one["event"] for one in [*events, *later]] == ["result"] * 3 + ["end"]
    assert slot.poll(4, 0.0) == (4, [])


def test_an_order_is_carried_out_once(slot: Slot) -> None:
    for _ in range(3):
        slot.run(1, [(1, 1, {}, None)], 0, 0.0)
    assert len(until_end(slot)) == 4
    assert slot.poll(4, 1.0) == (4, [])


def test_a_newer_poll_ends_the_wait_of_an_older_one(slot: Slot) -> None:
    answers: list[Any] = []
    old = threading.Thread(target=lambda: answers.append(slot.poll(0, 60.0)))
    old.start()
    time.sleep(0.1)
    assert slot.poll(0, 0.1) == (0, [])
    old.join(10)
    assert answers == [(0, [])]


def test_a_late_stop_is_not_for_the_trial_s_next_part(slot: Slot) -> None:
    slot.run(1, [(1, 1, {}, None)], 0, 0.0)
    first = until_end(slot)
    slot.run(2, [(1, 1, {}, None)], len(first), 0.0)
    slot.stop(1, 1, "stopped")
    assert until_end(slot, len(first))[-1]["state"] == "finished"


def test_a_slot_is_present_from_its_first_trial_to_its_end(slot: Slot) -> None:
    path = Path(presence_file(slot.recipe.directory, "one"))
    assert not path.exists()
    slot.run(1, [(1, 1, {}, None)], 0, 0.0)
    until_end(slot)
    assert path.exists()
    slot.close()
    assert not path.exists()
