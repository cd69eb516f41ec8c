"""The searcher as the event loop sees it: asked for configurations, told results, never waited for."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from hpo.tune.history import Point, Worth
from hpo.tune.searchers import ModelSearcher, SpaceSearcher

IDLE = 0.02
"""Share of the time that slots may wait for suggestions before some are made ahead."""
MOST_AHEAD = 64
TURN = 0.1
"""Seconds of work to ask for at once: what is told meanwhile counts from the next turn on."""
TELLS = 64
"""So many values not passed on yet are worth a turn of their own."""
DEATHS = 3
"""The side process died so often without an answer: the searcher is asked here from then on."""

Tell = tuple[str, Worth | None, int | None]
"""A trial, its worth for the searcher, and the iteration that this is about; None: it has ended."""
Suggestion = tuple[Any, Point]
"""A configuration, and where it is on the searcher's axes."""


class Asking:
    """A searcher that answers at once; trials ask for configurations in the order of their numbers."""

    def __init__(self, searcher: SpaceSearcher) -> None:
        self.searcher = searcher
        self.notes = searcher.notes
        """What the record should know; whoever reads them takes them away."""
        self.knew: int | None = None
        """How many trials had ended for the newest suggestion, where it was made ahead; None: all."""

    def suggest(self, number: int) -> Any:
        """The configuration of trial `number`; None: none now, ask again; Searcher.FINISHED: no more."""
        return self.searcher.suggest(str(number))

    def result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A trial has a result."""
        self.searcher.on_trial_result(trial_id, result)

    def complete(self, trial_id: str, result: dict[str, Any] | None, *, error: bool) -> None:
        """A trial has ended for good."""
        self.searcher.on_trial_complete(trial_id, result, error=error)

    def pace(self, slots: int, seconds: float) -> None:
        """How many slots there are, and how long a trial lasts; 0: not known yet."""

    @property
    def refs(self) -> list[Any]:
        """Ray objects that are ready once it is worth asking again."""
        return []

    def close(self) -> SpaceSearcher:
        """End what runs beside; the searcher, knowing all that was asked and told."""
        return self.searcher


def asking(searcher: SpaceSearcher, first: int) -> Asking:
    """The way to ask a searcher whose next suggestion is for trial number `first`."""
    beside = searcher.costly and isinstance(searcher, ModelSearcher)
    return SideAsking(searcher, first) if beside else Asking(searcher)


class Adviser:
    """The actor beside the run: a copy of the searcher that makes the suggestions."""

    def __init__(self, searcher: ModelSearcher) -> None:
        self.searcher = searcher
        searcher.prepare()

    def turn(self, tells: list[Tell], ids: list[str]) -> tuple[list[Suggestion], float]:
        """Learn values, then make suggestions; also the seconds that one took."""
        for trial_id, value, step in tells:
            if step is None:
                self.searcher.learn(trial_id, value)
            elif value is not None and not isinstance(value, tuple):
                self.searcher.observe(trial_id, value, step)
        self.searcher.prepare()
        begin = time.monotonic()
        made = [(self.searcher.suggest(i), self.searcher.running[i]) for i in ids]
        return made, (time.monotonic() - begin) / max(1, len(ids))


class SideAsking(Asking):
    """A model-based searcher whose suggestions are made in a process beside, one turn of it at a time.

    The searcher here keeps the books and makes the random beginning, which needs no model; its copy beside
    is told the same and makes the rest. So nothing is lost when that process dies.

    How far ahead: suggestions on demand cost the slots `s*k` of every `T` seconds (s seconds for one, k
    slots, trials of T seconds). Above a fiftieth, min(k, 64) + 2 are kept ready, made with what was known
    then; below it none, so that each has the newest advice and a run with one slot is repeatable.
    """

    def __init__(self, searcher: ModelSearcher, first: int) -> None:
        super().__init__(searcher)
        self.searcher: ModelSearcher
        beginning = range(first, first + max(0, searcher.startup - searcher.suggested))
        self.ready = deque((searcher.suggest(str(number)), 0) for number in beginning)
        self.made = self.wanted = beginning.stop - 1
        """The newest number that there is a suggestion for, and that was asked for."""
        self.tells: list[Tell] = []
        self.slots, self.trial_seconds = 1, 0.0
        self.seconds: deque[float] = deque(maxlen=9)
        """What a suggestion took in the last turns."""
        self.actor: Any = None
        self.turn: Any = None
        self.asked: list[str] = []
        self.known = 0
        """How many ended trials the turn that is under way knows of."""
        self.deaths, self.waited_for = 0, False

    def suggest(self, number: int) -> Any:
        """The configuration of trial `number`, None where it is not ready yet."""
        self.wanted = max(self.wanted, number)
        if self.deaths >= DEATHS and not self.ready:
            self.made += 1
            self.knew = None
            return self.searcher.suggest(str(self.made))
        self._go_on()
        self.waited_for = not self.ready
        config, self.knew = self.ready.popleft() if self.ready else (None, None)
        return config

    def result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A trial has a result; a model that knows of iterations learns it beside too."""
        self.searcher.on_trial_result(trial_id, result)
        if self.actor is not None and (seen := self.searcher.observation(trial_id, result)):
            self.tells.append((trial_id, *seen))

    def complete(self, trial_id: str, result: dict[str, Any] | None, *, error: bool) -> None:
        """A trial has ended for good."""
        if trial_id not in self.searcher.running:
            return
        seen = self.searcher.observation(trial_id, result) if result and not error else None
        if self.actor is not None and seen:
            self.tells.append((trial_id, *seen))
        value = self.searcher.worth(trial_id, result, error)
        self.searcher.learn(trial_id, value)
        if self.actor is not None:
            self.tells.append((trial_id, value, None))

    def pace(self, slots: int, seconds: float) -> None:
        """How many slots there are, and how long a trial lasts; 0: not known yet."""
        self.slots, self.trial_seconds = slots, seconds

    @property
    def refs(self) -> list[Any]:
        """The turn that is under way; one that is over wakes the loop once, if `suggest` had to say none."""
        if self.waited_for:
            self.waited_for = False
        else:
            self._go_on()
        return [] if self.turn is None else [self.turn]

    def close(self) -> SpaceSearcher:
        """End the side process; suggestions of which no trial was made are withdrawn."""
        if self.actor is not None:
            ray.kill(self.actor)
        self.actor = self.turn = None
        while self.ready:
            self.ready.pop()
            self.searcher.withdraw(str(self.made))
            self.made -= 1
        return self.searcher

    def _go_on(self) -> None:
        """Take in what the side process has answered, and ask it for more."""
        if self.turn is not None and ray.wait([self.turn], timeout=0)[0]:
            self._answered()
        if self.turn is not None or self.deaths >= DEATHS:
            return
        if self.actor is None and len(self.ready) <= 2 * self.slots:
            self.actor = _beside(self.searcher)
        lacking = max(self.wanted - self.made, self._ahead() - len(self.ready))
        if self.actor is not None and (lacking > 0 or len(self.tells) >= TELLS):
            count = min(lacking, max(1, int(TURN / min(self.seconds, default=TURN))))
            self.asked = [str(self.made + 1 + i) for i in range(count)]
            self.turn = self.actor.turn.remote(self.tells, self.asked)
            self.tells, self.known = [], self.searcher.learned

    def _answered(self) -> None:
        turn, self.turn = self.turn, None
        try:
            suggestions, seconds = ray.get(turn)
        except RayTaskError:
            raise
        except RayError as error:  # the process died, not the search: all that it knew is known here
            self.deaths += 1
            self.actor, self.tells = None, []
            self.notes.append(f"the searcher's process died ({type(error).__name__}); the search goes on")
            return
        self.deaths = 0
        for trial_id, (config, point) in zip(self.asked, suggestions, strict=True):
            self.searcher.adopt(trial_id, point)
            self.ready.append((config, self.known))
            self.made = int(trial_id)
        if suggestions:
            self.seconds.append(seconds)

    def _ahead(self) -> int:
        """How many suggestions to keep ready; the first turn's time is no measure, it loads what it needs."""
        quick = len(self.seconds) < 2 or min(self.seconds) * self.slots <= IDLE * self.trial_seconds
        return 0 if quick else min(self.slots, MOST_AHEAD) + 2


def _beside(searcher: ModelSearcher) -> Any:
    """An actor with a copy of the searcher, on this machine and beside the CPUs of the trials."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    options = {"num_cpus": 0, "max_restarts": 0, "scheduling_strategy": here}
    return ray.remote(Adviser).options(**options).remote(searcher)
