"""Trials' log files → lines that are fit for a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from hpo.errors import visible
from hpo.record.metrics import trial_directory
from hpo.record.trials import RunState
from hpo.trial.files import LOG, named, newest

MOST_BYTES = 4096
"""Read from the end of a log, however long it is."""
MOST_AT_ONCE = 2**18
"""Bytes that are shown of a trial at a look: a flood must fill neither the terminal nor the memory."""


class LogFollower:
    """What running trials print, as it comes: `lines` gives what is new since the last call."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._read: dict[int, tuple[int, int]] = {}
        """The attempt of each trial whose log is read, and how many bytes of it have been."""
        self._ends = 0

    def lines(self, state: RunState) -> Iterator[str]:
        """New whole lines of trials that run or have just ended."""
        ended = state.ended_trials[self._ends :]
        self._ends = len(state.ended_trials)
        running = [number for number, trial in state.trials.items() if trial.state == "running"]
        for number in dict.fromkeys([*ended, *running]):
            newest_attempt = max(1, state.trials[number].attempts)
            for attempt in range(self._read.get(number, (1, 0))[0], newest_attempt + 1):
                over = number not in running or attempt < newest_attempt
                for line in self._new(number, attempt, over):
                    yield f"trial {number}: {line}"
            if number not in running:
                self._read.pop(number, None)

    def _new(self, number: int, attempt: int, over: bool) -> list[str]:
        before, read = self._read.get(number, (attempt, 0))
        read = read if before == attempt else 0
        try:
            with (trial_directory(self.run_dir, number) / named(LOG, attempt)).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                start = max(min(read, size), size - MOST_AT_ONCE)  # it is shorter where its middle was cut
                file.seek(start)
                data = file.read(MOST_AT_ONCE)
        except OSError:
            return []
        whole = data if over or len(data) == MOST_AT_ONCE else data[: data.rfind(b"\n") + 1]
        self._read[number] = attempt, start + len(whole)
        skipped = [f"({start - read:,} bytes are in its log only)"] if start > read else []
        return skipped + [
            _shown(line) for line in whole.decode(errors="replace").splitlines() if line.strip()
        ]


def _shown(line: str) -> str:
    return visible(Text.from_ansi(line.rsplit("\r", 1)[-1]).plain.expandtabs()).rstrip()


def tail(run_dir: Path, trial: int, lines: int) -> list[str]:
    """The last non-empty lines of a trial's log, without colours; [] if there is no log."""
    try:
        with open(newest(str(trial_directory(run_dir, trial)), LOG), "rb") as file:
            file.seek(-min(MOST_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in map(_shown, text.split("\n")) if line][-lines:]
