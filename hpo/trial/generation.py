"""The first warm parent and its successors: how each begins and ends. See hpo.trial.forkserver."""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import selectors
import socket
import sys
from typing import Any, NoReturn

from hpo.trial import fresh, preload, setup, temporary
from hpo.trial.descriptions import files, reopen, unshareable
from hpo.trial.exits import Exits
from hpo.trial.forkserver import ForkServer
from hpo.trial.learning import Imports
from hpo.trial.own import Own
from hpo.trial.wrapper import Wrapper


def first(descriptor: int) -> None:
    """Serve until the last supervisor has gone; `descriptor` leads to the one that started this process."""
    for name in [name for name in sys.modules if name.startswith("hpo.trial")]:
        del sys.modules[name]  # a trial that imports hpo finds what a fresh process would find
    starter = socket.socket(fileno=descriptor)
    with starter.makefile("rb") as file:
        order = json.loads(file.readline())
    fresh.adopt_orphans()
    listener, roll = _listen(order["socket"]), _listen(order["socket"] + ".roll")
    server = ForkServer(listener, starter, order, succeed)
    server.wrapper = Wrapper(order.pop("environment"), os.environ)
    lock = os.fdopen(order["lock"], "rb", closefd=True)  # held as long as this process lives
    members = _Members(server, roll, lock)
    members.add(starter)
    server.note("")  # listening
    if order["modules"] or order["setup"]:
        server.advance()
    else:
        server.accept(True)
    server.serve()
    with contextlib.suppress(OSError):
        for end in ("", ".roll", ".lock"):
            os.unlink(order["socket"] + end)
        os.rmdir(os.path.dirname(order["socket"]))
    with contextlib.suppress(OSError):
        if os.stat(order["log"]).st_size == 0:
            os.unlink(order["log"])


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(512)
    listener.setblocking(False)
    return listener


class _Members:
    """The supervisors that use this warm parent; with the last one it ends."""

    def __init__(self, server: ForkServer, roll: socket.socket, lock: Any) -> None:
        self.server = server
        self.count = 0
        server.outer = [roll, lock]
        server.selector.register(roll, selectors.EVENT_READ, lambda: self.add(roll.accept()[0]))

    def add(self, member: socket.socket) -> None:
        """One more."""
        self.count += 1
        self.server.outer.append(member)
        self.server.selector.register(member, selectors.EVENT_READ, lambda: self._left(member))

    def _left(self, member: socket.socket) -> None:
        self.server.selector.unregister(member)
        self.server.outer.remove(member)
        member.close()
        self.count -= 1
        self.server.going = self.count > 0


def succeed(predecessor: ForkServer, report: int) -> NoReturn:
    """In a fork of the predecessor: import and set up, say how it went, serve."""
    try:
        order, exits, open_before = predecessor.order, Exits(), files()
        randomness, imports = predecessor.randomness, predecessor.imports
        imports.learn(order["sets"])
        imports.hear()
        reopen(predecessor.files)
        fresh.adopt_orphans()  # first: what the setup starts in the background is its own affair
        try:
            missing = _prepare(predecessor, exits)
            answer: dict[str, Any] = {"ready": True, "missing": missing}
        except preload.Unsafe as error:
            names, why = error.args
            answer = {"unsafe": names, "why": why, "inside": imports.inside(names)}
        except setup.SetupFailed as error:
            answer = {"failed": str(error)}
        server = None
        if "ready" in answer:
            imports.mark(list(sys.modules))
            gc.collect()
            gc.freeze()
            done = {**order, "setup": None}
            server = ForkServer(predecessor.listener, predecessor.starter, done, succeed)
            server.files = files() - (open_before - predecessor.files)
            server.wrapper = predecessor.wrapper
            server.randomness, server.imports, server.moments = randomness, imports, predecessor.moments
            exits.keep_finalizers()
            server.accept(True)
        os.write(report, json.dumps(answer).encode())
        os.close(report)
        if server is not None:
            server.serve()
        exits.run()
        atexit._run_exitfuncs()  # of what was imported
    finally:
        os._exit(0)


def _prepare(predecessor: ForkServer, exits: Exits) -> list[str]:
    """Import and set up as ordered; what could not be imported. Raises preload.Unsafe, setup.SetupFailed."""
    order, imports, randomness = predecessor.order, predecessor.imports, predecessor.randomness
    folder = order["folder"]
    if folder is not None:
        sys.path.insert(0, folder)
    moments = predecessor.moments
    with Own(imports, randomness, moments, order["target"]) as own, randomness.noted(), moments.noted():
        with temporary.noted():
            names, without = order["modules"] or [], order["without"]
            learned = order["learned"]
            missing = preload.preload(names, learned=learned, without=without, imports=imports, own=own)
        if order["setup"]:
            _set_up(order["setup"], exits, imports, own)
    if folder is not None:
        sys.path.remove(folder)
    return missing


def _set_up(target: str, exits: Exits, imports: Imports, own: Own) -> None:
    """Call the setup. Raises SetupFailed, and preload.Unsafe where it does what each trial must do itself."""

    def imported() -> None:
        if found := own.imported(shared=True):
            raise preload.Unsafe([target], found[1])
        own.begin()

    before = unshareable()
    own.begin()
    failed: setup.SetupFailed | None = None
    try:
        with exits.noted(), preload.noted(imports):
            setup.run(target, imported)
        preload.check([target], before, "when it is called")
    except setup.SetupFailed as error:
        failed = error
    if why := own.done():  # it may have failed for want of that
        raise preload.Unsafe([target], f"{why} when it is called")
    if failed is not None:
        raise failed
