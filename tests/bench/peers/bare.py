"""The bare limit: a parent that has imported all, a forked child a trial, 2 at a time: `bare KIND COUNT`."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.measure import EVENTS
from tests.bench.work import script


def main() -> None:
    """No search, no record, no log: nothing that runs a script can be faster."""
    kind, count = sys.argv[1], int(sys.argv[2])
    for name in _imports_of(kind):
        with contextlib.suppress(Exception):  # a part that wants another to be imported first
            importlib.import_module(name)
    gc.freeze()
    for index in range(count):
        if index >= 2:
            os.wait()
        _forked(partial(script, kind, (index + 0.5) / count))
    for _ in range(min(2, count)):
        os.wait()


def _imports_of(kind: str) -> list[str]:
    """All modules that a run of the script ends with, in the order in which they were imported."""
    found = Path("modules").absolute()

    def learn() -> None:
        os.environ[EVENTS] = os.devnull
        script(kind, 0.5)
        found.write_text("\n".join(sys.modules))

    _forked(learn)
    os.wait()
    return found.read_text().splitlines()


def _forked(call: Callable[[], object]) -> None:
    if os.fork() == 0:
        call()
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
