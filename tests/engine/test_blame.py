"""Runs on several nodes of which one is sick: what it fails is run elsewhere, and told to nobody."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hpo.engine.asking import Asking
from hpo.engine.controller import Controller
from hpo.engine.deciding import Deciding
from hpo.engine.ending import Ending
from hpo.engine.ongoing import Limits, Outcome
from hpo.engine.plan import RunOptions
from hpo.engine.reopening import failed_again
from hpo.engine.resuming import Resumption
from hpo.record.trials import RunState
from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.model import Sweep
from hpo.tune.searchers import SpaceSearcher
from tests.engine.test_resuming import RECIPE, SPACE, Kept, Process, Seat, Simulation, fresh, next_steps

pytestmark = pytest.mark.ray
COUNT = 120


class Nodes(Simulation):
    """Two slots on each of the nodes a, b and c; `failing` says which attempts fail.

    Until the time `late` b is alone, and the others are coming.
    """

    def __init__(
        self,
        directory: Path,
        failing: Callable[[Process, str], bool],
        *,
        alike: bool = False,
        late: float = 0.0,
    ) -> None:
        super().__init__(directory, saving=False)
        self.seats = {slot: Seat(f"host-{place}", place) for slot, place in enumerate("aabbcc")}
        self.failing, self.alike = failing, alike
        self.now, self.late, self.coming = 0.0, late, late > 0
        self.begun: list[tuple[int, str]] = []
        self.gone: set[str] = set()

    def where(self, number: int) -> str:
        return next(seat.place for seat in self.seats.values() if number in seat.trials)

    def open(self, depth: int) -> list[int]:
        closed = self.aside | self.gone | self._missing
        return [slot for slot in super().open(depth) if self.seats[slot].place not in closed]

    def start(self, slot: int, starts: list[Any]) -> None:
        super().start(slot, starts)
        self.begun += [(start[0], self.seats[slot].place) for start in starts]

    def elsewhere(self, place: str) -> bool:
        return bool(self.able() - self.aside - self._missing - {place})

    @property
    def _missing(self) -> set[str]:
        return {"a", "c"} if self.coming else set()

    def able(self) -> set[str]:
        return super().able() - self.gone

    def fails(self, process: Process) -> bool:
        return self.failing(process, self.where(process.number))

    def events(self, timeout: float, also: list[Any]) -> Iterator[dict[str, Any]]:
        self.now += 0.25
        self.coming = self.now < self.late
        for seat in self.seats.values():
            while seat.place in self.gone and seat.trials:
                number = seat.trials.pop()
                del self.running[number]
                yield {"event": "lost", "trial": number, "reason": "the node died"}
        for event in super().events(timeout, also):
            yield event | ({"reason": "exit code 1"} if self.alike and "reason" in event else {})


class Heard(Asking):
    """Remembers which trials the searcher was told of, and whether they had failed."""

    def __init__(self, searcher: SpaceSearcher) -> None:
        super().__init__(searcher)
        self.told: list[tuple[str, bool]] = []

    def complete(self, trial_id: str, result: dict[str, Any] | None, *, error: bool) -> None:
        self.told.append((trial_id, error))
        super().complete(trial_id, result, error=error)


class Run:
    """A run by the controller, and what it had decided by each of its turns."""

    def __init__(self, fleet: Nodes, sweep: Sweep, directory: Path, max_failures: int = 0) -> None:
        self.kept, self.fleet = Kept(), fleet
        self.deciding = fresh(sweep, directory, Heard)
        self.copies: dict[int, Deciding] = {}
        self.kept.append({"event": "run", "slots": len(fleet.seats), "count": COUNT})
        limits = Limits(COUNT, None, max_failures=max_failures)
        seen: Any = fleet
        self.controller = Controller(
            self.deciding, seen, self.kept, Ending(limits), RECIPE, progress=self._turn
        )
        self.controller.blame.clock = lambda: fleet.now
        self.outcome: Outcome = self.controller.run()

    def _turn(self) -> None:
        due = len(self.kept.events) - max(self.copies, default=0) >= 5
        if due and not self.controller.blame.held:
            own = {id(self.deciding.scheduling.outlook): None}
            own[id(self.deciding.pausing.checkpoints._thread)] = None
            self.copies[len(self.kept.events)] = copy.deepcopy(self.deciding, own)

    @property
    def told(self) -> list[tuple[str, bool]]:
        assert isinstance(self.deciding.asking, Heard)
        return self.deciding.asking.told

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.kept.events if event["event"] == kind]

    @property
    def state(self) -> RunState:
        state = RunState()
        for event in self.kept.events:
            state.apply(event)
        return state


def sweep_of(method: str = "random", max_failures: int = 0) -> Sweep:
    return load_sweep(
        {
            "program": "train.py",
            "method": method,
            "metric": {"name": "loss"},
            "parameters": SPACE,
            "run_cap": COUNT,
            "early_terminate": {"type": "asha", "min_iter": 1, "max_iter": 9},
            "hpo": {"max_failures": max_failures},
        }
    )


@pytest.mark.parametrize(("max_failures", "late"), [(0, 0.0), (2, 0.0), (0, 12.0)])
def test_what_a_sick_node_fails_runs_elsewhere_and_counts_for_nothing(
    max_failures: int, late: float, tmp_path: Path
) -> None:
    fleet = Nodes(tmp_path, lambda process, place: place == "b", alike=True, late=late)
    run = Run(fleet, sweep_of(), tmp_path, max_failures)
    assert run.outcome.state == "complete"
    state = run.state
    assert len(state.trials) == COUNT
    assert state.counts["finished"] + state.counts["stopped"] == COUNT
    assert Counter(name for name, _ in run.told) == {str(number + 1): 1 for number in range(COUNT)}
    assert not any(error for _, error in run.told)
    (aside,) = run.of("aside")
    (said,) = state.set_aside.values()
    assert (aside["node"], said.node, said.failed) == ("host-b", "host-b", aside["failed"])
    assert said.failed < 30
    after = run.kept.events.index(aside)
    assert not [e for e in run.kept.events[after:] if e["event"] == "start" and e["node"] == "host-b"]
    assert any(text.startswith("node host-b is set aside: ") for text in state.notes)
    at_once = [
        end
        for end, then in pairwise(run.kept.events)
        if then["event"] == "requeue" and then["reason"].startswith("failed: ")
    ]
    assert bool(at_once) == (max_failures > 0)
    assert not any(end.get("held") for end in at_once)  # nobody has to wait for whose fault it was


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_run_that_is_cut_off_decides_as_if_it_had_not_been(method: str, tmp_path: Path) -> None:
    fleet = Nodes(tmp_path, lambda process, place: place == "b" or process.number % 7 == 0)
    sweep = sweep_of(method)
    run = Run(fleet, sweep, tmp_path)
    assert run.of("aside")
    assert run.of("settled")
    aside = run.kept.events.index(run.of("aside")[0])
    cuts = sorted(run.copies)
    assert sum(cut > aside for cut in cuts) > 4
    for cut in [*cuts[:6], cuts[-1]]:
        deciding = fresh(sweep, tmp_path)
        Resumption(deciding).tell(run.kept.events[:cut])
        assert next_steps(deciding, sweep) == next_steps(run.copies[cut], sweep), cut


def test_wherever_a_run_is_cut_off_no_trial_is_given_up_for_the_sick_node(tmp_path: Path) -> None:
    sweep = sweep_of()
    run = Run(Nodes(tmp_path, lambda process, place: place == "b"), sweep, tmp_path)
    aside = run.kept.events.index(run.of("aside")[0])
    sick = set(run.of("aside")[0]["trials"])
    for cut in range(1, aside + 1 + len(sick)):
        events = run.kept.events[:cut]
        failed = {
            event["trial"] for event in events if event["event"] == "end" and event["state"] == "failed"
        }
        deciding = fresh(sweep, tmp_path)
        resumption = Resumption(deciding, failed_again(events, sweep, RunOptions()))
        resumption.tell(events)
        waiting = {trial.number for trial in resumption.settle(lambda event: None)}
        assert failed <= waiting
        assert not waiting & {event["trial"] for event in events if event.get("state") == "finished"}


@pytest.mark.parametrize(("failures", "again"), [(1, True), (2, True), (3, False)])
def test_a_failure_on_a_sick_node_is_one_that_a_resumed_run_does_not_count(
    failures: int, again: bool
) -> None:
    failed = {"event": "end", "trial": 1, "state": "failed", "kind": "exit"}
    events = [failed] * failures + [{"event": "aside", "trials": [1]}, {"event": "start", "trial": 1}, failed]
    sweep = sweep_of(max_failures=2)
    assert failed_again(events, sweep, RunOptions()) == ({1} if again else frozenset())


@pytest.mark.parametrize("max_failures", [0, 2])
def test_a_node_is_taken_back_if_what_it_failed_fails_elsewhere_too(
    max_failures: int, tmp_path: Path
) -> None:
    bad: set[int] = set()

    def failing(process: Process, place: str) -> bool:
        if place == "b" and process.number < 60:
            bad.add(process.number)
        return process.number in bad

    run = Run(Nodes(tmp_path, failing), sweep_of(), tmp_path, max_failures)
    (aside,), (back,) = run.of("aside"), run.of("back")
    assert (aside["node"], back["node"]) == ("host-b", "host-b")
    assert back["reason"] == "the trials that failed there fail elsewhere too"
    after = run.kept.events.index(back)
    assert [e for e in run.kept.events[after:] if e["event"] == "start" and e["node"] == "host-b"]
    assert run.state.set_aside == {}
    assert run.state.counts["failed"] == len(bad)
    assert len(run.state.trials) == COUNT


def test_a_node_that_was_set_aside_is_used_again_once_no_other_is_left(tmp_path: Path) -> None:
    run_of: list[Nodes] = []

    def failing(process: Process, place: str) -> bool:
        fleet = run_of[0]
        if fleet.aside:
            fleet.gone = {"a", "c"}
        return place == "b" and not fleet.gone

    run_of.append(Nodes(tmp_path, failing))
    run = Run(run_of[0], sweep_of(), tmp_path)
    assert run.outcome.state == "complete"
    assert [event["reason"] for event in run.of("back")] == ["no other node is left"]
    assert run.state.counts["failed"] == 0
    assert len(run.state.trials) == COUNT


def test_a_run_ends_early_where_the_first_trials_fail_alike_on_more_than_one_node(tmp_path: Path) -> None:
    sweep = sweep_of()
    run = Run(Nodes(tmp_path, lambda process, place: True, alike=True), sweep, tmp_path)
    assert run.outcome.state == "failed"
    assert len(run.state.trials) < COUNT


def test_trials_that_fail_by_their_own_fault_are_told_in_the_end(tmp_path: Path) -> None:
    run = Run(Nodes(tmp_path, lambda process, place: process.number % 3 == 0), sweep_of(), tmp_path)
    assert not run.of("aside")
    failed = {number for number, trial in run.state.trials.items() if trial.state == "failed"}
    assert {int(name) for name, error in run.told if error} == failed
    assert len(failed) == COUNT // 3
    assert len(run.told) == COUNT


def test_a_trial_that_fails_again_and_again_is_no_nodes_fault(tmp_path: Path) -> None:
    run = Run(Nodes(tmp_path, lambda process, place: process.number == 9), sweep_of(), tmp_path, 40)
    assert len([event for event in run.of("end") if event["trial"] == 9]) == 41
    assert not run.of("aside")
    assert run.state.counts["failed"] == 1
