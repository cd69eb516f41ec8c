"""Which checkpoints stay, and what a paused trial goes on from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ray.tune.schedulers import FIFOScheduler

from hpo.engine.checkpoints import Checkpoints
from hpo.engine.ongoing import Ongoing
from hpo.engine.pausing import Pausing
from hpo.engine.scheduling import Scheduling

pytestmark = pytest.mark.ray


class Cloning(FIFOScheduler):  # type: ignore[misc]
    clones = True


class Run:
    """Trials with checkpoints on disk, one kept of each."""

    def __init__(self, directory: Path, count: int = 2) -> None:
        self.directory = directory
        self.checkpoints = Checkpoints(str(directory), 1)
        self.scheduling = Scheduling(Cloning())
        self.pausing = Pausing(self.checkpoints, self.scheduling)
        self.trials = {number: Ongoing(number, {"x": number}) for number in range(1, count + 1)}
        for trial in self.trials.values():
            self.scheduling.add(trial.id, trial.config)

    def save(self, number: int, iteration: int) -> str:
        name = f"{iteration:06d}"
        os.makedirs(self.checkpoints.path(number, name))
        self.pausing.saved(self.trials[number], name, iteration, iteration)
        return name

    def milestone(self, number: int, iteration: int) -> None:
        self.save(number, iteration)
        self.pausing.milestone(self.trials[number], iteration)

    def clone(self, number: int, donor: int, iteration: int) -> Ongoing:
        scheduled = self.scheduling.trials[str(number)]
        scheduled.donor, scheduled.config = self.scheduling.trials[str(donor)], {"x": 10 * donor}
        self.pausing.told(self.trials[number], iteration, iteration)
        return self.trials[number]

    def there(self, number: int) -> list[str]:
        self.checkpoints.sweep()
        self.checkpoints._thread.submit(lambda: None).result()  # what is being removed is gone then
        folder = self.directory / "trials" / f"{number:04d}" / "checkpoints"
        return sorted(os.listdir(folder)) if folder.is_dir() else []


@pytest.fixture
def run(tmp_path: Path) -> Any:
    found = Run(tmp_path)
    yield found
    found.checkpoints.close()


def test_the_checkpoint_of_the_judged_milestone_stays_until_the_next_is_judged(run: Run) -> None:
    run.milestone(1, 4)
    run.save(1, 8)  # its result is not known yet: clones start from 4
    assert run.there(1) == ["000004", "000008"]
    assert run.scheduling.trials["1"].saved == 4
    run.pausing.milestone(run.trials[1], 8)
    assert run.there(1) == ["000008"]
    assert run.scheduling.trials["1"].saved == 8


def test_a_milestone_that_is_judged_before_its_checkpoint_is_there_has_it_once_it_is(run: Run) -> None:
    run.milestone(1, 4)
    run.pausing.milestone(run.trials[1], 8)
    assert run.scheduling.trials["1"].saved == 4
    run.save(1, 8)
    assert run.scheduling.trials["1"].saved == 8
    assert run.there(1) == ["000008"]


def test_a_donors_checkpoint_stays_until_its_clone_has_one_of_its_own(run: Run) -> None:
    run.milestone(1, 8)
    run.milestone(2, 4)
    clone = run.clone(2, donor=1, iteration=4)
    assert clone.checkpoint is not None
    assert clone.checkpoint.checkpoint == run.checkpoints.path(1, "000008")
    assert (clone.checkpoint.rows, clone.checkpoint.iterations) == (4, 4)
    assert clone.config == {"x": 10}
    for iteration in (12, 16):
        run.milestone(1, iteration)
    run.pausing.forget(run.trials[1])  # the donor has even ended
    assert run.there(1) == ["000008", "000016"]
    assert run.pausing.is_pause(clone, {"state": "paused"})
    run.save(2, 8)
    assert run.there(1) == ["000016"]
    assert clone.checkpoint.checkpoint == run.checkpoints.path(2, "000008")


def test_a_clone_that_ends_needs_its_donors_checkpoint_no_more(run: Run) -> None:
    run.milestone(1, 8)
    run.clone(2, donor=1, iteration=4)
    run.milestone(1, 12)
    assert run.there(1) == ["000008", "000012"]
    run.pausing.forget(run.trials[2])
    assert run.there(1) == ["000012"]


def test_what_a_trial_does_after_it_was_told_to_pause_does_not_count(run: Run) -> None:
    run.milestone(1, 4)
    run.pausing.told(run.trials[1], 4, 4)
    run.save(1, 8)
    checkpoint = run.trials[1].checkpoint
    assert checkpoint is not None
    assert checkpoint.checkpoint == run.checkpoints.path(1, "000004")
    assert "000004" in run.there(1)


@pytest.mark.parametrize(
    ("state", "iterations", "paused"),
    [
        ("paused", 5, True),
        ("finished", 9, True),
        ("finished", 4, False),
        ("failed", 6, True),
        ("interrupted", 6, False),
    ],
)
def test_a_trial_that_outruns_its_pause_has_paused_all_the_same(
    run: Run, state: str, iterations: int, paused: bool
) -> None:
    run.milestone(1, 4)
    run.pausing.told(run.trials[1], 4, 4)
    assert run.pausing.is_pause(run.trials[1], {"state": state, "iterations": iterations}) is paused
    assert not run.pausing.is_pause(run.trials[1], {"state": "finished", "iterations": iterations})
