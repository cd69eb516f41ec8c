"""A TrialSpec → its process, watched from start to end: its files, results forwarded, TrialEnd."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hpo.trial import ended
from hpo.trial.cgroup import oom_kills
from hpo.trial.channel import Channel
from hpo.trial.command import args_json
from hpo.trial.disk import at_fault, fault
from hpo.trial.environment import PARAMS, UNREAD
from hpo.trial.files import ARGS_JSON, LOG, METRICS, named
from hpo.trial.forward import Forward
from hpo.trial.interpreter import launches_script, python_call
from hpo.trial.log import Log, say
from hpo.trial.objective import Objective
from hpo.trial.outcome import lacking, outcome
from hpo.trial.process import LEFTOVER_GRACE, CannotStart, ProcessGroup
from hpo.trial.rank_rows import RankRows
from hpo.trial.rows import Rows
from hpo.trial.spec import State, TrialEnd, TrialSpec
from hpo.trial.starts import Starts

DRAIN = 0.5
"""Seconds to read on after the process's end, where something still holds the channel open."""
LEAVE = 5.0
"""Seconds for a trial that has come to its end to leave by itself; only then it is stopped."""
SEVERAL = (
    "processes of a trial that live at once report '{metric}', and each such row is an iteration; "
    "if they are the ranks of one training, set RANK in each of them, or report in one"
)
Send = Callable[[Mapping[str, Any]], None]


def unwritten(number: int, reason: str) -> dict[str, Any]:
    """The event that says that a trial's files cannot be written, by the disk's fault."""
    return {"event": "unwritten", "trial": number, "reason": reason}


