"""A journal told again: searcher and scheduler decide as those did that were not interrupted."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hpo.engine.asking import Asking
from hpo.engine.checkpoints import Checkpoints
from hpo.engine.controller import Controller
from hpo.engine.deciding import Deciding
from hpo.engine.ending import Ending
from hpo.engine.ongoing import Limits
from hpo.engine.pausing import Pausing
from hpo.engine.resuming import Resumption, Retelling
from hpo.engine.scheduling import Scheduling
from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.model import Sweep
from hpo.trial.recipe import Recipe
from hpo.trial.spec import Resume
from hpo.tune.schedulers import scheduler
from hpo.tune.translate import searcher

pytestmark = pytest.mark.ray
RECIPE = Recipe("/run", "/", {})
SLOTS, COUNT, FEW, LONGEST = 4, 40, 18, 9
SPACE = {"x": {"min": 0.0, "max": 1.0}, "n": {"min": 1, "max": 9}, "c": {"values": ["a", "b", "c"]}}
RULES: dict[str, dict[str, Any]] = {
    "hyperband": {"min_iter": 1, "eta": 3},
    "hyperband strict": {"min_iter": 1, "eta": 3, "strict": True},
    "asha": {"min_iter": 1, "max_iter": LONGEST},
    "asha promote": {"min_iter": 1, "max_iter": LONGEST, "promote": True},
    "async_hyperband": {"max_iter": LONGEST, "brackets": 2},
    "hyperband_sync": {"max_iter": LONGEST},
    "median": {"min_iter": 2, "min_samples": 2},
    "pbt": {"interval": 2, "mutate": ["x"], "max_iter": LONGEST},
    "pb2": {"interval": 2, "mutate": ["x"], "max_iter": LONGEST},
}


@dataclass
class Seat:
    node: str = "here"
    place: str = "here"
    trials: list[int] = field(default_factory=list)


@dataclass
class Process:
    """What a trial would log, as far as it has come."""

    number: int
    config: dict[str, Any]
    iteration: int
    total: float = 0.0
    best: float = math.inf

    def step(self) -> dict[str, Any]:
        self.iteration += 1
        noise = random.Random(f"{self.number} {self.iteration}").random()
        value = (self.config["x"] - 0.3) ** 2 + self.config["n"] / 20 + (1 + noise) / self.iteration
        self.best, self.total = min(self.best, value), self.total + value
        told = {"iteration": self.iteration, "value": value, "best": self.best, "rows": self.iteration}
        return {"event": "result", "trial": self.number, "mean": self.total / self.iteration, **told}

    def end(self, state: str) -> dict[str, Any]:
        known = math.isfinite(self.best)
        told = {"value": self.best if known else None, "last": self.best, "iterations": self.iteration}
        why = "abcdefgh"[self.number % 8]  # the first few may not fail alike
        more = {"kind": "", "reason": why, "began": 0.0, "seconds": 1.0, "rows": self.iteration, "values": {}}
        return {"event": "end", "trial": self.number, "state": state, **told, **more}


class Simulation:
    """A fleet whose trials report in an order of chance; each fifth fails at its third step."""

    def __init__(self, directory: Path, *, saving: bool) -> None:
        self.seats = {slot: Seat() for slot in range(SLOTS)}
        self.directory, self.saving = directory, saving
        self.running: dict[int, Process] = {}
        self.asked: dict[int, str] = {}
        self.order = random.Random(7)
        self.aside: set[str] = set()
        self.coming = False

    def elsewhere(self, place: str) -> bool:
        return bool({seat.place for seat in self.seats.values()} - self.aside - {place})

    def able(self) -> set[str]:
        return {seat.place for seat in self.seats.values()}

    def open(self, depth: int) -> list[int]:
        return [slot for slot, seat in self.seats.items() if not seat.trials]

    def start(self, slot: int, starts: list[tuple[int, int, dict[str, Any], Resume | None]]) -> None:
        for number, _, config, resume in starts:
            self.seats[slot].trials.append(number)
            self.running[number] = Process(number, config, resume.iterations if resume else 0)

    def stop(self, slot: int, number: int, state: str) -> None:
        self.asked[number] = state

    def fails(self, process: Process) -> bool:
        return process.number % 5 == 0 and process.iteration == 3

    def events(self, timeout: float, also: list[Any]) -> Iterator[dict[str, Any]]:
        if not self.running:
            return
        process = self.running[self.order.choice(sorted(self.running))]
        state = self.asked.pop(process.number, "finished" if process.iteration >= LONGEST else "")
        if self.fails(process):
            state = "failed"
        if state:
            del self.running[process.number]
            next(s for s in self.seats.values() if process.number in s.trials).trials.clear()
            yield process.end(state)
            return
        event = process.step()
        if self.saving:
            name = f"{process.iteration:06d}"
            path = self.directory / "trials" / f"{process.number:04d}" / "checkpoints" / name
            path.mkdir(parents=True, exist_ok=True)
            made = {"event": "checkpoint", "trial": process.number, "name": name}
            yield {**made, "iteration": process.iteration, "rows": process.iteration}
        yield event


class Kept:
    """The journal."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def append(self, event: dict[str, Any]) -> None:
        self.events.append({"time": float(len(self.events)), **event})

    def show(self, event: dict[str, Any]) -> None:
        pass

    def commit(self) -> None:
        pass


