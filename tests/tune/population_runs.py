"""A population that trains without processes: trials are numbers, slots take turns, the books are kept."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ray.tune.schedulers import TrialScheduler

from hpo.engine.scheduling import Scheduling
from hpo.sweepfile.load import load_sweep
from hpo.tune.schedulers import scheduler
from hpo.tune.schedulers.judging import TIME

Step = Callable[[Any, Mapping[str, Any]], tuple[Any, float]]


@dataclass
class Simulated:
    """One member: its weights, what it saved, and what became of it."""

    weights: Any
    config: dict[str, Any]
    iteration: int = 0
    saved: tuple[int, Any] = (0, None)
    values: list[float] = field(default_factory=list)


@dataclass
class Run:
    """What a simulated run came to."""

    members: dict[str, Simulated]
    exploits: list[dict[str, Any]]
    pauses: int
    notes: list[str]


def simulate(
    sweep: Mapping[str, Any],
    begin: Callable[[], Any],
    step: Step,
    *,
    iterations: int,
    slots: int,
    seed: int = 0,
    saves: bool = True,
) -> Run:
    """Train a sweep's population to its end; members advance in an order that the seed shuffles."""
    loaded = load_sweep(sweep)
    scheduling = Scheduling(scheduler(loaded, seed))
    count = loaded.run_cap or 0
    members: dict[str, Simulated] = {}
    run = Run(members, [], 0, [])
    order = random.Random(seed)
    running: list[str] = []
    scheduling.outlook = lambda: (count - len(members), slots - len(running))

    def new() -> str | None:
        if len(members) == count:
            return None
        name = str(len(members) + 1)
        members[name] = Simulated(begin(), loaded.space.sample(seed, len(members)))
        scheduling.add(name, members[name].config)
        return name

    while True:
        while len(running) < slots and (name := scheduling.choose() or new()):
            running.append(name)
        if not running:
            run.notes += scheduling.notes()
            return run
        name = order.choice(running)
        if members[name].iteration == iterations:
            scheduling.complete(name, {TIME: iterations}, error=False)
            running.remove(name)
        elif not _advance(run, scheduling, name, step, saves):
            running.remove(name)


def _advance(run: Run, scheduling: Scheduling, name: str, step: Step, saves: bool) -> bool:
    """One iteration of a member; whether it keeps its slot."""
    member, trial = run.members[name], scheduling.trials[name]
    member.weights, value = step(member.weights, member.config)
    member.iteration += 1
    member.values.append(value)
    if member.iteration % scheduling.scheduler.rule.interval:
        return True
    if saves:
        member.saved = member.iteration, member.weights
        trial.saved, trial.checkpointed = member.iteration, True
    before = trial.config
    if scheduling.result(name, {TIME: member.iteration, "loss": value}) != TrialScheduler.PAUSE:
        assert trial.donor is None
        return True
    scheduling.pause(name)
    run.pauses += 1
    if trial.donor is not None:
        donor, trial.donor = run.members[trial.donor.trial_id], None
        run.exploits.append(
            {
                "trial": name,
                "at": member.iteration,
                "donor_at": donor.saved[0],
                "donor_config": donor.config,
                "before": before,
                "config": trial.config,
            }
        )
        member.weights, member.config = donor.saved[1], trial.config
    return False
