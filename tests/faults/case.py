"""One run in a folder of its own, disturbed and resumed; what it came to, by the trials' own log."""

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
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.contenders import Contender, environment
from tests.faults.family import family, of_kind
from tests.faults.judging import Kill, judged
from tests.faults.objective import LOG, read_truth

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
DRIVEN = {"driver", "raylet", "all"}
"""Targets without which a driver does not go on."""
PATIENCE = 300.0
"""Seconds without any trial's beginning or end: whoever takes longer hangs."""
IDLE = 60.0
"""Seconds without any, after which a run costs nothing, so that another one may work beside it."""
LEAVING = 90.0
"""Seconds for all processes to leave: of a killed driver's Ray two agents first wait a minute for its GCS."""
TRIES = 3
"""Times that a resume is begun, if it fails; on a busy machine Ray does not always come up."""
APPEARING = 5.0
"""Seconds to wait for a process of the kind that is to be killed."""


@dataclass(frozen=True)
class Verdict:
    """What one run came to after its kills; by the trials' own log but for `begun`, `ended` and `failed`."""

    hit: int
    """How often there was something to kill."""
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

    def disturb(self, kinds: Sequence[tuple[str, int]], draw: random.Random) -> Verdict:
        """Kill one after the other, and go on to the end; `orphans` are still to be counted.

        Each kill waits until so many trials more have ended; a run that it ends is resumed before the next.
        """
        began = time.monotonic()
        process, part, hits = self._start(0), 0, 0
        kills: list[Kill] = []
        for place, (kind, more) in enumerate(kinds):
            process = self._reach(process, part, _ended(self.folder) + more)
            hits += self._kill(process, kind, draw, part, kills)
            if KINDS[kind][0] in DRIVEN and place + 1 < len(kinds):
                self._follow(process)
                kills[-1] = replace(kills[-1], resumed=True)
                part += 1
                process = self._start(part)
        code = self._follow(process)
        if resumed := not self._over(code):
            kills[-1] = replace(kills[-1], resumed=True)
            code = self._resume(part + 1)
        figures = self._judged(kills)
        took = round(time.monotonic() - began - self.waited, 1)
        return Verdict(
            hits,
            **figures,
            hung=self.hung,
            orphans=0,
            resumed=resumed or part > 0,
            code=code,
            seconds=took,
        )

    def _reach(self, process: subprocess.Popen[bytes], part: int, enough: int) -> subprocess.Popen[bytes]:
        """The process of this part, once so many trials have ended."""
        for left in reversed(range(TRIES if part else 1)):
            self._follow(process, enough)
            if process.poll() is None:
                return process
            if left:
                process = self._start(part)
        raise NotBegun(self.said())

    def _kill(
        self, process: subprocess.Popen[bytes], kind: str, draw: random.Random, part: int, kills: list[Kill]
    ) -> bool:
        """Kill once, at a moment of chance; whether there was something to kill."""
        time.sleep(draw.random() * self.contender.pace)
        targets = self._targets(process, KINDS[kind][0], draw)
        states, killed = self.contender.recorded(self.folder), time.time()
        for pid in targets:
            with suppress(ProcessLookupError):
                os.kill(pid, KINDS[kind][1])
        known = frozenset(x for x, state in states.items() if state == "finished")
        kills.append(Kill(killed, False, known, part))
        return bool(targets)

    def _resume(self, part: int) -> int:
        for _ in range(TRIES):
            code = self._follow(self._start(part))
            if not code:
                break
        return code

    def _judged(self, kills: Sequence[Kill]) -> dict[str, int]:
        after, repeated = self.contender.recorded(self.folder), self.contender.repeated(self.folder)
        return judged(read_truth(self.folder), kills, after, repeated, self.count)

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

    def _start(self, part: int) -> subprocess.Popen[bytes]:
        asked = time.monotonic()
        self.turn.take()
        self.waited += time.monotonic() - asked
        command = self.contender.command(self.sweep, self.count, part > 0)
        with open(self.folder / "said", "ab") as said:
            env = environment(self.folder, part)
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
