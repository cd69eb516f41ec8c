"""One event loop: ask the searcher, give trials to slots, feed the scheduler, write the record."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ray.tune.search import Searcher

from hpo.engine.blame import Blame
from hpo.engine.deciding import Deciding
from hpo.engine.ending import Ending
from hpo.engine.fleet import Fleet
from hpo.engine.ongoing import EarlyFailures, Ongoing, Outcome, Pace, Record
from hpo.engine.overlaps import Overlaps
from hpo.engine.unread import Unread
from hpo.trial.recipe import Recipe

TICK = 0.25
"""Seconds between looks at signals, budget and terminal when nothing happens."""
LOSSES = 3
"""A trial whose slot was lost so often is given up."""
PROGRESS = 10.0
"""Seconds between two heartbeats of a trial in the journal; decisions need none of them."""


@dataclass
class Controller:
    """Drives one run; `deciding` says what is to happen, `fleet` runs, `record` remembers.

    Every event that changes a state is on disk before the step that follows from it is taken. An event costs
    the same however many trials there are.
    """

    deciding: Deciding
    fleet: Fleet
    record: Record
    ending: Ending
    recipe: Recipe
    """How its trials are started."""
    progress: Callable[[], None] = lambda: None
    sound: Callable[[], None] = lambda: None
    """Raises HpoError where the run directory is gone: trials then fail through no fault of theirs."""
    started: int = 0
    exhausted: bool = False
    waiting: deque[Ongoing] = field(default_factory=deque)
    running: dict[int, Ongoing] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    early: EarlyFailures = field(default_factory=EarlyFailures)
    first: int = 1
    ended: list[tuple[Ongoing, dict[str, Any]]] = field(default_factory=list)
    """Trials that ended while nobody heard, and the events of that."""
    _said: set[str] = field(default_factory=set, init=False)
    """Notes of slots."""

    def __post_init__(self) -> None:
        self.limits = self.ending.limits
        self.unread = Unread(self.recipe)
        self.overlaps = Overlaps(self.recipe.cwd)
        self.blame = Blame(self.fleet, self.record, self.deciding, self._again)

    def run(self) -> Outcome:
        """Run until the limits are met or the run is ended; returns once no trial runs any more."""
        begin = time.monotonic()
        self.deciding.scheduling.outlook = self._outlook
        for trial, end in self.ended:
            self.running[trial.number] = trial
            self._handle(end)
        while True:
            self.ending.look_up(time.monotonic() - begin)
            if self.ending.at_once:
                self._stop_all()
            self._fill()
            over = not self.running and self._over()
            if not self.running and self.blame.idle(over=over):
                continue
            if over:
                self._give_up_paused()
                self.ending.by(self.early.verdict(several=False))
                self._say(self.unread.over())
                return self.ending.outcome or Outcome("complete")
            for event in self.fleet.events(TICK, self.deciding.asking.refs):
                self._handle(event)
            self._notes()
            self.record.commit()
            self.deciding.pausing.checkpoints.sweep()
            self.progress()

    def _over(self) -> bool:
        """Whether no trial will begin any more; paused ones are asked for once a slot is up."""
        asked = bool(self._open(0)) or not self.deciding.pausing.paused
        more = bool(self.waiting) or not asked or not (self.exhausted or self._full())
        return bool(self.ending) or not more

    def _outlook(self) -> tuple[int, int]:
        """How many trials have yet to begin (0 where nobody knows), and how many slots are free."""
        left = 0 if self.exhausted or self.limits.count is None else self.limits.count - self.started
        seats = [seat for seat in self.fleet.seats.values() if seat.place not in self.fleet.aside]
        return left + len(self.waiting), sum(not seat.trials for seat in seats)

    def _full(self) -> bool:
        count = self.limits.count
        return count is not None and self.started >= count

    def _stop_all(self) -> None:
        for trial in self.running.values():
            if not trial.stopping:
                trial.stopping = True
                self.fleet.stop(trial.slot, trial.number, "interrupted")

    def _open(self, depth: int) -> list[int]:
        return [slot for slot in self.fleet.open(depth) if not self.blame.rests(slot)]

    def _fill(self) -> None:
        """Give every slot that is open a trial while there are some, and short ones ahead."""
        if self.ending:
            return
        left = None if self.limits.count is None else self.limits.count - self.started
        depth = 0 if self.early.only_failures else self.pace.depth(left, len(self.fleet.seats))
        launches: dict[int, list[Ongoing]] = {slot: [] for slot in self._open(depth)}
        for level in range(depth + 1):
            for slot, trials in launches.items():
                if len(self.fleet.seats[slot].trials) + len(trials) > level:
                    continue
                trial = self._next()
                if trial is None:
                    self._launch(launches)
                    return
                trials.append(trial)
        self._launch(launches)

    def _launch(self, launches: dict[int, list[Ongoing]]) -> None:
        launches = {slot: trials for slot, trials in launches.items() if trials}
        for slot, trials in launches.items():
            node = self.fleet.seats[slot].node
            for trial in trials:
                trial.slot, trial.stopping, trial.since = slot, False, time.monotonic()
                self.running[trial.number] = trial
                self.blame.began(trial)
                at = trial.resume.iterations if trial.resume else 0
                self._event("start", trial, attempt=trial.attempt, slot=slot, node=node, iteration=at)
        if launches:
            self.record.commit()
        for slot, trials in launches.items():
            self.fleet.start(slot, [(t.number, t.attempt, t.config, t.resume) for t in trials])

    def _next(self) -> Ongoing | None:
        """The trial to start now: one that starts again or goes on, else a new one; None where none is."""
        if not self.waiting and (paused := self.deciding.pausing.take()):
            return paused
        fresh = self.waiting.popleft() if self.waiting else self._ask()
        if fresh is not None:
            self.deciding.begin(fresh)
        return fresh

    def _ask(self) -> Ongoing | None:
        """A new trial from the searcher, None where there is none now."""
        if self.exhausted or self._full():
            return None
        number = self.first + self.started
        config = self.deciding.asking.suggest(number)
        if config == Searcher.FINISHED:
            self.exhausted = True
            return None
        if config is None:
            return None
        self.started += 1
        trial = Ongoing(number, config)
        knew = self.deciding.asking.knew
        self._event("trial", trial, config=config, **({} if knew is None else {"knew": knew}))
        return trial

    def _event(self, kind: str, trial: Ongoing, /, **values: Any) -> None:
        self.record.append({"event": kind, "trial": trial.number, **values})

    def _say(self, text: str) -> None:
        if text:
            self.record.append({"event": "note", "text": text})

    def _notes(self) -> None:
        """What the side process of the searcher has to say, and the scheduler."""
        while self.deciding.asking.notes:
            self._say(self.deciding.asking.notes.pop(0))
        for text in self.deciding.scheduling.notes():
            self._say(text)

    def _handle(self, event: dict[str, Any]) -> None:
        if event["event"] in ("note", "slots"):
            if (text := event.get("text", "")) not in self._said:  # every slot says it
                self._said |= {text} - {""}
                self.record.append(event)
            return
        trial = self.running[event["trial"]]
        match event["event"]:
            case "result":
                self._result(trial, event)
            case "checkpoint":
                self._checkpoint(trial, event)
            case "writes":
                self._say(self.overlaps.wrote(trial.number, event["began"], event["paths"]))
            case "unwritten":
                self._unwritten(event["reason"])
            case "end":
                del self.running[trial.number]
                self.overlaps.ended(trial.number, (event["began"] or 0.0) + event["seconds"])
                end = {k: v for k, v in event.items() if k not in ("event", "trial")}
                is_pause = self.deciding.pausing.is_pause(trial, end)
                self._pause(trial, end) if is_pause else self._end(trial, end)
                if end["state"] != "interrupted":
                    failed = end["state"] == "failed" and not is_pause
                    self.blame.ended(trial, end["reason"] if failed else None)
            case "lost":
                del self.running[trial.number]
                self._lost(trial, event["reason"])
                self.blame.ended(trial, event["reason"])
        for name in self.deciding.scheduling.doomed():
            if int(name) in self.running:  # a paused one is given up when nothing else is left
                self._stop(self.running[int(name)])

    def _stop(self, trial: Ongoing, state: str = "stopped") -> None:
        if not trial.stopping:
            trial.stopping = True
            self.record.commit()
            self.fleet.stop(trial.slot, trial.number, state)

    def _result(self, trial: Ongoing, event: dict[str, Any]) -> None:
        """A value of the objective. A heartbeat is only shown: no decision needs it (design §4.5)."""
        now, undecided = time.monotonic(), bool(event.get("beat") or trial.stopping)
        if event.get("beat") and now - trial.noted < PROGRESS:
            self.record.show(event)
        else:
            trial.noted = now
            kept = {key: event[key] for key in ("iteration", "value", "best", "mean", "rows")}
            told = {"beat": True} if undecided else {"seconds": now - trial.since}
            self._event("result", trial, **kept, **told)
        if trial.stopping:
            return
        if not undecided and (state := self.deciding.result(trial, event, now - trial.since)):
            self._stop(trial, state)
        self._check_target(event["best"])

    def _checkpoint(self, trial: Ongoing, event: dict[str, Any]) -> None:
        """A trial has saved its state."""
        made = {key: event[key] for key in ("name", "iteration", "rows")}
        self._event("checkpoint", trial, **made)
        trial.losses = 0  # what it lost its slot for before was not in vain
        self.deciding.pausing.saved(trial, **made)

    def _unwritten(self, reason: str) -> None:
        """A trial's files cannot be written: none can run until there is room."""
        remedy = "free some space, then `hpo resume` goes on"
        self.ending.by(Outcome("unwritable", f"{reason}; {remedy}"), at_once=True)

    def _pause(self, trial: Ongoing, end: dict[str, Any]) -> None:
        """A trial's process was ended on the scheduler's word; it goes on later, or never."""
        kept = ("iterations", "seconds", "value", "last", "rows", "values")
        self._event("pause", trial, **{key: end[key] for key in kept if end.get(key) is not None})
        self._exploit(trial)
        self.early.add("paused", "")
        self.deciding.pausing.add(trial, end)

    def _exploit(self, trial: Ongoing) -> None:
        """A trial is to go on as a clone: from here on that holds, whatever happens to it."""
        clone, trial.clone = trial.clone, None
        if clone is not None:
            self._event("exploit", trial, config=trial.config, **vars(clone))

    def _give_up_paused(self) -> None:
        """Nothing runs any more and no paused trial is good enough to go on: they are stopped."""
        for trial, end in self.deciding.pausing.give_up() if not self.ending else ():
            self._end(trial, end | {"state": "stopped", "seconds": 0.0})

    def _check_target(self, value: Any) -> None:
        if self.deciding.reaches(value):
            self.ending.by(self.deciding.success)

    def _end(self, trial: Ongoing, end: dict[str, Any], *, retry: bool = True) -> None:
        """A trial's process has ended: record it, then tell searcher and scheduler, unless it may `retry`."""
        tail = end.pop("log_tail", [])
        self._say(self.unread.ended(trial.number, trial.config, end))
        end.pop("unread", None)
        if self.ending.at_once and end["kind"] == "signal":
            end |= {"state": "interrupted", "kind": ""}  # a batch system signals the trial as well as us
        failed = end["state"] == "failed"
        if failed:
            self.sound()
        spared = failed and self.blame.spares(trial)
        if failed and not spared:
            self.blame.failed(trial)
        again = failed and retry and trial.failures <= self.limits.max_failures and not self.ending
        held = failed and not (spared or again) and self.blame.holds(trial)
        flags = {name: True for name, on in (("spared", spared), ("held", held)) if on}
        self._event("end", trial, attempt=trial.attempt, **end, **flags)
        self.pace.add(end.get("seconds", 0.0))
        self.deciding.asking.pace(len(self.fleet.seats), self.pace.seconds or 0.0)
        if spared or again:
            self._again(trial, f"failed: {end['reason']}")
        elif held:
            self.blame.held[trial.number] = trial, end
        else:
            self.deciding.end(trial, end)
            self._check_target(end.get("value") if end["state"] in ("finished", "stopped") else None)
        if self.early.only_failures and not (spared or again):
            self.early.add(end["state"], end["reason"], trial.place, tail)
            verdict = self.early.verdict(several=self.blame.several(trial))
            self.ending.by(verdict if not self.ending else None, at_once=True)

    def _again(self, trial: Ongoing, reason: str) -> None:
        self._event("requeue", trial, reason=reason)
        self.deciding.again(trial)
        self.waiting.append(trial)

    def _lost(self, trial: Ongoing, reason: str) -> None:
        """The slot died, not the trial: it starts again and the attempt does not count."""
        trial.losses, trial.pausing = trial.losses + 1, 0
        self._exploit(trial)
        if not self.ending.at_once and trial.losses < LOSSES:
            self._again(trial, reason)
            return
        state = "interrupted" if self.ending.at_once else "failed"
        unknown = {"value": None, "last": None, "iterations": 0}
        self._end(trial, {"state": state, "kind": "lost", "reason": reason, **unknown}, retry=False)
