"""Boxes that rich and its kin draw around messages → their titles and what stands in them.

Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

_ASCII = re.compile(r"( *)(\+-+(?: [^+]*?)?-+\+)$")
_TOP = re.compile(r"( *)([╭┌┏╔][─━═]*(?: [^┬┳╦┯┰╤]*?)?[─━═]*[╮┐┓╗])$")
_BOTTOM = re.compile(r"[╰└┗╚][─━═]|\+-+\+$")
_SIDES = ("│", "┃", "║", "|")
_LINES = "─━═╭╮╰╯┌┐└┘┏┓┗┛╔╗╚╝"
_RULE = re.compile(r"[\s─━═╌╍┄┅╴╶╭╮╰╯┌┐└┘┏┓┗┛╔╗╚╝├┤┬┴┼│┃║+=*#_~^.▔▁-]*$")


@dataclass(frozen=True)
class Box:
    """One box of a log."""

    title: str
    lines: tuple[str, ...]
    """What stands in it, without its sides."""
    indent: int
    width: int
    """Columns with its sides: what stands beside or in it was wrapped to that."""

    @property
    def paragraphs(self) -> list[list[str]]:
        """The lines in it that were not wrapped, in groups between empty lines and rules."""
        groups: list[list[str]] = [[]]
        for line in self.lines:
            if is_rule(line):
                groups.append([])
            else:
                groups[-1].append(line)
        return [unwrapped(group, self.width - 4) for group in groups if group]


Part = Union[str, Box]  # noqa: UP007 - Python 3.9 cannot evaluate the other form
"""A line, or a box."""


def split(log: Sequence[str]) -> Iterator[Part]:
    """Lines and boxes in their order; one that is not closed ends with its last side."""
    at = 0
    while at < len(log):
        top = _TOP.match(log[at]) or _ASCII.match(log[at])
        box, after = _box(log, at, top) if top else (None, at + 1)
        yield log[at] if box is None else box
        at = at + 1 if box is None else after


def is_rule(line: str) -> bool:
    """Whether a line is empty, or drawn and not written."""
    return _RULE.match(line) is not None


def unwrapped(lines: Sequence[str], width: int) -> list[str]:
    """Lines as they were before they were wrapped: the next word had no room in `width` columns."""
    whole: list[str] = []
    last = 0
    for line in lines:
        word = (line.split(None, 1) or [""])[0]
        if whole and word and last + 1 + len(word) > width:
            whole[-1] += " " + line.strip()
        else:
            whole.append(line.strip())
        last = len(line)
    return whole


def _box(log: Sequence[str], top: int, found: re.Match[str]) -> tuple[Box | None, int]:
    """The box whose top line was found, if it is one, and where the log goes on."""
    indent, drawn = len(found[1]), found[2]
    inside: list[str] = []
    at = top + 1
    while at < len(log) and not log[at][:indent].strip() and log[at][indent : indent + 1] in _SIDES:
        line = log[at][indent + 1 :].rstrip()
        line = line[:-1].rstrip() if line.endswith(_SIDES) else line
        inside.append(line[1:] if line.startswith(" ") else line)
        at += 1
    if not inside:
        return None, at
    closed = at < len(log) and _BOTTOM.match(log[at][indent:])
    title = drawn[1:-1].strip("-" + _LINES).strip()
    return Box(title, tuple(inside), indent, len(drawn)), at + bool(closed)
