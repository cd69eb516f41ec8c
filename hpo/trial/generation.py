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
from hpo.trial.randomness import Randomness


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
        reopen(predecessor.files)
        fresh.adopt_orphans()  # first: what the setup starts in the background is its own affair
        try:
            with randomness.noted():
                missing = _prepare(order, exits, randomness, imports)
            answer: dict[str, Any] = {"ready": True, "missing": missing}
        except preload.Unsafe as error:
            answer = {"unsafe": error.args[0], "why": error.args[1]}
        except setup.SetupFailed as error:
            answer = {"failed": str(error)}
        server = None
        if "ready" in answer:
            imports.mark()
            gc.collect()
            gc.freeze()
            done = {**order, "setup": None}
            server = ForkServer(predecessor.listener, predecessor.starter, done, succeed)
            server.files = files() - (open_before - predecessor.files)
            server.randomness, server.imports = randomness, imports
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


def _prepare(order: dict[str, Any], exits: Exits, randomness: Randomness, imports: Imports) -> list[str]:
    """Import and set up as ordered; what could not be imported. Raises preload.Unsafe, setup.SetupFailed."""
    sys.argv = [order["target"]]
    folder = order["folder"]
    if folder is not None:
        sys.path.insert(0, folder)
    before = unshareable()
    learned, without = order["learned"], order["without"]
    with temporary.noted():
        missing = preload.preload(
            order["modules"] or [], learned=learned, without=without, randomness=randomness, imports=imports
        )
    if order["setup"]:
        with exits.noted(), preload.noted(imports):
            setup.run(order["setup"])
        preload.check([order["setup"]], before, "when it is called")
    if folder is not None:
        sys.path.remove(folder)
    return missing
