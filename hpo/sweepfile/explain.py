"""A loaded sweep → what `hpo check` tells about it, as plain data ready for JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from hpo.errors import Problem
from hpo.space.categories import WeightedCategorical
from hpo.space.grid import Grid
from hpo.space.space import Leaf
from hpo.sweepfile.load import Loaded
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.program import is_class
from hpo.sweepfile.section import EarlyTermination
from hpo.trial.command import expand

SHOWN_RUNGS = 12
"""Rungs of min_iter · eta^k go on for ever; so many are listed."""


def explain(loaded: Loaded, samples: int = 3, seed: int | None = None) -> dict[str, Any]:
    """All that can be said before a trial runs; of an invalid sweep its problems."""
    told = _told(loaded.sweep, samples, seed) if loaded.sweep else _unknown(loaded.source)
    told["warnings"] = [_problem(p) for p in loaded.warnings]
    told["errors"] = [_problem(p) for p in loaded.errors]
    return told


def configurations(sweep: Sweep, samples: int, seed: int | None = None) -> list[dict[str, Any]]:
    """The first configurations that the sweep would try.

    Grid: its first cells. Random: the draws of `seed`, else of `hpo.seed`, else of 0. Bayes begins with the
    same draws; what its model proposes later depends on results.
    """
    if sweep.method == "grid":
        grid = Grid(sweep.space)
        return [grid[i] for i in range(min(samples, grid.size))]
    chosen = seed if seed is not None else sweep.hpo.seed or 0
    return [sweep.space.sample(chosen, i) for i in range(samples)]


def _unknown(source: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys for a sweep that is not valid: what it says of itself, and nothing made of it."""
    nothing = dict.fromkeys(("sampler", "metric", "grid_size", "early_terminate", "run_cap", "resources"))
    lists: dict[str, Any] = {"parameters": [], "samples": [], "commands": []}
    return {"name": source.get("name"), "method": source.get("method"), **nothing, **lists}


def _told(sweep: Sweep, samples: int, seed: int | None) -> dict[str, Any]:
    metric, rule = sweep.metric, sweep.early_terminate
    configs = configurations(sweep, samples, seed)
    return {
        "name": sweep.name,
        "method": sweep.method,
        "sampler": sweep.sampler,
        "metric": {"name": metric.name, "goal": metric.goal, "target": metric.target} if metric else None,
        "parameters": [_parameter(leaf) for leaf in sweep.space.leaves],
        "grid_size": Grid(sweep.space).size if sweep.method == "grid" else None,
        "early_terminate": _rule(rule) if rule else None,
        "run_cap": sweep.run_cap,
        "resources": sweep.hpo.resources.model_dump(),
        "samples": configs,
        "commands": [command_line(sweep, config) for config in configs],
    }


def _rule(rule: EarlyTermination) -> dict[str, Any]:
    told: dict[str, Any] = {"type": rule.type, "rungs": rule.rungs(SHOWN_RUNGS)}
    if brackets := rule.shares():
        told["brackets"] = [{"rungs": list(one.rungs), "share": round(one.share, 3)} for one in brackets]
    return told


def command_line(sweep: Sweep, config: Mapping[str, Any]) -> list[str]:
    """The argv of a trial; empty where neither program nor command is named, or a class."""
    if (sweep.program is None and sweep.command is None) or is_class(sweep):
        return []
    return expand(sweep.command, sweep.program, config, env=dict(os.environ), json_file="args.json")


def _parameter(leaf: Leaf) -> dict[str, Any]:
    d = leaf.distribution
    told: dict[str, Any] = {"name": leaf.name, "path": list(leaf.path), "distribution": d.name}
    support = d.support()
    for key, end in zip(("low", "high"), support or (), strict=False):
        if math.isfinite(end):
            told[key] = end
    told |= {key: getattr(d, key) for key in ("q", "mu", "sigma", "a", "b") if key in type(d).model_fields}
    if "values" in type(d).model_fields:
        told["values"] = d.model_dump()["values"]
    if isinstance(d, WeightedCategorical):
        told["probabilities"] = d.probabilities
    if d.constant:
        told["constant"] = d.ppf(0.5)
    return told


def _problem(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {"line": place.line, "column": place.column, "key": problem.key, "message": problem.text}
