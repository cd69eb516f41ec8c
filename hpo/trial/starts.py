"""The ways in which a slot starts a trial: in its worker, forked from the warm parent, or afresh."""

from __future__ import annotations

import contextlib
import os
import selectors
import time
from collections.abc import Callable
from typing import Any, Protocol

from hpo.trial.command import resolve_interpreter
from hpo.trial.interpreter import python_call
from hpo.trial.process import LEFTOVER_GRACE, CannotStart, ProcessGroup, TrialProcess, check, reap
from hpo.trial.spec import TrialSpec
from hpo.trial.strays import children, finish
from hpo.trial.turn import Worker, WorkerGone
from hpo.trial.warm import NoWarmParent, WarmParent

LEARN = "HPO_LEARN"
"""Set in a trial that is to say which modules it imported."""


class Starting(Protocol):
    """What is known of a trial that starts; `over` and `forker_died` are called as its process fares."""

    spec: TrialSpec
    env: dict[str, str]
    log: int

    def over(self, wait_status: int) -> None:
        """The process has ended."""

    def forker_died(self, reason: str) -> None:
        """The warm parent died or refused."""


class Starts:
    """One slot's ways to start trials; `note` takes what the user should know."""

    def __init__(self, selector: selectors.BaseSelector, note: Callable[[str], None]) -> None:
        self.selector, self.note = selector, note
        self.function: int | None = None
        """Descriptor of the pickled function of function trials."""
        self.warm: WarmParent | None = None
        self.worker: Worker | None = None
        self.asked = False
        """Whether a trial has asked for its parameters."""
        self._in_worker: Starting | None = None
        self._learned = False

    def start(self, trial: Starting, afresh: bool) -> ProcessGroup:
        """Start a trial the fastest way that is open, or `afresh`. Raises CannotStart, OSError."""
        spec = trial.spec
        if spec.function or spec.trainable:
            return self._turn(trial)
        if spec.warm and not afresh:
            forked = self._fork(trial)
            if forked is not None:
                return forked
        return TrialProcess(spec.argv, env=trial.env, cwd=spec.cwd, log=trial.log, strays=self.strays)

    def strays(self) -> list[int]:
        """Children that are neither a trial nor start any: left by the trial that ended just now."""
        kept = self._kept()
        return [pid for pid in children() if pid not in kept]

    def _kept(self) -> set[int]:
        """The warm parent, which may serve other slots too."""
        return self.warm.started if self.warm is not None else set()

    def learn(self, modules: list[str], sets: list[Any]) -> None:
        """A trial has told what it imported, and which variables its script had set before what."""
        self._learned = True
        if self.warm is not None:
            self.warm.learn(modules, sets)

    def take_function(self, descriptor: int) -> None:
        """Trials call this function from here on."""
        if self.function is not None:
            os.close(self.function)
        if self.worker is not None:
            self.worker.close()
        self.function = descriptor

    def reaped(self, pid: int, wait_status: int) -> None:
        """A child of this process has ended, perhaps the worker."""
        if self.worker is not None and pid == self.worker.pid:
            self.worker.dead(wait_status)

    def close(self) -> None:
        """Leave the warm parent, and let the worker end what it keeps."""
        if self.warm is not None:
            self.warm.close()
        if self.worker is not None and self.worker.alive:
            self.worker.leave()
            deadline = time.monotonic() + LEFTOVER_GRACE
            while self.worker.alive and time.monotonic() < deadline:
                for pid, status in reap():
                    self.reaped(pid, status)
                time.sleep(0.005)
            self.worker.close()
        finish(self._kept())

    def _turn(self, trial: Starting) -> ProcessGroup:
        """A trial in this slot's worker, which is started for the first one, and anew if it has died."""
        spec = trial.spec
        if spec.function and self.function is None:
            raise CannotStart("the trial's function did not arrive")
        self._in_worker = trial
        for _ in range(2):
            if self.worker is None or not self.worker.alive:
                if self.worker is not None:
                    self.worker.close()
                self.worker = Worker(
                    self.selector,
                    env=trial.env,
                    cwd=spec.cwd,
                    log=trial.log,
                    target=spec.trainable or None,
                    function=self.function if spec.function else None,
                    ended=self._over,
                    strays=self.strays,
                )
            with contextlib.suppress(WorkerGone):
                return self.worker.start(spec, trial.env, trial.log)
        raise CannotStart("the process that runs the trials of this slot ends at once; see the log")

    def _over(self, wait_status: int) -> None:
        if self._in_worker is not None:
            self._in_worker.over(wait_status)

    def _fork(self, trial: Starting) -> ProcessGroup | None:
        spec = trial.spec
        assert spec.warm is not None
        if self.warm is None:
            self.warm = WarmParent(spec.warm, self.selector, self.note)
        words = resolve_interpreter(spec.argv, trial.env)
        check(words, trial.env, spec.cwd)
        call = python_call(words, trial.env, spec.cwd)
        if call is None or self.warm.off:
            return None
        if spec.warm.modules is None and not self._learned:
            trial.env[LEARN] = "1"
        try:
            return self.warm.fork(call, trial.env, spec.cwd, trial.log, trial.over, trial.forker_died)
        except NoWarmParent as error:
            self.warm.give_up(str(error))
            return None