class Watch:
    """One running trial. `tick` returns its end once there is one; times are those of time.monotonic."""

    asked = False
    """Whether the script has asked for its parameters."""
    leaving = False
    """Whether it has come to its end: nothing is left but Python's own."""
    timed_out = False

    def __init__(
        self,
        spec: TrialSpec,
        *,
        selector: selectors.BaseSelector,
        socket_path: str,
        send: Send,
        starts: Starts,
        afresh: bool = False,
    ) -> None:
        """Start the trial. CannotStart or OSError where that fails; nothing is left open then."""
        self.spec, self.send, self.starts = spec, send, starts
        self.stopped: State | None = None
        self.lost = ""
        """Why the trial's process was lost through no fault of its own."""
        self.started, self.began = time.monotonic(), time.time()
        self.expires = math.inf
        """When it will have run for too long; set once there is a process."""
        self.unfit: dict[str, Any] = {}
        """Where its process is not what a fresh one would be: the package and the variable that tell."""
        self._asked: tuple[float, State] = math.inf, "stopped"
        """When one that leaves is stopped after all, and as what."""
        self.checkpoints: deque[dict[str, Any]] = deque(maxlen=ended.CHECKPOINTS)
        self.unwritten = ""
        """What of its files could not be written, by the disk's fault."""
        self._several = False  # of its processes report at once, as was said
        self.oom_kills = oom_kills()
        self.ended = math.inf
        self.objective = Objective(spec.metric, spec.goal, nan_counts=spec.nan_counts, beside=spec.beside)
        self.forward = Forward(spec, self.objective, self.started)
        with contextlib.ExitStack() as undo:
            self._open_files(undo)
            self.channel = Channel(socket_path, selector, self._message, self.output.warn)
            undo.callback(self.channel.close)
            self.env = self._environment()
            self.process: ProcessGroup = starts.start(self, afresh)
            self._closing = undo.pop_all()
        self._watch_time(self.started)

    def _make_directory(self) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.spec.directory)  # a run directory that has vanished stays away
        if self.spec.attempt > 1 or self.spec.resume:
            from hpo.trial.checkpoint import FOLDER, discard_partial  # most trials have none

            ended.discard(self.spec)
            discard_partial(os.path.join(self.spec.directory, FOLDER))

    def _open_files(self, undo: contextlib.ExitStack) -> None:
        """The log and the rows, which `undo` closes again."""
        self._write_parameters()
        path = os.path.join(self.spec.directory, named(LOG, self.spec.attempt))
        self.output = Log(path, self.started)
        undo.callback(self.output.close)
        self.log = self.output.fd
        self.rows = self._open_rows()
        undo.callback(self.rows.close)
        self.ranks = RankRows(self.spec, self.output.warn, self.rows.step)
        undo.callback(self.ranks.close)

    def _open_rows(self) -> Rows:
        """Where a trial goes on, its rows so far are kept and counted once more."""
        resume, attempt = self.spec.resume, self.spec.attempt
        path, *earlier = (
            os.path.join(self.spec.directory, named(METRICS, number)) for number in range(attempt, 0, -1)
        )
        keep, resumed = (resume.rows, resume.iterations) if resume else (0, None)
        rows = Rows(path, self.output.warn, keep, resumed, earlier)
        for row in rows.kept:
            self.objective.add_row(row)
        if resume:
            self.objective.iterations = max(resume.iterations, self.objective.iterations)
        return rows

    def _environment(self) -> dict[str, str]:
        env = {**self.spec.env, "HPO_CHANNEL": self.channel.path}
        if self.starts.asked:  # one has asked for its parameters, so all will
            env.pop(UNREAD, None)
        if self.spec.resume:
            env["HPO_STEP"] = str(self.rows.step + 1)
        return env

    def _write_parameters(self) -> None:
        self._make_directory()
        directory = self.spec.directory
        with open(os.path.join(directory, PARAMS), "w", encoding="utf-8") as file:
            file.write(self.spec.params_text)
        path = os.path.join(directory, ARGS_JSON)
        if path in self.spec.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(args_json(self.spec.config))

    def stop(self, state: State, now: float) -> None:
        """End the trial; one that has ended by itself, or runs for too long, is left to its own merit."""
        if self.leaving and now < self._asked[0]:
            self._asked = min(self._asked, (now + LEAVE, state))
        elif self.process.status is None:
            self.stopped = self.stopped or (None if self.timed_out else state)
            self.process.terminate(now, self.spec.kill_grace)

    def over(self, wait_status: int) -> None:
        """The trial's process has ended."""
        if self.process.status is None:
            self.ended = now = time.monotonic()
            self.process.exited(wait_status, now, min(LEFTOVER_GRACE, self.spec.kill_grace))
            self.channel.accept()

    def forker_died(self, reason: str) -> None:
        """The warm parent is gone: a trial that it had not yet forked starts afresh, another one is lost."""
        if self.process.pid:
            self.lost = reason
            self.over(signal.SIGKILL)
            return
        try:
            self.process = self.starts.start(self, afresh=True)
        except (CannotStart, OSError) as error:
            self.lost = str(error)
            self.process.gone, self.ended = True, time.monotonic()

    def tick(self, now: float, idle: bool) -> TrialEnd | None:
        """Do what is due; the trial's end once the group is gone and the channel read to its end."""
        self._watch_time(now)
        if now >= self._asked[0]:
            self.stop(self._asked[1], now)
        self.output.tick(now)
        self.process.tick(now)
        if idle or now >= self._rows_due:
            self._flush()
        self._tell(self.forward.beat(now))
        if self.process.gone and (self.channel.drained or now >= self.ended + DRAIN):
            return self._end()
        return None

    def _watch_time(self, now: float) -> None:
        """End what runs for too long. What waits for the warm parent's imports does not run yet."""
        if self.expires == math.inf and self.spec.timeout is not None and self.process.pid:
            self.expires = now + self.spec.timeout
        if now >= self.expires and not (self.stopped or self.timed_out or self.process.status is not None):
            self.timed_out = True
            self.process.terminate(now, self.spec.kill_grace)

    @property
    def _rows_due(self) -> float:
        return min(self.rows.due, self.ranks.due)

    def deadline(self, now: float) -> float:
        """When `tick` is to be called at the latest; at once while rows wait to be written."""
        if self._rows_due < math.inf:
            return now
        drained = self.ended + DRAIN if self.process.gone else math.inf
        ending = self.timed_out or self.stopped or self.process.status is not None
        expires = math.inf if ending else min(self.expires, self._asked[0])
        return min(self.process.deadline(now), self.forward.due, self.output.due, drained, expires)

    def close(self) -> None:
        """Kill what still runs and close everything."""
        if not self.process.gone:
            self.process.kill()
        self.process.close()
        self._closing.close()

    def _end(self) -> TrialEnd:
        self._flush()
        if self.ended - self.started >= ended.LONG:
            with contextlib.suppress(OSError):
                self.rows.sync()
        status, objective = self.process.status or 0, self.objective
        missing = lacking(objective)
        well = status == 0 and not missing and not self.timed_out
        self.output.trim()
        tail = [] if well else self.output.tail()
        self.close()
        end = outcome(
            objective,
            status,
            stopped=self.stopped,
            began=self.began,
            seconds=self.ended - self.started,
            log=tail,
            timeout=self.spec.timeout if self.timed_out else None,
            oom_killed=status != 0 and (oom_kills() or 0) > (self.oom_kills or 0),
            elsewhere=self.ranks.having(missing.name) if missing else None,
        )
        end = replace(self._blame_disk(end), unread=self._unread())
        if self.spec.lean and end.state in ("finished", "stopped"):
            for name in (os.path.basename(self.output.path), PARAMS, ARGS_JSON):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.spec.directory, name))
        return end

    def _unread(self) -> bool:
        """Whether it ran without a parameter; where programs read in ways of their own, nobody knows."""
        if self.asked or UNREAD not in self.env or not self.objective.rows:
            return False
        spec = self.spec
        if spec.function or launches_script(spec.argv):
            return True
        return python_call(spec.argv, self.env, spec.cwd) is not None

    def _message(self, message: dict[str, Any]) -> None:
        when, now = message.get("time"), time.monotonic()
        when = when if isinstance(when, (int, float)) else time.time()
        row, summary = message.get("row"), message.get("summary")
        if "modules" in message and message.get("pid") == self.process.pid:
            self.starts.learn(message["modules"], message["sets"])
        if isinstance(unfit := message.get("unfit"), dict) and message.get("pid") == self.process.pid:
            self.unfit = unfit
        if isinstance(paths := message.get("writes"), list):
            self.send({"event": "writes", "trial": self.spec.number, "began": self.began, "paths": paths})
        if message.get("asked") is True:
            self.asked = self.starts.asked = True
        self.leaving |= message.get("leaving") == self.process.pid
        if isinstance(row, dict):
            self._row(row, message, when, now)
        elif isinstance(summary, dict):
            self.objective.add_summary(summary)

    def _row(self, row: dict[str, Any], message: dict[str, Any], when: float, now: float) -> None:
        if isinstance(why := message.get("unsaved"), str):
            self._cannot_write(why)
        if isinstance(rank := message.get("rank"), int):
            if row:
                self.ranks.add(rank, row, message.get("step"), when, now)
            return
        value = self.objective.add_row(row) if row else None
        if row:
            self.rows.add(row, message.get("step"), when, now)
        if isinstance(name := message.get("checkpoint"), str):
            self._made(name, when)
        if value is not None:
            self._count(value, when, now)

    def _count(self, value: float, when: float, now: float) -> None:
        self._tell(self.forward.result(value, when, now))
        if not self._several and self.channel.beside():
            self._several = True
            self.output.warn(several := SEVERAL.format(metric=self.spec.metric))
            self.starts.note(several)

    def _made(self, checkpoint: str, when: float) -> None:
        """A checkpoint is told before the result that belongs to it, and also while the trial is ended."""
        self._flush()
        if self.rows.error:  # the rows that it would go on after are not there
            return
        made = {"iteration": self.objective.iterations, "rows": self.objective.rows, "time": when}
        event = {"event": "checkpoint", "trial": self.spec.number, "name": checkpoint, **made}
        self.checkpoints.append(event)
        self.send(event)

    def _tell(self, event: dict[str, Any] | None) -> None:
        if event is not None and self.stopped is None and not self.timed_out:
            self._flush()
            self.send(event)

    def _flush(self) -> None:
        self.ranks.flush()
        self.rows.flush()
        if self.rows.error and at_fault(self.rows.error):
            self._cannot_write(f"{self.rows.path}: {self.rows.error.strerror}")

    def _cannot_write(self, what: str) -> None:
        """Tell once that the disk does not take the trial's files: no trial can run now."""
        if not self.unwritten:
            self.unwritten = f"cannot write {what}"
            self.send(unwritten(self.spec.number, self.unwritten))

    def _blame_disk(self, end: TrialEnd) -> TrialEnd:
        """A trial that failed on a full disk, or whose rows are missing, has no result: it runs again."""
        if end.state == "failed" and (why := fault(self.spec.directory)):
            self._cannot_write(f"{self.output.path}: {why}")
        incomplete = end.state == "failed" or (end.state == "finished" and self.rows.error)
        if not (self.unwritten and incomplete):
            return end
        return replace(end, state="interrupted", kind="", reason=self.unwritten, log_tail=[])

    def say(self, text: str) -> None:
        """A line of ours in the trial's log, also when all else is closed."""
        say(self.output.path, text)
