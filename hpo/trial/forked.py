"""A trial that the warm parent forks, as its slot's supervisor sees it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

from hpo.trial.lines import Lines, unpack
from hpo.trial.process import ProcessGroup


class ForkedProcess(ProcessGroup):
    """A trial that the warm parent forks: asked for at once, there when `pid` is known.

    `over` is called with the wait status at its end, `lost` if the warm parent died or refused: before the
    process was there (then another way of starting is open) or under it.
    """

    forked = True

    def __init__(
        self,
        link: socket.socket,
        selector: selectors.BaseSelector,
        over: Callable[[int], None],
        lost: Callable[[str], None],
    ) -> None:
        super().__init__(0)
        self._link, self._selector, self._over, self._lost = link, selector, over, lost
        self._lines = Lines()
        selector.register(link, selectors.EVENT_READ, self._read)

    def close(self) -> None:
        """Hear no more of it; what still runs is killed by the warm parent."""
        if self._link.fileno() >= 0:
            self._selector.unregister(self._link)
            self._link.close()

    def terminate(self, now: float, grace: float) -> None:
        """As for any group; one that is not there yet is not waited for."""
        if self.pid:
            super().terminate(now, grace)
        elif self._link.fileno() >= 0:
            self.close()
            self._over(signal.SIGTERM)

    def _signal(self, number: int) -> bool:
        if not self.pid:  # process group 0 would be our own
            return False
        if super()._signal(number):
            return True
        if self.status is None:  # so young that it has no group of its own yet
            with contextlib.suppress(OSError):
                os.kill(self.pid, number)
                return True
        return False

    def _read(self) -> None:
        try:
            chunk = self._link.recv(2**16)
        except OSError:
            chunk = b""
        for line in self._lines.feed(chunk):
            self._message(unpack(line) or {})
        if not chunk and self._link.fileno() >= 0:
            self.close()
            self.kill()
            self._lost("the process that forks trials died")

    def _message(self, message: Mapping[str, Any]) -> None:
        if "pid" in message:
            self.pid = message["pid"]
        elif "status" in message:
            self.close()
            self._over(message["status"])
        elif "refused" in message:
            self.close()
            self._lost(message["refused"])
