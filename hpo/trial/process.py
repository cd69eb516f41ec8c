"""A command → a running process group, its end, and nothing of it left behind."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from hpo.trial.command import find_program, program_index, resolve_interpreter, search_path
from hpo.trial.strays import signal_groups

LEFTOVER_GRACE = 2.0
"""Seconds that background processes get after SIGTERM when the trial itself has ended."""
KILL_WAIT = 5.0
"""Seconds to wait for a group to be gone after SIGKILL; beyond, it hangs in the kernel."""
GROUP_POLL = 0.05
"""Seconds between looks at a group whose leader is gone: its other members need not be our children."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class CannotStart(Exception):
    """The command could not be started; the message is one line for the user."""


class ProcessGroup:
    """A running trial: the leader of a session and process group of its own, and all that it starts.

    The owner calls `exited` when it hears of the leader's end, and `tick` until the group is `gone`. Times
    are those of time.monotonic.
    """

    forked = False
    """Whether it came from the warm parent, which then says how it ended."""

    def __init__(self, pid: int, strays: Callable[[], list[int]] = list) -> None:
        """`strays` finds, once the leader has ended, what is left of the trial outside of the group."""
        self.pid, self._strays = pid, strays
        self.status: int | None = None
        """Exit code, or minus a signal's number, as subprocess has it; None while the leader runs."""
        self.gone = False
        """Whether the whole group has ended (or does not even when killed)."""
        self._kill_at = self._give_up_at = math.inf

    def terminate(self, now: float, grace: float) -> None:
        """SIGTERM to the whole group now, SIGKILL after `grace` seconds; asked again, it comes no later."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # a stopped process handles nothing before it goes on
        self._kill_at = min(self._kill_at, now + grace)

    def exited(self, wait_status: int, now: float, grace: float = LEFTOVER_GRACE) -> None:
        """The leader has ended (`wait_status` as of os.waitpid); what it left in its group is ended too."""
        self.status = os.waitstatus_to_exitcode(wait_status)
        if self._signal(0):
            if self._kill_at == math.inf:
                self.terminate(now, grace)
            else:  # the group has been told already
                signal_groups(self._strays(), signal.SIGTERM)
        self.tick(now)

    def tick(self, now: float) -> None:
        """Do what is due at this time."""
        if now >= self._kill_at and not self.gone:
            self._signal(signal.SIGKILL)
            self._give_up_at = min(self._give_up_at, now + KILL_WAIT)
        if self.status is not None:
            self.gone = self.gone or now >= self._give_up_at or not self._signal(0)

    def deadline(self, now: float) -> float:
        """When to call `tick` at the latest, unless a child ends before."""
        if self.gone:
            return math.inf
        killed = self._give_up_at < math.inf
        due = max(self._give_up_at, now + GROUP_POLL) if killed else self._kill_at
        return due if self.status is None else min(due, now + GROUP_POLL)

    def kill(self) -> None:
        """SIGKILL to the whole group, without waiting."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of what belongs to it beside the processes."""

    def _signal(self, number: int) -> bool:
        strays = self.status is not None and signal_groups(self._strays(), number)
        try:
            os.killpg(self.pid, number)
        except OSError:  # nobody is left, or nobody whom we may signal
            return strays
        return True


class TrialProcess(ProcessGroup):
    """A command started afresh. Its parent's death kills it (Linux)."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        log: int,
        pass_fds: Sequence[int] = (),
        strays: Callable[[], list[int]] = list,
    ) -> None:
        words = resolve_interpreter(argv, env)
        check(words, env, cwd)
        try:
            self._popen = subprocess.Popen(
                words,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent(os.getpid()),
                pass_fds=pass_fds,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise CannotStart(_why(words, error)) from error
        super().__init__(self._popen.pid, strays)

    def exited(self, wait_status: int, now: float, grace: float = LEFTOVER_GRACE) -> None:
        """As for any group; subprocess is told that its child has been waited for."""
        self._popen.returncode = os.waitstatus_to_exitcode(wait_status)
        super().exited(wait_status, now, grace)


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans (Linux), so that it can reap them."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def handles(pid: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal (Linux); False where nobody knows."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            caught = next(line for line in file if line.startswith(b"SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
    except (OSError, StopIteration, ValueError):
        return False


def reap() -> list[tuple[int, int]]:
    """Process id and wait status of every child that has ended since the last call."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(found)
    return ended


def check(words: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
    """Raise CannotStart for what is missing before `env` or the kernel tells it less clearly."""
    at = program_index(words)
    if at >= len(words):
        raise CannotStart("the command is empty")
    if not os.path.isdir(cwd):
        raise CannotStart(f"the working directory does not exist: {cwd}")
    name = words[at]
    if name.startswith("-") or find_program(name, search_path(words[:at], env), cwd):
        return
    if "/" not in name:
        raise CannotStart(f"command not found: {name} (not on PATH)")
    if os.path.exists(os.path.join(cwd, name)):
        raise CannotStart(f"not an executable file: {name} (chmod +x, or call it by its interpreter)")
    raise CannotStart(f"no such file: {name}")


def _why(words: Sequence[str], error: Exception) -> str:
    if not isinstance(error, OSError):
        return f"cannot start {words[0]!r}: {error}"
    hints = {
        errno.ENOEXEC: " (has it no #! line?)",
        errno.E2BIG: " (the configuration is too large)",
        errno.ENOENT: " (is the interpreter of its #! line there?)",
    }
    return f"cannot start {words[0]!r}: {error.strerror}{hints.get(error.errno or 0, '')}"


def _die_with_parent(parent: int) -> Callable[[], None]:
    def arrange() -> None:  # runs in the new process, before the command
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return arrange
