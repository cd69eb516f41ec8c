"""How many trials came to each rung, and how many went on."""

from __future__ import annotations

from typing import Any

from hpo.review.report.facts import Facts, short

MOST = 40
"""Rungs in the figure."""


def survival(facts: Facts) -> dict[str, Any] | str:
    """A bar a rung, or why there are none."""
    if facts.rule is None and facts.record.sweep.get("early_terminate"):
        return "at which iterations an early_terminate of your own judges is not known"
    if facts.rule is None:
        return "trials were not stopped early: the sweep has no early_terminate"
    if facts.population:
        return "a population stops no trials"
    if not facts.rungs:
        return "no trial has come to the first rung yet"
    rungs = _spread(list(facts.rungs))
    iterations = [trial.iterations for trial in facts.trials]
    reached = [sum(at >= rung for at in iterations) for rung in rungs]
    on = [sum(at > rung for at in iterations) for rung in rungs]
    waiting = [
        sum(trial.iterations == rung and trial.state in ("running", "paused") for trial in facts.trials)
        for rung in rungs
    ]
    eta = getattr(facts.rule, "eta", None)
    return {
        "trials": len(iterations),
        "rungs": rungs,
        "reached": reached,
        "on": on,
        "waiting": waiting,
        "promoted": [
            short(went / (came - wait)) if came > wait else None
            for went, came, wait in zip(on, reached, waiting, strict=True)
        ],
        "expected": short(1 / eta) if eta and not facts.rule.shares() else None,
        "brackets": len(facts.rule.shares()),
        "sampled": len(rungs) < len(facts.rungs) and f"{len(rungs)} of {len(facts.rungs)} rungs are shown",
    }


def _spread(rungs: list[int]) -> list[int]:
    if len(rungs) <= MOST:
        return rungs
    return [rungs[round(k * (len(rungs) - 1) / (MOST - 1))] for k in range(MOST)]
