"""The warm parent of a node: imports once what trials import, then forks a process for each trial.

A plain process of the user's own interpreter, with one thread and without CUDA, shared by all slots of a run
on its node. It begins bare; what is to be imported is imported by a fork of it, its successor, which takes
its place if it may still be forked afterwards: a module that starts a thread spoils only that attempt.

A supervisor connects once a trial and sends one JSON line, then reads what becomes of it:

    trial    {"words", "target", "module", "arguments", "env", "cwd"} and the log's descriptor
             -> {"pid"} or {"refused"}, and at the end {"status": wait status}
    body     {"body": place} of the descriptor of a file that holds the line: a request too large to be queued
    learn    {"learn": [modules], "sets": [variables that were set between them]}; only the first counts

Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import CodeType
from typing import Any, NoReturn

from hpo.trial import fresh, hugepages, learning, temporary
from hpo.trial.descriptions import reopen
from hpo.trial.learning import Imports
from hpo.trial.link import Link
from hpo.trial.moments import Moments
from hpo.trial.randomness import Randomness
from hpo.trial.strays import Sweeper
from hpo.trial.wrapper import Unlike, Wrapper

CHUNK = 2**18
HOLD = 60.0
"""Seconds that trials wait for imports; then they are forked without. A setup is waited for."""
LAST_WORDS = 2.0
"""Seconds for a successor to do what its imports want done at exit."""
COLLAPSE_AFTER, COLLAPSE = 16, 2.0
"""So many trials make it worth to gather memory in huge pages, for so many seconds at most."""
ATTEMPTS = 20
"""Modules that may turn out unsafe, one an attempt."""
DEATHS = 3
"""Attempts after which a successor that was killed gets none itself."""


Succeed = Callable[["ForkServer", int], NoReturn]
"""In a fork of a generation: be its successor, and report to the descriptor."""


class ForkServer:
    """One generation of the warm parent: forks trials, or has a successor that does.

    `starter` hears what is to be said to the user; `order` is what the first generation was told to do.
    """

    def __init__(
        self, listener: socket.socket, starter: socket.socket, order: dict[str, Any], succeed: Succeed
    ) -> None:
        self.listener, self.starter, self.order, self.succeed = listener, starter, order, succeed
        self.selector = selectors.DefaultSelector()
        self.wakeups = fresh.signals_as_bytes()
        self.selector.register(self.wakeups, selectors.EVENT_READ, self._reap)
        self.sweeper = Sweeper()
        self.links: dict[int, Link] = {}
        self.files: set[int] = set()
        """Descriptors of files that imports and the setup have left open: each trial opens its own."""
        self.randomness = Randomness()
        """What imports and the setup have drawn: each trial draws it anew."""
        self.moments = Moments()
        """Times that imports have kept: each trial's are its own."""
        self.imports = Imports()
        """The variables that imports and the setup went by: a trial that sets others starts afresh."""
        self.wrapper = Wrapper({}, {})
        """What the interpreter's own start has set: in trials too."""
        self.codes: dict[str, tuple[tuple[int, int], CodeType]] = {}
        self.preloaded = frozenset(sys.modules)
        self.outer: list[Any] = []
        """What the first generation has open beside, and no other is to have."""
        self.successor = self.succeeded = 0
        self.refusal = ""
        self.attempts = self.forks = 0
        self.hold_until: float | None = None
        self.accepting = False
        self.going = True

    def serve(self) -> None:
        """Until `going` is false: the first generation says when, its successors end with it."""
        while self.going:
            due = min(self.sweeper.due, math.inf if self.hold_until is None else self.hold_until)
            left = None if due == math.inf else max(0.0, due - time.monotonic())
            for key, _ in self.selector.select(left):
                key.data()
            self.sweeper.sweep(self._known(), time.monotonic())
            if self.hold_until is not None and time.monotonic() >= self.hold_until:
                self.accept(True)
        self._end_successor()
        self.sweeper.finish()

    def _known(self) -> set[int]:
        return {self.successor, *(link.pid for link in self.links.values())}

    def accept(self, wanted: bool) -> None:
        """Take trials in, or leave them in the queue."""
        self.hold_until = None
        if wanted and not self.accepting:
            self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        elif self.accepting and not wanted:
            self.selector.unregister(self.listener)
        self.accepting = wanted

    def advance(self) -> None:
        """Fork a successor that imports and sets up as ordered; trials wait for it."""
        self.accept(False)
        self.attempts += 1
        if not self.order["setup"]:
            self.hold_until = time.monotonic() + HOLD
        reading, writing = os.pipe()
        parent = os.getpid()
        self.successor = os.fork()
        if self.successor == 0:
            os.close(reading)
            self.let_go()
            fresh.reset_signals()
            fresh.die_with(parent)
            self.succeed(self, writing)
        os.close(writing)
        self.selector.register(reading, selectors.EVENT_READ, lambda: self._heard(reading))

    def let_go(self) -> None:
        """In a fork: close what belongs to this generation alone; its successor, too, tells the starter."""
        self.selector.close()
        for one in (self.wakeups, *self.outer):
            if one is not self.starter:
                one.close()
        for link in self.links.values():
            link.close()

    def note(self, text: str) -> None:
        """Tell the user something, once."""
        with contextlib.suppress(OSError):
            self.starter.sendall(json.dumps({"note": text}).encode() + b"\n")

    def _heard(self, reading: int) -> None:
        """The successor is ready, or could not be."""
        self.selector.unregister(reading)
        with os.fdopen(reading, "rb") as file:
            report = json.loads(file.read() or b'{"died": true}')
        if "ready" in report and self.successor:
            self.accept(False)
            self.succeeded = self.successor
        elif "unsafe" in report and self.attempts < ATTEMPTS:
            self._leave_out(report["unsafe"], report["why"])
            self.order["without"] += report["inside"]
            self.advance()
            return
        elif "failed" in report:
            self.refusal = report["failed"]
            self.note(f"trials start without preloading: {self.refusal}")
            self.accept(True)
        else:
            self.note("nothing is preloaded: the process that imported for all trials died")
            self.accept(True)
        if report.get("missing"):
            self.note("not preloaded: " + ", ".join(report["missing"]))

    def _leave_out(self, names: list[str], why: str) -> None:
        """The next successor does without what was not safe; trials do it by themselves."""
        if names == [self.order["setup"]]:
            self.note(f"each trial calls {names[0]} by itself, since that {why}")
            self.order["setup"] = None
            return
        *others, last = names
        who = f"{', '.join(others)} and {last} are" if others else f"{last} is"
        self.note(f"{who} not preloaded: {last if others else 'it'} {why}")
        self.order["without"] += names

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self.listener.accept()
            link = self.links[connection.fileno()] = Link(connection)
            self.selector.register(connection, selectors.EVENT_READ, lambda: self._read(link))

    def _read(self, link: Link) -> None:
        try:
            chunk, descriptors, _, _ = socket.recv_fds(link.connection, CHUNK, 4)
        except OSError:
            chunk, descriptors = b"", []
        link.descriptors += descriptors
        link.bytes += chunk
        if link.bytes.endswith(b"\n"):
            request = link.request()
            if request is None:
                link.send({"refused": "no more files can be opened"})
            elif "learn" in request:
                self._learn(request)
            elif not link.closed():
                self._fork(link, request)
        elif not chunk:
            self._drop(link)

    def _drop(self, link: Link) -> None:
        """A supervisor has gone: so does its trial."""
        if link.pid:
            self.sweeper.ended(link.pid, time.monotonic())
            os.kill(link.pid, signal.SIGKILL)  # it may be too young to have a group of its own
            with contextlib.suppress(OSError):
                os.killpg(link.pid, signal.SIGKILL)
        self.selector.unregister(link.connection)
        del self.links[link.connection.fileno()]
        link.close()

    def _learn(self, request: dict[str, Any]) -> None:
        if self.order["modules"] is None and not self.refusal:
            self.order |= {"modules": request["learn"], "sets": request["sets"]}
            self.advance()

    def _fork(self, link: Link, request: dict[str, Any]) -> None:
        if self.refusal:
            link.send({"refused": self.refusal})
            return
        try:
            request["env"] = self.wrapper.of(request["env"])
        except Unlike as error:
            link.send({"refused": f"{request['words'][0]} sets variables by {error}, in which trials differ"})
            return
        code = self._code(request)
        parent = os.getpid()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        try:
            link.pid = os.fork()
            if link.pid == 0:
                self._become_trial(parent, link, request, code)
            self.forks += 1
            if self.forks == COLLAPSE_AFTER:
                hugepages.collapse(COLLAPSE)
        except OSError as error:
            link.send({"refused": f"cannot fork: {error}"})
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _code(self, request: dict[str, Any]) -> CodeType | None:
        """A script's code, compiled once while the file stays as it is; None leaves errors to the trial."""
        if request["module"]:
            return None
        path = os.path.join(request["cwd"], request["target"])
        try:
            found = os.stat(path)
            state = (found.st_mtime_ns, found.st_size)
            if path not in self.codes or self.codes[path][0] != state:
                self.codes[path] = (state, fresh.compiled(path))
            return self.codes[path][1]
        except Exception:
            return None

    def _become_trial(
        self, parent: int, link: Link, request: dict[str, Any], code: CodeType | None
    ) -> NoReturn:
        """In the new process: nothing of the parent's stays but what it has imported."""
        try:
            os.setsid()
            fresh.die_with(parent)
            fresh.adopt_orphans()  # so that the parent's own are those of trials that have ended
            fresh.reset_signals()
            os.dup2(link.descriptors[0], 1)
            os.dup2(link.descriptors[0], 2)
            link.send({"pid": os.getpid()})  # by itself: a trial of which nobody knows does nothing yet
            self.let_go()
            self.listener.close()
            self.starter.close()
            reopen(self.files)
            fresh.enter(request)
            temporary.own_folders()
            self.randomness.renew()
            self.moments.renew()
            self.imports.watch(request["env"], request["env"].get("HPO_CHANNEL", ""))
            if request["env"].get("HPO_LEARN"):
                learning.note_sets()
            fresh.run(request, code, self.preloaded, temporary.guarded)
        finally:
            os._exit(1)

    def _reap(self) -> None:
        numbers = self.wakeups.recv(4096)
        if signal.SIGTERM in numbers:
            self.going = False
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                self._ended(*found)

    def _end_successor(self) -> None:
        """Let it do what it wants to do at exit; one that takes too long is killed with this process."""
        if self.successor:
            os.kill(self.successor, signal.SIGTERM)
        enough = time.monotonic() + LAST_WORDS
        while self.successor and time.monotonic() < enough:
            if os.waitpid(self.successor, os.WNOHANG)[0]:
                self.successor = 0
            else:
                time.sleep(0.005)

    def _ended(self, pid: int, status: int) -> None:
        if pid == self.successor:
            self.successor = 0
            if pid == self.succeeded and self.attempts < DEATHS:
                self.advance()
            elif pid == self.succeeded:
                self.note(f"nothing is preloaded any more: what forks trials was ended {DEATHS} times")
                self.accept(True)
        for link in self.links.values():
            if link.pid == pid:
                self.sweeper.ended(pid, time.monotonic())
                link.pid = 0
                link.send({"status": status})
