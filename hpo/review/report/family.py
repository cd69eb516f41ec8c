"""A population: the schedule of each hyperparameter that changed, and who went on from whose state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpo.record.lineage import Stretch, generations_of, lineage
from hpo.record.trial import TrialRecord
from hpo.record.trials import rank
from hpo.review.report.facts import Facts, short
from hpo.review.report.parameters import Parameter

TRIALS = 100
"""Members whose schedules are drawn, the best ones."""
EXPLOITS = 500
"""Lines between members, the latest ones."""


def family(facts: Facts) -> dict[str, Any] | str:
    """Schedules, lineage and exploits; or why there are none."""
    if not facts.population:
        return "no population: no trial went on from another's state"
    ranked = rank(facts.trials, facts.record.goal)
    members = ranked[:TRIALS]
    winner = ranked[0] if ranked and facts.sound else None
    way = lineage({t.number: t for t in facts.trials}, winner) if winner else []
    changing = [one for one in facts.parameters if _changes(one, facts.trials)]
    return {
        "parameters": [_schedules(one, members, way) for one in changing],
        "members": [[t.number, t.iterations, short(t.value)] for t in sorted(members, key=_number)],
        "exploits": _exploits(facts)[-EXPLOITS:],
        "count": len(_exploits(facts)),
        "winner": winner.number if winner else None,
        "way": [[one.trial, one.begin, one.end] for one in way],
        "sampled": len(members) < len(facts.trials)
        and f"the best {len(members)} of {len(facts.trials)} members are shown",
    }


def _number(trial: TrialRecord) -> int:
    return trial.number


def _changes(parameter: Parameter, trials: Sequence[TrialRecord]) -> bool:
    return any(
        len({parameter.number(generation.config) for generation in generations_of(trial)}) > 1
        for trial in trials
    )


def _schedules(parameter: Parameter, members: list[TrialRecord], way: list[Stretch]) -> dict[str, Any]:
    """Iterations at which a value began and the value; the last point is where training ended."""
    lines = []
    for trial in members:
        generations = generations_of(trial)
        points = [[one.iteration, short(parameter.number(one.config))] for one in generations]
        points.append([trial.iterations, points[-1][1]])
        lines.append({"trial": trial.number, "points": points})
    best = [[one.begin, short(parameter.number(one.config))] for one in way]
    if way:
        best.append([way[-1].end, best[-1][1]])
    return {
        "name": parameter.name,
        "log": parameter.log,
        "labels": list(parameter.labels) or None,
        "lines": lines,
        "best": best,
    }


def _exploits(facts: Facts) -> list[list[int]]:
    """(iteration, clone, donor, the donor's iteration), in the order of iterations."""
    return sorted(
        [one.iteration, trial.number, one.donor, one.donor_iteration]
        for trial in facts.trials
        for one in trial.generations
        if one.donor is not None
    )
