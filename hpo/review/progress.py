"""A run's state, again and again → live progress on stderr: a display on a terminal, else a line a trial."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.errors import visible
from hpo.record.trials import RunState, TrialState
from hpo.review.cells import duration, metric_text
from hpo.review.logs import LogFollower, tail
from hpo.review.parameters import pairs, searched
from hpo.review.states import counts_text
from hpo.sweepfile.model import Sweep

REDRAW = 0.25
"""Seconds between two drawings at the least."""
TAILS = 3
"""So many different failures are shown with the end of their log."""
TAIL_LINES = 8


class LiveProgress:
    """Context in which `update` shows how a run goes.

    `count` is how many trials there will be, if known; with `verbose` what they print is shown too.
    """

    def __init__(self, directory: Path, count: int | None, sweep: Sweep, *, verbose: bool = False) -> None:
        self.directory = directory
        self.count = count
        self.budget = sweep.hpo.time_budget
        self.follower = LogFollower(directory) if verbose else None
        self.live: Live | None = None
        self._state = RunState()
        self._began = self._drawn = time.monotonic()
        self._ends = self._restarts = self._notes = 0
        self._failures: set[str] = set()
        self._best: int | None = None

    def __enter__(self) -> LiveProgress:
        self._began = time.monotonic()
        self._say(f"run directory: {self.directory}")
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        if console.is_terminal and not console.is_dumb_terminal:
            display = self.display(0.0, console.width)
            self.live = Live(display, console=console, auto_refresh=False, redirect_stdout=False)
            self.live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now = time.monotonic()
        self._draw(now)
        if self.live is not None:
            if error is None:  # the result comes below and says the rest
                self.live.update(self._bar(now - self._began, over=True))
            self.live.stop()
        elif self._state.trials:
            self._say(f"{counts_text(self._state.counts).plain} in {duration(now - self._began)}")

    def update(self, state: RunState, now: float | None = None) -> None:
        """Show the state (`now`: seconds of the monotonic clock); cheap if called too often."""
        now = time.monotonic() if now is None else now
        self._state = state
        if now - self._drawn >= REDRAW:
            self._draw(now)

    def display(self, elapsed: float, width: int) -> RenderableType:
        """What stands on a terminal of `width` columns after `elapsed` seconds."""
        return Group(
            self._bar(elapsed), counts_text(self._state.counts), *(Text(t) for t in self._best_lines(width))
        )

    def _draw(self, now: float) -> None:
        self._drawn = now
        state, elapsed = self._state, now - self._began
        for line in self.follower.lines(state) if self.follower else ():
            self._say(line)
        for text in dict.fromkeys(state.notes[self._notes :]):  # every node says it
            self._say(visible(text))
        self._notes = len(state.notes)
        for number, reason in state.restarts[self._restarts :]:
            self._say(f"trial {number} starts again: {visible(reason)}")
        self._restarts = len(state.restarts)
        ended = [state.trials[number] for number in dict.fromkeys(state.ended_trials[self._ends :])]
        ended = [trial for trial in ended if trial.state != "running"]  # else it starts again
        for later, trial in zip(reversed(range(len(ended))), ended, strict=True):
            self._ended(trial, self._done() - later, elapsed)
        self._ends = len(state.ended_trials)
        if self.live is not None:
            self.live.update(self.display(elapsed, self.live.console.width), refresh=True)

    def _say(self, line: str) -> None:
        """A line of talk that stays: above the display, or plain."""
        if self.live is not None:
            self.live.console.print(Text(line))
        else:
            print(line, file=sys.stderr, flush=True)

    def _ended(self, trial: TrialState, done: int, elapsed: float) -> None:
        if self.live is None:
            self._say(f"{duration(elapsed):>7}  {self._line(trial, done)}")
        elif trial.state == "failed":
            self._say(f"trial {trial.number} failed: {visible(trial.reason)}")
        if trial.state == "failed":
            self._show_log(trial)

    def _line(self, trial: TrialState, done: int) -> str:
        """A trial's end in one line: what came of it, and whether it is the best so far."""
        counted = f"{done}" if self.count is None else f"{done:>{len(str(self.count))}}/{self.count}"
        line = f"{counted}  trial {trial.number} {trial.state}"
        if trial.state == "failed":
            line += f": {visible(trial.reason)}"
        elif trial.value is not None:
            line += f"  {visible(self._state.metric or '')} {metric_text(trial.value)}"
        best = self._state.best
        if best is trial and self._best != trial.number:
            self._best = trial.number
            line += "  best so far"
        return line

    def _show_log(self, trial: TrialState) -> None:
        """The end of a failed trial's log, once for failures that differ in numbers only."""
        alike = re.sub(r"[\d.]+", "#", trial.reason)
        if alike in self._failures or len(self._failures) >= TAILS:
            return
        self._failures.add(alike)
        for line in tail(self.directory, trial.number, TAIL_LINES):
            self._say(f"    {line}")

    def _done(self) -> int:
        return len(self._state.trials) - self._state.counts["running"]

    def _bar(self, elapsed: float, over: bool = False) -> RenderableType:
        done, left = self._done(), self._left(elapsed)
        words = [f"{done}/{self.count}" if self.count else f"{done} done"]
        words.append(duration(elapsed) + (f" of {duration(self.budget)}" if self.budget else ""))
        if not self._state.trials:
            words.append("starting")
        elif left is not None and not over:
            words.append(f"~{duration(left)} left")
        row = Table.grid(padding=(0, 2), expand=True)
        row.add_column(ratio=1)
        for _ in words:
            row.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(1.0, self._fraction(elapsed)) if self.count or self.budget else Text("")
        row.add_row(bar, *words)
        return row

    def _fraction(self, elapsed: float) -> float:
        parts = [self._done() / self.count] if self.count else []
        parts += [elapsed / self.budget] if self.budget else []
        return min(1.0, max(parts, default=0.0))

    def _left(self, elapsed: float) -> float | None:
        """Seconds to the end at the pace so far, a running trial taken for half a trial; None: no telling."""
        left = [self.budget - elapsed] if self.budget else []
        if self.count and 0 < self._done() < self.count:
            equivalent = self._done() + self._state.counts["running"] / 2
            left.append(elapsed / equivalent * max(0.0, self.count - equivalent))
        return max(0.0, min(left)) if left else None

    def _best_lines(self, width: int) -> Iterator[str]:
        best = self._state.best
        if best is None:
            return
        mark = f", {best.state}" if best.state in ("failed", "running") else ""
        name = visible(self._state.metric or "")
        yield f"best {name} {metric_text(best.value)} (trial {best.number}{mark})"
        paths = searched(self._state.run.get("sweep") or {}, (t.config for t in self._state.trials.values()))
        yield from fitted(pairs(best.config, paths), width - 1)


def fitted(words: list[str], width: int, lines: int = 2) -> Iterator[str]:
    """Words on at most `lines` lines of `width` columns; what does not fit is counted at the end."""
    while words and lines:
        lines -= 1
        line = f"  {words[0]}"
        taken = 1
        for word in words[1:]:
            more = 0 if lines or taken + 1 == len(words) else len(f"  … {len(words)} more")
            if cell_len(line) + 2 + cell_len(word) + more > width:
                break
            line += f"  {word}"
            taken += 1
        words = words[taken:]
        rest = f"  … {len(words)} more" if words and not lines else ""
        cut = Text(line)
        cut.truncate(width - len(rest), overflow="ellipsis")
        yield cut.plain + rest
