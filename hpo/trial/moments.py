"""Times and process numbers that modules keep from their import → those of each forked trial, or why not.

`START = time.time()` becomes the fork's own beginning; of a text with a time in it, as the name of a folder
of results, nobody knows the form: what keeps it is left to each trial. Only names of modules are looked at.
Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from hpo.trial.learning import loading

CLOCKS: tuple[Callable[[], float], ...] = (time.time, time.time_ns, time.perf_counter, time.monotonic)
FORMS = ("%m%d%H%M", "%d%m%Y%H%M", "%H%M%S", "%s")
"""What the digits of a time in a text are, whatever stands between them."""

YEARS = 10**9
"""Seconds: a smaller integer may be any number and no time."""
NAME = 200
"""A longer text is no name: among its digits are those of any time."""


class Moments:
    """What modules have kept since this was made."""

    def __init__(self) -> None:
        self._renewals: list[Callable[[], None]] = []
        self._asked: set[str] = set()
        """Modules that have asked for the number of the process while they were imported."""
        self._looked_at = len(sys.modules)
        self.begin()

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Inside, it is kept which modules ask for the number of the process."""
        getpid = os.getpid

        def noting() -> int:
            self._asked.update(loading()[-1:])
            return getpid()

        os.getpid = noting
        try:
            yield
        finally:
            os.getpid = getpid

    def begin(self) -> None:
        """What is imported from here on counts."""
        self._since = [clock() for clock in CLOCKS]

    def keeper(self) -> str:
        """Look at what was imported since this was called last: a module that keeps a time as a text."""
        names = list(sys.modules)[self._looked_at :]
        self._looked_at += len(names)
        texts = self._texts()
        for name in names:
            found = getattr(sys.modules.get(name), "__dict__", {})
            for key, value in list(found.items()):
                if key.startswith("__"):
                    continue
                if type(value) is str and len(value) < NAME:
                    digits = re.sub(r"\D", "", value)
                    if any(text in digits for text in texts):
                        return name
                if (new := self._renewed(name, value)) is not None:
                    self._renewals.append(functools.partial(_assign, found, key, new))
        return ""

    def renew(self) -> None:
        """In a fork: times and numbers are its own."""
        for one in self._renewals:
            one()

    def _texts(self) -> set[str]:
        first, last = int(self._since[0]), int(time.time())
        moments = range(first, min(last, first + 600) + 1)
        here = {time.strftime(form, time.localtime(at)) for form in FORMS for at in moments}
        return here | {time.strftime(form, time.gmtime(at)) for form in FORMS[:-1] for at in moments}

    def _renewed(self, module: str, value: Any) -> Callable[[], Any] | None:
        kind, datetime = type(value), sys.modules.get("datetime")
        if kind is float or kind is int:
            for clock, since in zip(CLOCKS, self._since):  # noqa: B905 (Python 3.9)
                if kind(since) <= value <= clock() and (kind is float or value > YEARS):
                    return lambda: kind(clock())
        elif kind is str and module in self._asked:
            number = re.compile(rf"(?<!\d){os.getpid()}(?!\d)")
            if number.search(value):
                return lambda: number.sub(str(os.getpid()), value)
        elif datetime is not None and kind is datetime.datetime:
            with contextlib.suppress(OverflowError, ValueError, OSError):
                if self._since[0] <= value.timestamp() <= time.time():
                    return lambda: datetime.datetime.now(value.tzinfo)
        return None


def _assign(names: dict[str, Any], key: str, new: Callable[[], Any]) -> None:
    names[key] = new()
