"""A TrialSpec → its process, watched from start to end: its files, results forwarded, TrialEnd."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpo.trial.channel import Channel
from hpo.trial.command import args_json
from hpo.trial.environment import FUNCTION_FD, PARAMS
from hpo.trial.forward import Forward
from hpo.trial.objective import Objective
from hpo.trial.outcome import log_tail, outcome
from hpo.trial.process import LEFTOVER_GRACE, TrialProcess
from hpo.trial.rows import Rows
from hpo.trial.spec import State, TrialEnd, TrialSpec

LOG, METRICS, ARGS_JSON = "log.txt", "metrics.jsonl", "args.json"
DRAIN = 0.5
"""Seconds to read on after the process's end, where something still holds the channel open."""
Send = Callable[[Mapping[str, Any]], None]


class Watch:
    """One running trial. `tick` returns its end once there is one; times are those of time.monotonic."""

    def __init__(
        self,
        spec: TrialSpec,
        *,
        selector: selectors.BaseSelector,
        socket_path: str,
        send: Send,
        function: int | None = None,
    ) -> None:
        """Start the trial. CannotStart or OSError where that fails; nothing is left open then."""
        self.spec, self.send = spec, send
        self.stopped: State | None = None
        self.started = time.monotonic()
        self.ended = math.inf
        self.objective = Objective(spec.metric, spec.goal)
        self.forward = Forward(spec, self.objective, self.started)
        os.makedirs(spec.directory, exist_ok=True)
        with contextlib.ExitStack() as undo:
            self._write_parameters()
            self.log_path = os.path.join(spec.directory, LOG)
            self.log = os.open(self.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            undo.callback(os.close, self.log)
            self.log_start = os.fstat(self.log).st_size
            self.rows = Rows(os.path.join(spec.directory, METRICS), self._warn)
            undo.callback(self.rows.close)
            self.channel = Channel(socket_path, selector, self._message, self._warn)
            undo.callback(self.channel.close)
            self.process = self._start(function)
            self._closing = undo.pop_all()

    def _write_parameters(self) -> None:
        directory = self.spec.directory
        with open(os.path.join(directory, PARAMS), "w", encoding="utf-8") as file:
            file.write(self.spec.params_text)
        path = os.path.join(directory, ARGS_JSON)
        if path in self.spec.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(args_json(self.spec.config))

    def _start(self, function: int | None) -> TrialProcess:
        env = {**self.spec.env, "HPO_CHANNEL": self.channel.path}
        fds: Sequence[int] = ()
        if function is not None:
            env[FUNCTION_FD], fds = str(function), (function,)
        argv = self.spec.argv or [sys.executable, "-m", "hpo.trial.call"]
        return TrialProcess(argv, env=env, cwd=self.spec.cwd, log=self.log, pass_fds=fds)

    def stop(self, state: State, now: float) -> None:
        """End the trial; one that has ended by itself is left to its own merit."""
        if self.process.status is None:
            self.stopped = self.stopped or state
            self.process.terminate(now, self.spec.kill_grace)

    def child_ended(self, pid: int, wait_status: int, now: float) -> None:
        """A child of the supervisor has ended, perhaps this trial."""
        if pid == self.process.pid and self.process.status is None:
            self.ended = now
            self.process.exited(wait_status, now, min(LEFTOVER_GRACE, self.spec.kill_grace))
            self.channel.accept()

    def tick(self, now: float, idle: bool) -> TrialEnd | None:
        """Do what is due; the trial's end once the group is gone and the channel read to its end."""
        self.process.tick(now)
        if idle or now >= self.rows.due:
            self.rows.flush()
        self._tell(self.forward.beat(now))
        if self.process.gone and (self.channel.drained or now >= self.ended + DRAIN):
            return self._end()
        return None

    def deadline(self, now: float) -> float:
        """When `tick` is to be called at the latest; at once while rows wait to be written."""
        if self.rows.due < math.inf:
            return now
        drained = self.ended + DRAIN if self.process.gone else math.inf
        return min(self.process.deadline(now), self.forward.due, drained)

    def close(self) -> None:
        """Kill what still runs and close everything."""
        if not self.process.gone:
            self.process.kill()
        self._closing.close()

    def _end(self) -> TrialEnd:
        self.close()
        status, objective = self.process.status or 0, self.objective
        well = status == 0 and (objective.best is not None or not objective.name)
        return outcome(
            objective,
            status,
            stopped=self.stopped,
            seconds=self.ended - self.started,
            log=[] if well else log_tail(self.log_path, self.log_start),
        )

    def _message(self, message: dict[str, Any]) -> None:
        when, now = message.get("time"), time.monotonic()
        when = when if isinstance(when, (int, float)) else time.time()
        row, summary = message.get("row"), message.get("summary")
        if isinstance(row, dict):
            value = self.objective.add_row(row)
            self.rows.add(row, message.get("step"), when, now)
            if value is not None:
                self._tell(self.forward.result(value, when, now))
        elif isinstance(summary, dict):
            self.objective.add_summary(summary)

    def _tell(self, event: dict[str, Any] | None) -> None:
        if event is not None and self.stopped is None:
            self.rows.flush()
            self.send(event)

    def _warn(self, text: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self.log, f"hpo: {text}\n".encode())
