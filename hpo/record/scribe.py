"""RUN's journal and rows → RUN/tensorboard: followed while the run goes on, or made anew afterwards.

`python -m hpo.record.scribe RUN` is started by the run's driver and follows it until its standard input ends.
A process of its own, of low priority: trials and driver have nothing to do for TensorBoard, and whatever
becomes of it costs a run nothing. Live, resumed and rebuilt directories are made by the same steps.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from hpo.errors import UserError
from hpo.record.journal import JOURNAL, iterate_journal
from hpo.record.layout import layout_of
from hpo.record.sweep_log import SweepLog
from hpo.record.tensorboard import Layout, TrialLog, discard, ended_for_good
from hpo.record.trial import TrialState
from hpo.record.trials import RunState
from hpo.trial.lines import unpack
from hpo.trial.media import LOGS, MEDIA, name_of

DONE = "ended.txt"
"""Lists the trials in it whose end is written, each with its attempt: nothing of them is told again."""
LOOK = 1.0
"""Seconds between two looks at what is new."""
SELDOM = 20.0
"""Seconds between two looks at what takes a pass over all trials."""
POINTS = 500
"""So many points of progress a run has that is told at once."""
NICE = 10


class Scribe:
    """Keeps a log directory in line with a run's events."""

    def __init__(self, run_dir: Path, root: Path) -> None:
        self.run_dir, self.root = run_dir, root
        self.state = RunState(keep_results=True)
        self.layout: Layout | None = None
        self.sweep: SweepLog | None = None
        self.logs: dict[int, TrialLog] = {}
        self.done = told_of(root)
        """Number and attempt of each trial whose end is written."""
        self._touched: set[int] = set()
        self._held: set[int] = set()
        self._seldom = 0.0

    def take(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in events, and note how far the run is."""
        for event in events:
            self.state.apply(event)
            self._note(event)
        if self.layout is None and self.state.run:
            self.layout = layout_of(self.root, self.run_dir, self.state)
            self.state.keep_results = self.layout.mutated is not None
            self.sweep = SweepLog(self.layout)
        if self.sweep is not None:
            self.sweep.point(self.state)

    def _note(self, event: Mapping[str, Any]) -> None:
        number = event.get("trial")
        if isinstance(number, int):
            self._touched.add(number)
            (self._held.add if event.get("held") else self._held.discard)(number)
        elif event.get("event") == "settled":
            self._held.difference_update(event.get("trials") or ())
            self._touched.update(event.get("trials") or ())
        elif event.get("event") == "done":
            self._touched.update(self.logs)

    def write(self, *, final: bool = False) -> None:
        """Write what is new of all trials; all that can be told where it is `final`. Raises OSError."""
        layout, sweep = self.layout, self.sweep
        if layout is None or sweep is None:
            return
        before = len(self.done)
        for number in sorted(self._touched):
            layout.columns = layout.columns.with_config(self.state.trials[number].config)
        if not final and not sweep.versions():  # what is known before anything is logged
            sweep.columns(self.state)
        for number in sorted(self._touched | set(self.logs)):
            self._write_trial(layout, self.state.trials[number])
        self._touched.clear()
        if len(self.done) != before or (final and not (self.root / DONE).exists()):
            self._note_done()
        layout.columns = layout.columns.with_metrics(_logged(layout))
        now = time.monotonic()
        if final or now >= self._seldom:
            self._seldom = now + (SELDOM if layout.seen else LOOK)
            sweep.lineage(self.state, clean=final)
            sweep.texts(self.state)
            sweep.columns(self.state)
        sweep.flush()

    def _write_trial(self, layout: Layout, trial: TrialState) -> None:
        over = ended_for_good(trial) and trial.number not in self._held
        if trial.started is None or (over and self.done.get(trial.number) == trial.attempts):
            return
        if trial.number in self.done:  # it had ended, and was begun once more
            discard(layout.root / name_of(trial.number))
            del self.done[trial.number]
            self._note_done()
        log = self.logs.get(trial.number) or TrialLog(layout, trial.number)
        self.logs[trial.number] = log
        log.sync(trial, self.state.trials, over=over)
        if over:
            del self.logs[trial.number]
            self.done[trial.number] = trial.attempts

    def _note_done(self) -> None:
        part = self.root / f"{DONE}.part"
        part.write_text("".join(f"{number} {attempt}\n" for number, attempt in sorted(self.done.items())))
        part.replace(self.root / DONE)

    def close(self) -> None:
        """Let go of all files."""
        for log in self.logs.values():
            log.close()
        if self.sweep is not None:
            self.sweep.close()


def told_of(root: Path) -> dict[int, int]:
    """The trials whose end a log directory tells: number → attempt."""
    try:
        words = (root / DONE).read_text(encoding="utf-8").split()
        return dict(zip(map(int, words[::2]), map(int, words[1::2]), strict=True))
    except (OSError, ValueError):
        return {}


def _logged(layout: Layout) -> list[str]:
    """Names of the columns for what scripts log besides the objectives."""
    prefix = "" if layout.mutated is None else "segment/"
    return [prefix + name for name in layout.seen if name != layout.metric]


def follow(run_dir: Path, over: Callable[[float], bool]) -> None:
    """Write a run's log directory until its driver is gone; `over` waits, and says whether it is.

    Raises OSError where the directory cannot be written.
    """
    scribe = Scribe(run_dir, run_dir / LOGS)
    file = (run_dir / JOURNAL).open("rb")
    ended, wait = False, 0.0
    with file:
        while not ended:
            ended = over(wait)  # asked before reading: what is in the journal by then is read
            for events in _chunks(_news(file)):
                scribe.take(events)
            run_dir.stat()  # one that has vanished stays away
            scribe.write(final=ended)
            wait = LOOK
    scribe.close()


def rebuild(run_dir: Path, target: Path | None = None) -> Path:
    """Make a run's log directory anew from its record, or one elsewhere; it is there at once, and whole.

    Raises:
        UserError: There is no run, or its directory cannot be written.
    """
    events = list(iterate_journal(run_dir))
    root = target or run_dir / LOGS
    try:
        part = root.with_name(f".{LOGS}-{uuid4().hex}")
        part.mkdir()
        try:
            scribe = Scribe(run_dir, part)
            for chunk in _chunks(events):
                scribe.take(chunk)
            scribe.write(final=True)
            scribe.close()
            _keep_media(root, part)
            old = part.with_name(f"{part.name}-old")
            if root.exists():
                root.rename(old)
            part.rename(root)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write {error.filename or root}: {error.strerror}") from error
    return root


def _keep_media(old: Path, new: Path) -> None:
    """Pictures and histograms are nowhere else: they move."""
    for path in old.glob(f"t*/{MEDIA}"):
        place = new / path.parent.name
        place.mkdir(exist_ok=True)
        path.rename(place / path.name)


def _news(file: Any) -> list[dict[str, Any]]:
    """Events that were added, as far as they are whole."""
    events, at = [], file.tell()
    for line in file:
        if not line.endswith(b"\n"):
            break
        at += len(line)
        if (event := unpack(line)) is not None:
            events.append(event)
    file.seek(at)
    return events


def _chunks(events: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    size = max(1, len(events) // POINTS)
    return (events[begin : begin + size] for begin in range(0, len(events), size)) if events else [[]]


def main() -> int:
    """Follow the run that argv names, until standard input ends."""
    os.nice(NICE)

    def over(seconds: float) -> bool:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return bool(ready) and not os.read(sys.stdin.fileno(), 1)

    try:
        follow(Path(sys.argv[1]), over)
    except OSError as error:
        print(f"{error.filename or sys.argv[1]}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
