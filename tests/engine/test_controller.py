"""The event loop with a simulated fleet: what it tells the searcher, and when it gives up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.engine.asking import Asking
from hpo.engine.controller import Controller
from hpo.engine.ending import Ending
from hpo.engine.live import open_record
from hpo.engine.ongoing import Limits
from hpo.engine.plan import RunOptions
from hpo.engine.planning import plan
from hpo.engine.run import Session, _controller
from hpo.errors import UserError
from hpo.record.lock import RunLock
from hpo.sweepfile.load import load_sweep, read_sweep
from hpo.tune.searchers import SpaceSearcher
from tests.engine.test_resuming import RECIPE, SLOTS, SPACE, Kept, Simulation, fresh

pytestmark = pytest.mark.ray
SWEEP = {"program": "train.py", "method": "random", "metric": {"name": "loss"}, "parameters": SPACE}


class Paced(Asking):
    """Records the mean duration of trials that the controller passes on."""

    def __init__(self, searcher: SpaceSearcher) -> None:
        super().__init__(searcher)
        self.paces: list[tuple[int, float]] = []

    def pace(self, slots: int, seconds: float) -> None:
        self.paces.append((slots, seconds))


def test_the_searcher_is_told_how_long_trials_last(tmp_path: Path) -> None:
    """By their mean duration the searcher decides whether to make suggestions ahead of time."""
    deciding, fleet = fresh(load_sweep(SWEEP), tmp_path, Paced), Simulation(tmp_path, saving=False)
    seen: Any = fleet
    Controller(deciding, seen, Kept(), Ending(Limits(8)), RECIPE).run()
    assert isinstance(deciding.asking, Paced)
    assert deciding.asking.paces == [(SLOTS, 1.0)] * 8  # each simulated trial takes a second


class Vanishing(Simulation):
    """Somebody moves the run directory away, and so the first trial fails."""

    def events(self, timeout: float, also: list[Any]) -> Iterator[dict[str, Any]]:
        self.directory.rename(self.directory.with_name("moved"))
        yield self.running[1].end("failed")


def test_a_trial_that_fails_because_the_run_directory_has_vanished_is_no_failed_one(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    run = plan(read_sweep(SWEEP), RunOptions(out=directory, count=3, train=lambda: None))
    record = open_record(run)
    record.append(run.opening(SLOTS, {}))
    fleet: Any = Vanishing(directory, saving=False)
    with RunLock.acquire(directory) as lock:
        controller = _controller(run, fleet, Session(record, lock), lambda state: None)
        with pytest.raises(UserError, match="the run directory has vanished"):
            controller.run()
    assert record.state.trials[1].state == "running"
    record.journal.close()