def fresh(sweep: Sweep, directory: Path, asking: type[Asking] = Retelling) -> Deciding:
    scheduling = Scheduling(scheduler(sweep, 1))
    pausing = Pausing(Checkpoints(str(directory), 3), scheduling)
    return Deciding(asking(searcher(sweep, 1, sweep.run_cap)), scheduling, pausing, sweep.metric)


def recorded(
    sweep: Sweep, directory: Path, count: int, *, saving: bool
) -> tuple[list[dict[str, Any]], dict[int, Deciding]]:
    kept, deciding = Kept(), fresh(sweep, directory, Asking)
    kept.append({"event": "run", "slots": SLOTS, "count": count})
    fleet: Any = Simulation(directory, saving=saving)
    limits = Limits(count, None, max_failures=1)
    copies: dict[int, Deciding] = {}

    def after_a_turn() -> None:
        if len(kept.events) % 7 == 0:
            own = {id(deciding.scheduling.outlook): None, id(deciding.pausing.checkpoints._thread): None}
            copies[len(kept.events)] = copy.deepcopy(deciding, own)  # what cannot be copied is left out

    Controller(deciding, fleet, kept, Ending(limits), RECIPE, progress=after_a_turn).run()
    return kept.events, copies


def next_steps(deciding: Deciding, sweep: Sweep) -> list[Any]:
    """What is decided next: of each running trial, and of new ones."""
    deciding.scheduling.outlook = lambda: (0, 0)
    found: list[Any] = []
    trials = dict(deciding.scheduling.trials)
    for name, trial in sorted(trials.items(), key=lambda pair: int(pair[0])):
        if trial.status != "RUNNING":
            continue
        for iteration in (LONGEST - 3, LONGEST - 1):
            value = random.Random(f"{name} {iteration}").random()
            result = {"training_iteration": iteration, "loss": value, "hpo_best": value, "hpo_mean": value}
            trial.last_result = result
            answer = deciding.scheduling.scheduler.on_trial_result(deciding.scheduling, trial, result)
            donor = trial.donor.trial_id if trial.donor else None
            found.append((name, iteration, answer, donor, trial.config))
    chosen = deciding.scheduling.choose() if deciding.pausing.paused else None
    found.append((chosen, sorted(deciding.pausing.paused), sorted(deciding.scheduling.doomed())))
    number = deciding.asking.searcher.suggested + 1
    found += [deciding.asking.searcher.suggest(str(number + i)) for i in range(3)]
    return found


CASES = [(rule, "random", True) for rule in RULES]
CASES += [("asha", method, False) for method in ("tpe", "qmc", "cmaes", "bohb", "gp", "grid")]
CASES += [("hyperband_sync", "bohb", False), ("median", "tpe", True)]


@pytest.mark.parametrize(("rule", "method", "saving"), CASES, ids=lambda value: str(value))
def test_after_a_resume_all_is_decided_as_if_there_had_been_none(
    rule: str, method: str, saving: bool, tmp_path: Path
) -> None:
    space = {**SPACE, "x": {"values": [0.1, 0.3, 0.7]}} if method == "grid" else SPACE
    count = FEW if method == "gp" else COUNT
    search = {"startup": 6} if method not in ("random", "grid", "qmc") else {}
    sweep = load_sweep(
        {
            "program": "train.py",
            "method": method,
            "metric": {"name": "loss"},
            "parameters": space,
            "run_cap": count,
            "early_terminate": {"type": rule.split()[0], **RULES[rule]},
            "hpo": {"search": search},
        }
    )
    events, copies = recorded(sweep, tmp_path, count, saving=saving)
    assert sum(event["event"] == "trial" for event in events) == count
    cuts = random.Random(rule + method).sample(sorted(copies), min(len(copies), 3 if method == "gp" else 8))
    for cut in cuts:
        deciding = fresh(sweep, tmp_path)
        Resumption(deciding).tell(events[:cut])
        assert next_steps(deciding, sweep) == next_steps(copies[cut], sweep), cut
