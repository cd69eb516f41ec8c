"""Notes which lines of hpo a process executes; runs in every process that imports hpo from a recording copy.

A line is written the moment it is first executed, so that a process which is killed, or leaves by os._exit,
has said everything. coverage.py would lose that, and never starts in supervisors, run with python -S.
"""

from __future__ import annotations

import os
import sys
import threading
from types import CodeType, FrameType
from typing import Any

START = (
    "__import__('os').path.isdir({notes!r}) and "
    "exec(compile(open({file!r}).read(), {file!r}, 'exec'), {{'ROOT': {root!r}, 'NOTES': {notes!r}}})"
)
"""What a recording copy's modules run first: ROOT is the copy, NOTES the folder for the notes."""


def record(root: str, notes: str) -> None:
    """Trace this thread and those that it starts from now on; each process writes a file of its own."""
    start = os.path.join(root, "hpo", "")
    missing: dict[int, tuple[CodeType, set[int]]] = {}
    """By id, for to hash a code object takes long; the code object itself, so that its id stays its own."""

    def note(code: CodeType, line: int) -> None:
        try:
            file = os.open(f"{notes}/{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(file, f"{code.co_filename[len(root) + 1 :]}\t{line}\n".encode())
            os.close(file)
        except OSError:  # no descriptor left, or the notes were read already
            pass

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        lines = missing[id(frame.f_code)][1]
        if event == "line" and frame.f_lineno in lines:
            lines.discard(frame.f_lineno)
            note(frame.f_code, frame.f_lineno)
        return inside

    def outside(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(start):
            return None
        if id(code) not in missing:
            lines = {line for _, _, line in code.co_lines() if line is not None}
            missing[id(code)] = code, lines - {code.co_firstlineno}
            note(code, code.co_firstlineno)  # of a function, for which no event comes
        return inside if missing[id(code)][1] else None  # what was seen whole costs nothing any more

    threading.settrace(outside)
    sys.settrace(outside)


if "NOTES" in globals():
    record(globals()["ROOT"], globals()["NOTES"])
