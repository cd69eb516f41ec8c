"""The warm parent's end of a supervisor's connection for one trial.

Nothing but the standard library, from Python 3.9 on: the user's own interpreter runs this.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import Any


class Link:
    """A supervisor's connection for one trial."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.bytes = b""
        self.descriptors: list[int] = []
        self.pid = 0

    def request(self) -> dict[str, Any] | None:
        """What the supervisor asks, once its line is whole; None where the file that holds it was lost."""
        request, self.bytes = json.loads(self.bytes), b""
        if "body" in request:
            if len(self.descriptors) <= request["body"]:
                return None
            with os.fdopen(self.descriptors.pop(request["body"]), "rb") as file:
                request = json.loads(file.read())
        return dict(request)

    def send(self, message: dict[str, Any]) -> None:
        """A supervisor that is gone shows when it is read from."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def closed(self) -> bool:
        """Whether the supervisor no longer waits: its trial was stopped before it was forked."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return False

    def close(self) -> None:
        """Close it and what came with it."""
        self.connection.close()
        while self.descriptors:
            os.close(self.descriptors.pop())
