"""Messages from a slot → trials, one at a time; results and ends back. A plain process: one thread, one loop.

`python -m hpo.trial.supervisor FD PRESENCE`, where FD is one end of a socket pair and PRESENCE the file that
says that it lives, is started by hpo.trial.launch.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from hpo.trial import ended
from hpo.trial.channel import CHUNK, private_directory
from hpo.trial.disk import at_fault
from hpo.trial.lines import Lines, pack, unpack
from hpo.trial.outcome import alike, not_started
from hpo.trial.presence import Presence
from hpo.trial.process import CannotStart, adopt_orphans, reap
from hpo.trial.spec import TrialEnd, TrialSpec
from hpo.trial.starts import Starts
from hpo.trial.watch import Watch, unwritten

LAST_WORDS = 1.0
"""Seconds to get the last event out when the supervisor itself is told to end."""
CRASHES = ("exit", "signal", "oom", "cuda")
"""Kinds of failures that may be the fork's fault."""
DOUBTS = 3
"""So many failures of a slot that plain processes share clear its warm parent of all others."""


class Service:
    """The supervisor's loop. It ends when the slot closes its end of the socket, its trial and all."""

    def __init__(self, slot: socket.socket, directory: str, presence: Presence) -> None:
        self.slot, self.directory, self.presence = slot, directory, presence
        self.watch: Watch | None = None
        self.waiting: deque[TrialSpec] = deque()
        self.leaving = False
        self._lines = Lines(limit=2**30)
        self._unsent = bytearray()
        self.selector = selectors.DefaultSelector()
        self.starts = Starts(self.selector, lambda text: self.send({"event": "note", "text": text}))
        self._shared: set[str] = set()
        """Failures of forked trials that plain processes have as well, without their numbers."""
        self._doubted: TrialEnd | None = None
        slot.setblocking(False)
        self.selector.register(slot, selectors.EVENT_READ, self._slot_ready)
        self._wakeups = _signals_as_bytes()
        self.selector.register(self._wakeups, selectors.EVENT_READ, self._signalled)
        self.send({"event": "ready", "directory": directory})

    def run(self) -> None:
        """Until the slot is gone, or SIGTERM."""
        while self.watch or not self.leaving:
            now = time.monotonic()
            deadline = min(self.watch.deadline(now) if self.watch else math.inf, self.presence.due)
            ready = self.selector.select(None if deadline == math.inf else max(0.0, deadline - now))
            for key, _ in ready:
                key.data()
            if self.watch and (end := self.watch.tick(time.monotonic(), idle=not ready)):
                watch, self.watch = self.watch, None
                self._ended(watch, end)
            self.presence.beat(now)
            self._next()
            self._write()
        with contextlib.suppress(OSError):
            self.slot.settimeout(LAST_WORDS)
            self.slot.sendall(self._unsent)

    def send(self, message: Mapping[str, Any]) -> None:
        """To the slot, as fast as it reads."""
        self._unsent += pack(message)

    def close(self) -> None:
        """Whatever happened: no process and no file is left."""
        if self.watch:
            self.watch.close()
        self.starts.close()
        with contextlib.suppress(OSError):
            for name in os.listdir(self.directory):
                os.unlink(os.path.join(self.directory, name))
            os.rmdir(self.directory)
        self.presence.end()

    def _slot_ready(self) -> None:
        try:
            chunk, fds, _, _ = socket.recv_fds(self.slot, CHUNK, 4)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk, fds = b"", []
        if fds:
            self.starts.take_function(fds[0])
        if not chunk:
            self.selector.unregister(self.slot)
            self._leave()
        for line in self._lines.feed(chunk):
            self._order(unpack(line) or {})

    def _order(self, message: dict[str, Any]) -> None:
        if message.get("do") == "start":
            self.waiting.append(TrialSpec.from_dict(message["trial"]))
            self._next()
        elif message.get("do") == "stop":
            self._stop(message.get("reason") or "stopped", message.get("trial"))

    def _next(self) -> None:
        while self.waiting and not self.watch:
            if self._slot_gone():  # behind what it has sent; somebody else may begin its trials by now
                self.waiting.clear()
                return
            self._start(self.waiting.popleft())

    def _slot_gone(self) -> bool:
        poll = select.poll()
        poll.register(self.slot, 0)
        return bool(poll.poll(0))  # POLLHUP or POLLERR, which are always told

    def _start(self, spec: TrialSpec, afresh: bool = False) -> None:
        try:
            if not os.path.isdir(self.directory):  # removed by a script, or by a janitor of old files
                self.directory = private_directory()
                self.send({"event": "ready", "directory": self.directory})
            self.presence.show(self.directory)
            path = os.path.join(self.directory, str(spec.number))
            self.watch = Watch(
                spec,
                selector=self.selector,
                socket_path=path,
                send=self.send,
                starts=self.starts,
                afresh=afresh,
            )
        except (CannotStart, OSError) as error:
            end = not_started(str(error))
            if isinstance(error, OSError) and at_fault(error):
                reason = f"cannot write {error.filename or spec.directory}: {error.strerror}"
                self.send(unwritten(spec.number, reason))
                end = TrialEnd("interrupted", reason)
            self._tell_end(spec, end)

    def _stop(self, state: Any, number: int | None) -> None:
        """End the running trial, or take back one that waits; the running one if no number is given."""
        self._reap()  # a trial that has just ended by itself was not stopped
        for spec in [spec for spec in self.waiting if spec.number == number]:
            self.waiting.remove(spec)
            self._tell_end(spec, TrialEnd(state, "it had not started"))
        if self.watch and number in (None, self.watch.spec.number):
            self.watch.stop(state, time.monotonic())

    def _leave(self) -> None:
        self.leaving = True
        self.waiting.clear()
        self._stop("interrupted", None)

    def _ended(self, watch: Watch, end: TrialEnd) -> None:
        if watch.lost:
            if self.starts.warm:
                self.starts.warm.lost(watch.lost)
            self.send({"event": "lost", "trial": watch.spec.number, "reason": watch.lost})
        elif watch.unfit:
            self._start_afresh(watch)
        elif self._doubted:
            self._settle(watch, end)
        elif watch.process.forked and self._is_doubtful(end):
            self._doubted = end
            watch.say("it failed as a forked process; it is tried once more as a plain one")
            self._start(watch.spec, afresh=True)
        else:
            self._tell_end(watch.spec, end, watch.checkpoints)

    def _start_afresh(self, watch: Watch) -> None:
        """A script has set a variable otherwise than the one that was learnt from, before an import."""
        package, variable = watch.unfit["package"], watch.unfit["variable"]
        why = f"trial {watch.spec.number} sets {variable} to another value before it imports {package}"
        if self.starts.warm and not self.starts.warm.off:
            self.starts.warm.give_up(why)
        watch.say(f"it is started once more, afresh: it sets {variable} before it imports {package}")
        self._start(watch.spec, afresh=True)

    def _is_doubtful(self, end: TrialEnd) -> bool:
        """Whether a forked trial may have failed because it was forked."""
        crashed = end.kind in CRASHES and not end.rows and not self.leaving
        return crashed and len(self._shared) < DOUBTS and alike(end.reason) not in self._shared

    def _settle(self, watch: Watch, end: TrialEnd) -> None:
        """A trial that had failed when forked has run as a plain process: was it the fork?"""
        assert self._doubted is not None
        if end.state != "failed" or end.rows:
            number, reason = watch.spec.number, self._doubted.reason
            if self.starts.warm and not self.starts.warm.off:
                text = f"trial {number} failed when forked ({reason}), but not as a plain process"
                self.starts.warm.give_up(text)
        else:
            self._shared.add(alike(self._doubted.reason))
        self._doubted = None
        self._tell_end(watch.spec, end, watch.checkpoints)

    def _tell_end(
        self, spec: TrialSpec, end: TrialEnd, checkpoints: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Keep how an attempt has ended, then tell it: whoever is to hear may have gone."""
        with contextlib.suppress(OSError):  # a trial without a directory has never begun
            ended.keep(spec, end, list(checkpoints))
        self.send({"event": "end", "trial": spec.number, **end.to_dict()})

    def _signalled(self) -> None:
        numbers = self._wakeups.recv(4096)
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._leave()  # a batch system signals the trial as well: that is an interruption too
        self._reap()

    def _reap(self) -> None:
        for pid, status in reap():
            self.starts.reaped(pid, status)
            if self.watch and self.watch.process.pid == pid and not self.watch.process.forked:
                self.watch.over(status)

    def _write(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self.slot.send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # the slot is gone; reading tells so too
            self._unsent.clear()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        key = self.selector.get_map().get(self.slot)
        if key and key.events != wanted:
            self.selector.modify(self.slot, wanted, key.data)


def _signals_as_bytes() -> socket.socket:
    """A socket that receives a byte for each SIGCHLD, SIGTERM and SIGINT."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return receiver


def _detach() -> None:
    """Out of the caller's family: not its child, in no process group or session of its."""
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)  # an ignored signal would stay ignored in every trial


def main() -> None:
    """Serve the slot at the other end of the descriptor in argv, which also names the file to be seen by."""
    slot = socket.socket(fileno=int(sys.argv[1]))
    slot.set_inheritable(False)
    _detach()
    adopt_orphans()
    service = Service(slot, private_directory(), Presence(sys.argv[2]))
    try:
        service.run()
    finally:
        service.close()


if __name__ == "__main__":
    main()
