"""One run in a folder of its own, disturbed once and resumed; what it came to, by the trials' own log."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.contenders import Contender, environment
from tests.faults.family import family, of_kind
from tests.faults.objective import LOG, STEPS, Attempt, Truth, read_truth

KINDS = {
    "driver, SIGKILL": ("driver", signal.SIGKILL),
    "driver, SIGTERM": ("driver", signal.SIGTERM),
    "driver, SIGINT": ("driver", signal.SIGINT),
    "an actor": ("actor", signal.SIGKILL),
    "a supervisor": ("supervisor", signal.SIGKILL),
    "the warm parent": ("parent", signal.SIGKILL),
    "a trial's script": ("trial", signal.SIGKILL),
    "raylet": ("raylet", signal.SIGKILL),
    "everything": ("all", signal.SIGKILL),
}
PATIENCE = 300.0
"""Seconds without any trial's beginning or end: whoever takes longer hangs."""
IDLE = 60.0
"""Seconds without any, after which a run costs nothing, so that another one may work beside it."""
LEAVING = 90.0
"""Seconds for all processes to leave: of a killed driver's Ray two agents first wait a minute for its GCS."""
ON_ITS_WAY = 0.5
"""Seconds from a trial's last words to the record of its end, at most: before that nobody can know of it; and
from a signal to where those see it who were connected with what it kills."""
TRIES = 3
"""Times that a resume is begun, if it fails; on a busy machine Ray does not always come up."""
APPEARING = 5.0
"""Seconds to wait for a process of the kind that is to be killed."""


@dataclass(frozen=True)
class Verdict:
    """What one run came to after its kill; by the trials' own log but for `begun`, `ended` and `failed`."""

    hit: int
    """Whether there was something to kill."""
    done: int
    """Trials that were over at the kill."""
    lost: int
    """Those of them that were run again, or are not finished in the tool's own record at the end."""
    twice: int
    """Trials that were run again after they were over, however late."""
    late: int
    """Trials run again that were in flight at the kill, and ended without anybody to record it."""
    extra: int
    """Configurations that were begun beyond the count."""
    begun: int
    ended: int
    failed: int
    hung: int
    orphans: int
    resumed: bool
    code: int
    seconds: float

    def exact(self, kind: str, count: int) -> bool:
        """Whether as many trials as asked for were run to their ends; one whose own process dies may fail."""
        broken = self.failed <= (kind in ("a trial's script", "an actor"))
        return not self.code and not self.extra and broken and self.begun == count == self.ended + self.failed


class NotBegun(Exception):
    """The run broke before the kill, which is thus no moment of the matrix; the message is what it said."""


@dataclass(frozen=True)
class Kill:
    """Unix time of the kill, whether the run had to be resumed, and what its own record had as finished."""

    at: float
    resumed: bool
    known: frozenset[float]

    def over(self, attempts: Sequence[Attempt]) -> Attempt | None:
        """The attempt with which a trial was first over; None if it never was.

        Before the kill every end counts, early ones too: a scheduler has stopped the trial. After it only
        those at the last step do: others may have been cut off.
        """
        ended = [one for one in attempts if one.steps >= STEPS or one.end <= self.at]
        return min(ended, key=lambda one: one.end, default=None)

    def in_flight(self, attempt: Attempt) -> bool:
        """Whether the tool may have died, or lost the attempt, before it could hear of its end."""
        cut = not attempt.resumed if self.resumed else attempt.begin <= self.at + ON_ITS_WAY
        return cut and attempt.end >= self.at - ON_ITS_WAY


def judged(
    truth: Truth, kill: Kill, after: dict[float, str], repeated: set[float], count: int
) -> dict[str, int]:
    """The figures of a verdict, from the trials' log and the tool's own record at the end."""
    over = {x: first for x, attempts in truth.items() if (first := kill.over(attempts))}
    done = kill.known | {x for x, first in over.items() if first.end < kill.at - ON_ITS_WAY}
    again = {x for x, first in over.items() if any(one.begin > first.end for one in truth[x])}
    late = {x for x in again - kill.known - repeated if kill.in_flight(over[x])}
    states = Counter(after.values())
    return {
        "done": len(done),
        "lost": sum(x in again or after.get(x) != "finished" for x in done),
        "twice": len((again | repeated) - late),
        "late": len(late),
        "extra": max(0, len(truth) - count),
        "begun": len(after),
        "ended": states["finished"],
        "failed": states["failed"],
    }


