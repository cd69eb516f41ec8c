"""Trials that took over each other's states → the stretches of training behind one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.record.trial import Generation, TrialRecord


@dataclass(frozen=True)
class Stretch:
    """Iterations `begin` + 1 … `end` of a model's training, counted from its very beginning."""

    trial: int
    begin: int
    end: int
    config: dict[str, Any]
    after: int = 0
    """The trial's own iteration after which it begins."""


def lineage(trials: Mapping[int, TrialRecord], winner: TrialRecord) -> list[Stretch]:
    """What led to a trial's best value, in order; the last stretch goes on to where its training ended."""
    generations = generations_of(winner)
    at = _generation_at(winner, winner.value_at)
    later = [one.iteration for one in generations[at + 1 :]]
    return _joined(_ancestry(trials, winner.number, later[0] if later else winner.iterations, at))


def generations_of(trial: TrialRecord) -> tuple[Generation, ...]:
    """All of a trial's, one where it never changed."""
    return trial.generations or (Generation(0, None, 0, trial.config),)


def _generation_at(trial: TrialRecord, iteration: int) -> int:
    """Index of the one that an iteration was trained under."""
    begun = [i for i, one in enumerate(generations_of(trial)) if one.iteration < iteration]
    return begun[-1] if begun else 0


def _ancestry(trials: Mapping[int, TrialRecord], number: int, until: int, at: int) -> list[Stretch]:
    parts: list[tuple[int, int, Generation]] = []
    while True:
        one = generations_of(trials[number])[at]
        parts.append((number, max(0, until - one.iteration), one))
        if one.donor is None or one.donor not in trials:
            break
        number, until = one.donor, one.donor_iteration
        at = _generation_at(trials[number], until)
    stretches, begin = [], 0
    for trial, length, one in reversed(parts):
        stretches.append(Stretch(trial, begin, begin + length, one.config, one.iteration))
        begin += length
    return stretches


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Without empty ones."""
    return [one for one in stretches if one.end > one.begin] or stretches[-1:]
