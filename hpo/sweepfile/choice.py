"""What `method:` comes to: which sampler makes the suggestions, and why."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from hpo.space.categories import Categorical
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.search import METHODS, NEEDED

SMALL = 100
"""Trials up to which a Gaussian process is worth its time; its cost grows with their cube."""
MANY = 20
"""Parameters above which a Gaussian process has too little to go by."""


@dataclass(frozen=True)
class Choice:
    """A sampler's name in the table of searchers; `reason` says why it, where there was a choice."""

    sampler: str
    reason: str = ""


def choose(sweep: Sweep, count: int | None = None) -> Choice:
    """The sampler of a sweep that runs `count` trials, by default its run_cap."""
    if sweep.method not in METHODS:
        return Choice("custom")
    if sweep.method != "bayes":
        return Choice(sweep.method)
    if sweep.several:
        return Choice("tpe", "there are several metrics")
    against = _against_gp(sweep, count or sweep.run_cap)
    if against:
        return Choice("tpe", against)
    return Choice("gp", f"there are no more than {SMALL} trials, of mostly numeric parameters")


def _against_gp(sweep: Sweep, count: int | None) -> str:
    """Why a Gaussian process would not do; empty where it would."""
    searched = sweep.space.searched
    choices = sum(isinstance(leaf.distribution, Categorical) for leaf in searched)
    if count is None:
        return "how many trials there will be is not known"
    if count > SMALL:
        return f"there are more than {SMALL} trials"
    if sweep.space.conditional:
        return "some parameters are conditional"
    if len(searched) > MANY:
        return f"there are more than {MANY} parameters"
    if 3 * choices > len(searched):
        return f"{choices} of {len(searched)} parameters are choices"
    if missing := lacking("gp"):
        return f"{' and '.join(missing)} is not installed here"
    return ""


def lacking(method: str) -> list[str]:
    """Packages that a method needs and that are not installed; nothing is imported."""
    return [name for name in NEEDED.get(method, ()) if find_spec(name) is None]
