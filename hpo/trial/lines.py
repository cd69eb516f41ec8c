"""Bytes as they come from a socket → whole lines, and JSON objects to and from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LIMIT = 16 * 2**20
"""Bytes; a longer line is dropped, so that one script cannot fill the memory."""


_encode = json.JSONEncoder(separators=(",", ":")).encode


class Lines:
    """Puts lines together again."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.dropped = 0
        """Lines that were too long."""
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, without their ends."""
        *ends, rest = chunk.split(b"\n")
        lines = []
        for end in ends:
            self._take(end)
            if self._size <= self.limit:
                lines.append(b"".join(self._parts))
            else:
                self.dropped += 1
            self._parts, self._size = [], 0
        self._take(rest)
        return lines

    def rest(self) -> bytes:
        """What stands after the last line's end, at the end of the stream."""
        return b"".join(self._parts)

    def _take(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self.limit:
            self._parts = []
        elif part:
            self._parts.append(part)


def pack(message: Mapping[str, Any]) -> bytes:
    """One message as one line."""
    return _encode(message).encode() + b"\n"


def unpack(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line, None where it holds none."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
