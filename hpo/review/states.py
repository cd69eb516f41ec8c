"""How many trials are in each state → one line of text; the colours of states."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

STATE_STYLES = {"stopped": "yellow", "failed": "red", "interrupted": "magenta", "running": "cyan"}
"""Colour of each state; `finished` is plain."""


def counts_text(states: Mapping[str, int]) -> Text:
    """«20 trials: 15 finished, 3 stopped, 2 failed»; states without trials are left out."""
    total = sum(states.values())
    text = Text(f"{total} trial{'' if total == 1 else 's'}")
    for index, (state, number) in enumerate(item for item in states.items() if item[1]):
        text.append(": " if index == 0 else ", ")
        text.append(f"{number} {state}", style=STATE_STYLES.get(state, ""))
    return text
