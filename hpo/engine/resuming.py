"""A run's journal → searcher, scheduler and trials as they were when it was cut off."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.engine.asking import Asking
from hpo.engine.deciding import Deciding
from hpo.engine.ongoing import ALIKE, EarlyFailures, Ongoing
from hpo.engine.unheard import Heard, unheard
from hpo.trial.recipe import Recipe
from hpo.tune.searchers import ModelSearcher, SpaceSearcher

Event = Mapping[str, Any]
Append = Callable[[dict[str, Any]], None]
CUT = "the run ended before it did"


class Retelling(Asking):
    """A searcher that is given the suggestions which it made once, knowing what it knew then."""

    def __init__(self, searcher: SpaceSearcher) -> None:
        super().__init__(searcher)
        self._untold: deque[tuple[str, dict[str, Any] | None, bool]] = deque()

    def resumed(self, number: int, config: dict[str, Any], knew: int | None) -> None:
        """Suggestion `number` was this one, made when `knew` trials had ended; None: all that have."""
        self.tell(knew)
        self.searcher.resumed(str(number), config)

    def complete(self, trial_id: str, result: dict[str, Any] | None, *, error: bool) -> None:
        """A trial has ended; the searcher may have made more suggestions before it knew."""
        self._untold.append((trial_id, result, error))

    def tell(self, until: int | None = None) -> None:
        """Let the searcher know of what has ended, `until` so many are known."""
        while self._untold and (until is None or self._known < until):
            trial_id, result, error = self._untold.popleft()
            self.searcher.on_trial_complete(trial_id, result, error=error)

    @property
    def _known(self) -> int:
        return self.searcher.learned if isinstance(self.searcher, ModelSearcher) else 0


@dataclass
class Resumption:
    """Tells `deciding`, which is fresh, all that a journal holds.

    Its decisions come out as they did, so they need not be recorded. One that was made and not carried out
    is carried out by `settle`. Trials that ran when the run was cut off are neither ended nor begun anew for
    searcher and scheduler, as long as they have a checkpoint to go on from.
    """

    deciding: Deciding
    again: Collection[int] = ()
    """Failed trials that are to be tried again, although their failure was for good."""
    recipe: Recipe | None = None
    """How the trials were made, to read what nobody heard of them; None: nothing is read."""
    ended: list[tuple[Ongoing, dict[str, Any]]] = field(default_factory=list)
    """Trials that ended while nobody heard, and the events of that."""
    started: int = 0
    reached: bool = False
    early: EarlyFailures = field(default_factory=EarlyFailures)
    _open: dict[int, Ongoing] = field(default_factory=dict)
    _running: set[int] = field(default_factory=set)
    _values: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What is known of a running trial: its newest value, its best, its iterations."""
    _saved: dict[int, int] = field(default_factory=dict)
    """Rows of a running trial's newest checkpoint."""
    _verdicts: dict[int, str] = field(default_factory=dict)
    _since: dict[int, float] = field(default_factory=dict)
    _held: dict[int, Event] = field(default_factory=dict)
    """Failures of which nobody knew yet whose fault they were: such a trial counts as interrupted."""
    _slots: int = 0
    _count: int | None = None

    def tell(self, events: Sequence[Event]) -> None:
        """Go through the events of a run, in order."""
        self.deciding.scheduling.outlook = self._outlook
        requeued = {event["trial"]: at for at, event in enumerate(events) if event["event"] == "requeue"}
        for at, event in enumerate(events):
            match event["event"]:
                case "run":
                    self._slots, self._count = event.get("slots") or 1, event.get("count")
                case "slots":
                    self._slots = event["slots"]
                case "trial":
                    self._suggested(event)
                case "start":
                    self._started(event)
                case "end":
                    self._ended(event, for_good=at > requeued.get(event["trial"], -1))
                case "settled":
                    self._settled(event["trials"])
                case "aside" | "back" as kind:
                    self._judged(event, -1 if kind == "aside" else 1)
                case _ if "trial" in event:
                    self._happened(self._open[event["trial"]], event)
            self._doom()
        self._telling.tell()
        self.deciding.scheduling.notes()
        if self.early.reasons and len(self.early.reasons) >= ALIKE:
            self.early = EarlyFailures()  # the run ended for it; now it gets another chance

    def _happened(self, trial: Ongoing, event: Event) -> None:
        match event["event"]:
            case "result":
                self._result(trial, event)
            case "checkpoint":
                self._checkpoint(trial, event)
            case "pause":
                self._pause(trial, event)
            case "exploit":
                self._exploit(trial, event)
            case "requeue":
                self._requeue(trial)

    def settle(self, append: Append) -> deque[Ongoing]:
        """Carry out what was decided, `append` events of it, and return the trials to begin with."""
        waiting: deque[Ongoing] = deque()
        self.deciding.pausing.checkpoints.settle(self._open)
        for number, trial in sorted(self._open.items()):
            if number in self._running and (end := self._catch_up(trial, append)):
                self.ended.append((trial, end))
                continue
            verdict = self._verdicts.get(number)
            self._drop_lost_checkpoint(trial)
            if number in self.deciding.pausing.paused:
                self._go_on_as_clone(trial, append)
            elif number in self._running and verdict == "stopped":
                self._stop(trial, append)
            elif number in self._running and verdict == "paused" and trial.checkpoint:
                self._pause_now(trial, append)
            else:
                self._wait(trial, append)
                waiting.append(trial)
        self._telling.tell()
        return waiting

    def _catch_up(self, trial: Ongoing, append: Append) -> dict[str, Any] | None:
        """What a trial did while nobody heard, told and kept; the event of its end if it has ended."""
        if self.recipe is None:
            return None
        rows = self._values.get(trial.number, {}).get("rows", 0)
        saved = self._saved.get(trial.number, 0)
        heard = Heard(trial.attempt, trial.config, trial.resume, rows, saved)
        found = unheard(self.recipe, trial.number, heard)
        for event in found.events:
            append(event)
            self._happened(trial, event)
        self._doom()
        return found.end

    @property
    def _telling(self) -> Retelling:
        assert isinstance(self.deciding.asking, Retelling)
        return self.deciding.asking

    def _outlook(self) -> tuple[int, int]:
        left = 0 if self._count is None else max(0, self._count - self.started)
        waiting = len(self._open) - len(self._running) - len(self.deciding.pausing.paused) - len(self._held)
        return left + waiting, max(0, self._slots - len(self._running))

    def _suggested(self, event: Event) -> None:
        self.started += 1
        number = event["trial"]
        trial = self._open[number] = Ongoing(number, dict(event["config"]))
        self._telling.resumed(number, trial.config, event.get("knew"))

    def _started(self, event: Event) -> None:
        number = event["trial"]
        trial = self._open[number]
        if number in self.deciding.pausing.paused:
            self.deciding.pausing.take(number)
        else:
            self.deciding.begin(trial)
        trial.attempt, trial.stopping = event["attempt"], False
        self._running.add(number)
        for known in (self._held, self._verdicts, self._values, self._saved):
            known.pop(number, None)
        self._since[number] = event["time"]

    def _result(self, trial: Ongoing, event: Event) -> None:
        self._values[trial.number] = {
            "value": event["best"],
            "last": event["value"],
            "iterations": event["iteration"],
            "rows": event.get("rows", 0),
        }
        self.reached = self.reached or self.deciding.reaches(event["best"])
        if event.get("beat") or trial.stopping:
            return
        seconds = event.get("seconds", event["time"] - self._since[trial.number])
        state = self.deciding.result(trial, event, seconds)
        if state:
            trial.stopping, self._verdicts[trial.number] = True, state

    def _doom(self) -> None:
        for name in map(int, self.deciding.scheduling.doomed()):
            if name in self._running and not self._open[name].stopping:
                self._open[name].stopping, self._verdicts[name] = True, "stopped"

    def _checkpoint(self, trial: Ongoing, event: Event) -> None:
        made = {key: event[key] for key in ("name", "iteration", "rows")}
        self._saved[trial.number] = event["rows"]
        self.deciding.pausing.saved(trial, **made)

    def _pause(self, trial: Ongoing, event: Event) -> None:
        self._running.discard(trial.number)
        trial.pausing = 0  # what it is to go on as is told by the next event, or by `settle`
        self.early.add("paused", "")
        end = {"state": "paused", "kind": "", "reason": "", "value": None, "last": None}
        known = {key: event[key] for key in event if key not in ("event", "trial", "time")}
        self.deciding.pausing.add(trial, end | known)

    def _exploit(self, trial: Ongoing, event: Event) -> None:
        trial.config, trial.clone = dict(event["config"]), None

    def _requeue(self, trial: Ongoing) -> None:
        self._running.discard(trial.number)
        self.deciding.pausing.paused.pop(trial.number, None)
        if trial.id in self.deciding.scheduling.trials:
            self.deciding.again(trial)

    def _ended(self, event: Event, *, for_good: bool) -> None:
        number, state = event["trial"], event["state"]
        trial = self._open[number]
        self._running.discard(number)
        trial.failures += state == "failed" and not event.get("spared")
        if state == "interrupted" or not for_good:
            return
        if number in self.again:
            self._verdicts[number] = "again"
            return
        self.early.add(state, event.get("reason", ""))
        if event.get("held"):
            self._held[number] = event
            return
        self.deciding.pausing.paused.pop(number, None)
        self.deciding.end(trial, event)
        good = state in ("finished", "stopped")
        self.reached = self.reached or (good and self.deciding.reaches(event.get("value")))
        del self._open[number]

    def _settled(self, numbers: Sequence[int]) -> None:
        """These failures were the trials' own."""
        for number in numbers:
            if event := self._held.pop(number, None):
                self.deciding.end(self._open.pop(number), event)

    def _judged(self, event: Event, sign: int) -> None:
        """A node was set aside, or is used again; what it had cost does not count."""
        self._slots += sign * event["slots"]
        for number in event.get("trials", ()):
            if number in self._open:
                self._open[number].failures -= 1

    def _drop_lost_checkpoint(self, trial: Ongoing) -> None:
        """A trial whose checkpoint somebody has removed is no longer paused: it begins anew."""
        if trial.checkpoint and not Path(trial.checkpoint.checkpoint).is_dir():
            trial.checkpoint = None
            self.deciding.pausing.paused.pop(trial.number, None)

    def _stop(self, trial: Ongoing, append: Append) -> None:
        """The scheduler had stopped it when the run was cut off."""
        end = {"state": "stopped", "kind": "", "reason": "", **self._values[trial.number]}
        append({"event": "end", "trial": trial.number, "attempt": trial.attempt, **end})
        self.deciding.end(trial, end)
        del self._open[trial.number]

    def _pause_now(self, trial: Ongoing, append: Append) -> None:
        """The scheduler had told it to pause: what it did since then does not count."""
        trial.pausing, known = 0, self._values[trial.number]
        append({"event": "pause", "trial": trial.number, "seconds": 0.0, **known})
        self._go_on_as_clone(trial, append)
        self.deciding.pausing.add(trial, {"state": "paused", "kind": "", "reason": "", **known})

    def _go_on_as_clone(self, trial: Ongoing, append: Append) -> None:
        clone, trial.clone = trial.clone, None
        if clone is not None:
            append({"event": "exploit", "trial": trial.number, "config": trial.config, **vars(clone)})

    def _wait(self, trial: Ongoing, append: Append) -> None:
        """It goes on where it was, or begins anew."""
        trial.stopping, trial.pausing = False, 0
        again = self._verdicts.get(trial.number) == "again"
        begun = trial.id in self.deciding.scheduling.trials
        if again or (begun and trial.checkpoint is None):
            append({"event": "requeue", "trial": trial.number, "reason": "asked for" if again else CUT})
            self.deciding.again(trial)
