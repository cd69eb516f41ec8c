"""A trial's log file → its last lines, fit for a terminal."""

from __future__ import annotations

import os
from pathlib import Path

from rich.text import Text

from hpo.review.cells import visible

MOST_BYTES = 4096
"""Read from the end of a log, however long it is."""


def tail(run_dir: Path, trial: int, lines: int) -> list[str]:
    """The last non-empty lines of a trial's log, without colours; [] if there is no log."""
    try:
        with (run_dir / "trials" / f"{trial:04d}" / "log.txt").open("rb") as file:
            file.seek(-min(MOST_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    shown = (
        visible(Text.from_ansi(line.rsplit("\r", 1)[-1]).plain.expandtabs()) for line in text.split("\n")
    )
    return [line for line in (line.rstrip() for line in shown) if line][-lines:]