class Turn:
    """A place among those who are at work; `give` and `take` may be called again."""

    def __init__(self, places: threading.Semaphore) -> None:
        self._places, self._has = places, False

    def take(self) -> None:
        """Wait for a place."""
        self._has = self._has or self._places.acquire()

    def give(self) -> None:
        """Let somebody else work."""
        if self._has:
            self._has = False
            self._places.release()


class Case:
    """A study of one contender, in a folder that nobody else uses."""

    def __init__(self, contender: Contender, folder: Path, sweep: str, count: int, turn: Turn) -> None:
        self.contender, self.folder, self.sweep, self.count = contender, folder, sweep, count
        self.turn = turn
        self.hung, self.waited = 0, 0.0
        contender.prepare(folder, sweep, count)

    def disturb(self, kind: str, after: int, draw: random.Random) -> Verdict:
        """Kill once `after` trials have ended, and go on to the end; `orphans` are still to be counted."""
        began = time.monotonic()
        process = self._start(resumed=False)
        if self._follow(process, after):
            raise NotBegun(self.said())
        time.sleep(draw.random() * self.contender.pace)
        targets = self._targets(process, KINDS[kind][0], draw)
        states, killed = self.contender.recorded(self.folder), time.time()
        for pid in targets:
            with suppress(ProcessLookupError):
                os.kill(pid, KINDS[kind][1])
        code = self._follow(process)
        resumed = not self._over(code)
        if resumed:
            code = self._resume()
        known = frozenset(x for x, state in states.items() if state == "finished")
        figures = self._judged(Kill(killed, resumed, known))
        took = round(time.monotonic() - began - self.waited, 1)
        return Verdict(
            int(bool(targets)),
            **figures,
            hung=self.hung,
            orphans=0,
            resumed=resumed,
            code=code,
            seconds=took,
        )

    def _resume(self) -> int:
        for _ in range(TRIES):
            code = self._follow(self._start(resumed=True))
            if not code:
                break
        return code

    def _judged(self, kill: Kill) -> dict[str, int]:
        after, repeated = self.contender.recorded(self.folder), self.contender.repeated(self.folder)
        return judged(read_truth(self.folder), kill, after, repeated, self.count)

    def orphans(self) -> list[str]:
        """Command lines of the processes that do not leave; they are ended."""
        end = time.monotonic() + LEAVING
        while (left := family(self.folder)) and time.monotonic() < end:
            time.sleep(0.5)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return list(left.values())

    def said(self) -> str:
        """The last words of the commands."""
        return (self.folder / "said").read_text(errors="replace")[-1500:]

    def _start(self, resumed: bool) -> subprocess.Popen[bytes]:
        asked = time.monotonic()
        self.turn.take()
        self.waited += time.monotonic() - asked
        command = self.contender.command(self.sweep, self.count, resumed)
        with open(self.folder / "said", "ab") as said:
            env = environment(self.folder, resumed)
            return subprocess.Popen(command, cwd=self.folder, env=env, stdout=said, stderr=said)

    def _follow(self, process: subprocess.Popen[bytes], enough: int | None = None) -> int:
        """Wait for so many ended trials, or for the exit code; who does not get on is killed."""
        size, since = -1, time.monotonic()
        while process.poll() is None:
            log = self.folder / LOG
            found = log.stat().st_size if log.exists() else 0
            if found != size:
                size, since = found, time.monotonic()
                if enough is not None and _ended(self.folder) >= enough:
                    return 0
            if enough is None and time.monotonic() - since > IDLE:
                self.turn.give()
            if time.monotonic() - since > PATIENCE:
                self.hung += 1
                process.kill()
                return process.wait()
            time.sleep(0.02)
        return process.returncode

    def _targets(self, process: subprocess.Popen[bytes], kind: str, draw: random.Random) -> list[int]:
        if kind == "driver":
            return [process.pid]
        end = time.monotonic() + APPEARING
        found = of_kind(self.folder, kind, self.contender.names)
        while not found and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
            found = of_kind(self.folder, kind, self.contender.names)
        return found if kind == "all" or not found else [draw.choice(found)]

    def _over(self, code: int) -> bool:
        """Whether nothing is left to do; a driver may also end well in the middle, as on Ctrl-C."""
        states = Counter(self.contender.recorded(self.folder).values())
        return not code and states["finished"] + states["failed"] >= self.count


def _ended(folder: Path) -> int:
    """How many trials are over, at least once."""
    return sum(any(one.end < math.inf for one in attempts) for attempts in read_truth(folder).values())
