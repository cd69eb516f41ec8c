"""Trials that have read none of their parameters: said after the first one, and when all gave the same."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hpo.trial.recipe import Recipe

MARKS = (b"HPO_CONFIG", b"HPO_TRIAL_DIR", b"WANDB_SWEEP_PARAM_PATH")
"""By one of these a script finds its parameters without asking for them."""
MOST, LONGEST = 200, 2**20
"""Files beside the script that are looked at, and bytes of each."""


@dataclass
class Unread:
    """What the ends of a run's trials tell about it; both methods return what is to be said, if anything."""

    recipe: Recipe
    trials: int = 0
    """Those that have read none."""
    quiet: bool = False
    """Whether one has read some, or may have."""
    values: set[float] = field(default_factory=set)
    configs: set[str] = field(default_factory=set)

    def ended(self, number: int, config: Mapping[str, Any], end: Mapping[str, Any]) -> str:
        """A trial has ended."""
        if self.quiet or "unread" not in end or end.get("state") not in ("finished", "stopped"):
            return ""
        if not end["unread"]:
            self.quiet = True
            return ""
        self.trials += 1
        if len(self.configs) < 2:
            self.configs.add(repr(config))
        value = end.get("last")
        if len(self.values) < 2:
            self.values.add(math.nan if value is None else float(value))
        if self.trials > 1:
            return ""
        self.quiet = _reads_by_itself(self.recipe)
        return "" if self.quiet else f"trial {number} ran without its parameters: {self._why()}"

    def over(self) -> str:
        """The run is over."""
        if self.quiet or self.trials < 2 or len(self.configs) < 2 or len(self.values) != 1:
            return ""
        (value,) = self.values
        if math.isnan(value):
            return ""
        return f"all {self.trials} trials gave the same value, {value:g}, for {self._why()}"

    def _why(self) -> str:
        own = self.recipe
        if own.function:
            passed, remedy = "the function takes no argument", "give it one, the configuration"
        else:
            passed, remedy = "the command has no ${args}", "add ${args} to it"
        return (
            f"{passed}, and neither wandb.config nor hpo.config() was read; {remedy}, unless the script "
            "gets them in a way of its own"
        )


def _reads_by_itself(recipe: Recipe) -> bool:
    """Whether the script, or a module beside it, names what its parameters stand in."""
    if recipe.function or not recipe.program:
        return False
    folder = os.path.dirname(os.path.join(recipe.cwd, recipe.program))
    try:
        names = [entry.path for entry in os.scandir(folder) if entry.name.endswith(".py")]
    except OSError:
        return False
    return any(_marked(path) for path in sorted(names)[:MOST])


def _marked(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(LONGEST)
    except OSError:
        return False
    return any(mark in text for mark in MARKS)
