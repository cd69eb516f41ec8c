"""The supervisor's side of a slot's worker: starts it, and hands it one trial after another."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Mapping

from hpo.trial.channel import CHUNK
from hpo.trial.environment import FUNCTION_FD
from hpo.trial.lines import Lines, pack, unpack
from hpo.trial.process import LEFTOVER_GRACE, CannotStart, ProcessGroup, TrialProcess, handles
from hpo.trial.spec import TrialSpec

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT = (
    "import sys; trial = type(sys)('hpo.trial'); trial.__path__ = [sys.argv[1]];"
    " sys.modules['hpo.trial'] = trial; sys.path[:] = filter(None, sys.path);"
    " from hpo.trial.worker import main; del trial; sys.exit(main(int(sys.argv[2]), sys.argv[3]))"
)
"""The worker's first words: its interpreter need not have hpo, and the user may have a file hpo.py."""


class WorkerGone(Exception):
    """The worker has ended between two trials; another one can be started."""


class Worker:
    """The long-lived process of one slot that calls functions and steps classes, one trial after another.

    `ended` gets the wait status (as of os.waitpid) of each trial that the worker says is over. The owner
    calls `dead` when the process itself was reaped, before it tells the running Turn by `exited`.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        *,
        env: Mapping[str, str],
        cwd: str,
        log: int,
        target: str | None,
        function: int | None,
        ended: Callable[[int], None],
        strays: Callable[[], list[int]] = list,
    ) -> None:
        """Start it, with the environment and log of its first trial. Raises CannotStart, OSError.

        `target` is `module:Class`, `function` the descriptor of a pickled function: one of both.
        """
        self._selector, self._ended, self._env = selector, ended, dict(env)
        self.strays = strays
        """What is left of it, once it has ended, outside of its group."""
        self._lines = Lines()
        self._unsent = bytearray()
        self._idle = True
        ours, theirs = socket.socketpair()
        descriptors = [theirs.fileno()]
        start_env = dict(env)
        if function is not None:
            descriptors.append(function)
            start_env[FUNCTION_FD] = str(function)
        interpreter = "python" if target else sys.executable
        argv = [interpreter, "-c", BOOT, HERE, str(theirs.fileno()), target or ""]
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            self._process = TrialProcess(argv, env=start_env, cwd=cwd, log=log, pass_fds=descriptors)
            undo.pop_all()
        ours.setblocking(False)
        self._socket = ours
        selector.register(ours, selectors.EVENT_READ, self._ready)
        self.pid = self._process.pid
        self.alive = True
        """Whether it can be given a trial, as far as is known."""

    def start(self, spec: TrialSpec, env: Mapping[str, str], log: int) -> Turn:
        """Hand over a trial; `env` is complete. The one before must have ended.

        Raises CannotStart where it is the trial's fault, WorkerGone where the worker has died meanwhile.
        """
        if not os.path.isdir(spec.cwd):
            raise CannotStart(f"the working directory does not exist: {spec.cwd}")
        changed = {name: value for name, value in env.items() if self._env.get(name) != value}
        unset = [name for name in self._env if name not in env]
        message = pack({"env": changed, "unset": unset, "cwd": spec.cwd})
        try:
            sent = socket.send_fds(self._socket, [message], [log])
        except OSError as error:
            self._lose()
            raise WorkerGone(str(error)) from error
        self._send(message[sent:])
        self._idle = False
        return Turn(self)

    def stop(self) -> None:
        """Ask it to end the running trial."""
        if self.alive:
            self._send(pack({"stop": True}))

    def leave(self) -> None:
        """Ask it to end itself after the running trial: a class is then cleaned up."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def dead(self, wait_status: int) -> None:
        """It was reaped; what it has said before is told by `ended` first."""
        if self.alive:
            self._ready()
        self._lose()
        if self._idle:
            self._process.kill()  # what it had started; that of a running trial is the Turn's to end
        self._process.exited(wait_status, 0.0)

    def close(self) -> None:
        """SIGKILL to it and all that it started, without waiting."""
        if self._process.status is None:
            self._process.kill()
            self._process.exited(signal.SIGKILL, 0.0)
        self._lose()

    def _ready(self) -> None:
        self._send(b"")
        try:
            chunk = self._socket.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        for line in self._lines.feed(chunk):
            message = unpack(line) or {}
            if "over" in message:
                self._idle = True
                self._ended(message["over"] << 8)
        if not chunk:
            self._lose()

    def _send(self, data: bytes) -> None:
        if not self.alive:
            return
        self._unsent += data
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # it is gone; reading tells so too
            self._unsent.clear()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if self._selector.get_key(self._socket).events != wanted:
            self._selector.modify(self._socket, wanted, self._ready)

    def _lose(self) -> None:
        self.alive = False
        if self._socket.fileno() >= 0:
            self._selector.unregister(self._socket)
            self._socket.close()


class Turn(ProcessGroup):
    """One trial in the worker.

    The owner calls `exited` at its end, whether the worker said that it is over or has died. What a trial
    that is over left in the group is ended with the worker.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.pid, worker.strays)
        self._worker = worker
        self._signal_at, self._grace = math.inf, LEFTOVER_GRACE

    def terminate(self, now: float, grace: float) -> None:
        """Ask the worker to stop the trial; after `grace` seconds SIGTERM, and SIGKILL soon after.

        User's code that handles SIGTERM gets it at once, as a script does.
        """
        if self.status is not None or self._kill_at < math.inf:
            super().terminate(now, grace)
            return
        if self._signal_at == math.inf:
            self._worker.stop()
            if handles(self.pid, signal.SIGTERM):
                with contextlib.suppress(OSError):
                    os.kill(self.pid, signal.SIGTERM)
        self._signal_at = min(self._signal_at, now + grace)
        self._grace = min(grace, LEFTOVER_GRACE)

    def exited(self, wait_status: int, now: float, grace: float = LEFTOVER_GRACE) -> None:
        """The trial is over, and with a dead worker its group too."""
        if self._worker.alive:
            self.over(wait_status, now)
        else:
            super().exited(wait_status, now, grace)

    def over(self, wait_status: int, now: float) -> None:
        """The worker said that the trial is over; it lives on."""
        if self.status is None:
            self.status, self.gone = os.waitstatus_to_exitcode(wait_status), True

    def tick(self, now: float) -> None:
        """Do what is due at this time."""
        if self.status is None and now >= self._signal_at:
            self._signal_at = math.inf
            super().terminate(now, self._grace)
        super().tick(now)

    def deadline(self, now: float) -> float:
        """When to call `tick` at the latest, unless the worker says something before."""
        due = super().deadline(now)
        return min(due, self._signal_at) if self.status is None else due
