"""The one driver of a run directory: takes RUN/driver.lock, gives signs of life, notices when it lost it."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn
from uuid import uuid4

from hpo.errors import Resumable, UserError
from hpo.record.holder import LOCK, Holder, Timing, clock_time, heir, holders
from hpo.record.journal import JOURNAL, no_run
from hpo.record.shared import FULL, no_room, now, publish, sweep
from hpo.trial.identity import Process

CHECKS = 1.0
"""Seconds between two looks of `RunLock.check` at the least."""
POLL = 0.5
"""Seconds between two looks at an owner that may be dead, at the most."""
VANISHED = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENOTCONN}
_held: set[str] = set()
"""Tokens of this process: a lock of its own that it could not remove is free."""


class RunLock:
    """The right to drive a run; a context that gives it back."""

    _descriptor: int
    """Of the lock's file, from `acquire` on; -1 once it is given back."""

    def __init__(
        self, run_dir: Path | str, timing: Timing | None = None, process: Process | None = None
    ) -> None:
        self.run_dir = Path(run_dir)
        self.token = uuid4().hex
        self.timing = timing or Timing()
        self.process = process or Process.own()
        self._directory = Path(os.path.abspath(run_dir))
        self._path = self._directory / LOCK
        self._pid = os.getpid()
        self._over = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name="driver.lock", daemon=True)
        self._sure = self._next = 0.0
        self._journal = False

    @classmethod
    def acquire(
        cls, run_dir: Path | str, timing: Timing | None = None, process: Process | None = None
    ) -> RunLock:
        """Take the lock of an existing directory; `process` is who takes it, unless it is this one.

        An owner on another machine is watched until it is clear whether it lives; this is said on stderr.

        Raises:
            UserError: Another process drives the run; or nothing can be written in its directory.
            Resumable: The disk is full.
        """
        lock = cls(run_dir, timing, process)
        try:
            lock._take()
            lock._descriptor = os.open(lock._path, os.O_RDONLY)
        except OSError as error:
            lock._cannot(error)
        _held.add(lock.token)
        lock._sure = _seconds()
        lock._pulse.start()
        sweep(lock._directory, keep=heir(lock._directory, lock.token))
        return lock

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give the lock back, unless another process has it; a second time does nothing. Never raises."""
        if self._descriptor < 0 or os.getpid() != self._pid:  # a fork of the owner's owns nothing
            return
        self._over.set()
        self._pulse.join(self.timing.silence)
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1
        _held.discard(self.token)
        after = heir(self._directory, self.token)
        with suppress(OSError):  # what stays on a full disk counts for nothing once this process is dead
            publish(after, self._text(uuid4().hex))  # from here on nobody can follow
            if [holder.token for holder in holders(self._directory)[:1]] == [self.token]:
                self._path.unlink()
            after.unlink()

    def check(self, *, at_once: bool = False) -> None:
        """Make sure that this is still the driver; looks once a second, however often it is called.

        `at_once`: now, too.

        Raises:
            Resumable: Another process has taken over, because this one gave no sign of life; or the directory
                cannot be read for so long that one may have.
            UserError: The directory, the lock or the journal has vanished.
        """
        seconds = _seconds()
        if seconds < self._next and not at_once:
            return
        self._next = seconds + CHECKS
        try:
            chain = holders(self._directory) or self._look_again()
            self._look_at_journal()
        except OSError as error:
            if error.errno in VANISHED:
                what = f"the run directory has vanished: {self.run_dir}; nothing more is written"
                raise UserError(f"{what}; if it was moved, `hpo resume` it where it is now") from error
            if seconds - self._sure > self.timing.silence:
                raise Resumable(
                    f"cannot read {self.run_dir / LOCK}: {error.strerror}; nothing more is written"
                ) from error
            return
        if chain[-1].token != self.token:
            raise Resumable(
                f"{self.run_dir} was taken over by {chain[-1].name}, as this process gave no sign of life "
                f"for {self.timing.silence:g} s; it writes nothing more"
            )
        self._sure = seconds

    def _look_again(self) -> list[Holder]:
        """The lock is gone: for good, or is another driver just taking over?"""
        time.sleep(POLL)
        chain = holders(self._directory)
        if not chain:
            what = f"{LOCK} has vanished from {self.run_dir}, so that another driver may start"
            raise UserError(f"{what}; nothing more is written; `hpo resume {self.run_dir}` goes on")
        return chain

    def _look_at_journal(self) -> None:
        there = (self._directory / JOURNAL).exists()
        if self._journal and not there:
            raise UserError(f"{JOURNAL} has vanished from {self.run_dir}; nothing more is written")
        self._journal = there

    def _take(self) -> None:
        while True:
            chain = holders(self._directory)
            lives = self._lives(chain[-1]) if chain else False
            if lives is None:
                continue
            if lives:
                name, since = chain[-1].name, clock_time(chain[-1].since)
                end = f"end it with `hpo stop {self.run_dir}`"
                raise UserError(f"{self.run_dir} is being run by {name} since {since}; {end}")
            if self._follow(chain[-1] if chain else None):
                return

    def _follow(self, dead: Holder | None) -> bool:
        """Take the place of an owner that is dead, or of none; False where another process was faster."""
        mine = heir(self._directory, dead.token) if dead else self._path
        try:
            publish(mine, self._text(self.token))
        except FileExistsError:
            return False
        except FileNotFoundError:  # suspended for so long that its part was swept
            if not self._directory.is_dir():
                raise
            return False
        chain = holders(self._directory)
        if not chain or chain[-1].token != self.token:
            mine.unlink(missing_ok=True)
            return False
        for earlier in reversed(chain[:-1]):
            try:
                mine.rename(earlier.path)
            except FileNotFoundError:  # an heir of ours has moved it, or its own
                break
            mine = earlier.path
        chain = holders(self._directory)
        return bool(chain) and chain[-1].token == self.token

    def _lives(self, holder: Holder) -> bool | None:
        """Whether an owner lives; one that cannot be asked is watched. None: it owns the run no more."""
        began, told = time.monotonic(), False
        while True:
            if holder.process == self.process:
                return holder.token in _held
            lives = None if holder.process is None else holder.process.lives(self.process)
            age = now(self._directory) - holder.beat
            watched = time.monotonic() - began
            old = watched >= self.timing.confirm and age >= self.timing.silence
            if lives is not None or old or watched >= self.timing.silence:
                return bool(lives)
            if not told:
                self._tell(holder, age)
                told = True
            time.sleep(min(POLL, self.timing.beat / 2))
            chain = holders(self._directory)
            if not chain or chain[-1].token != holder.token:
                return None
            if chain[-1].beat != holder.beat:
                return True

    def _tell(self, holder: Holder, age: float) -> None:
        left = min(max(self.timing.confirm, self.timing.silence - age), self.timing.silence)
        seen = f"last seen {max(0.0, age):.0f} s ago"
        wait = f"waiting up to {left:.0f} s for a sign of life of it"
        print(f"{self.run_dir}: held by {holder.name}, {seen}; {wait}", file=sys.stderr, flush=True)

    def _text(self, token: str) -> str:
        told = {**vars(self.process), "token": token, "since": time.time(), "command": shlex.join(sys.argv)}
        return json.dumps(told) + "\n"

    def _beat(self) -> None:
        while not self._over.wait(self.timing.beat):
            with suppress(OSError):
                os.utime(self._descriptor)  # by the descriptor, so that an heir's file is left alone

    def _cannot(self, error: OSError) -> NoReturn:
        """Tell why the lock cannot be taken."""
        if not self._directory.is_dir():
            raise UserError(no_run(self.run_dir)) from error
        if error.errno in FULL:
            raise no_room(self.run_dir, error) from error
        what = f"cannot take {self.run_dir / LOCK}: {error.strerror}"
        raise UserError(
            f"{what}; a driver needs to read and write there, as the user whom the run belongs to"
        ) from error


def _seconds() -> float:
    """Seconds of a clock that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
