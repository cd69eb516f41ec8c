"""A loaded sweep → what `hpo check` tells about it, as plain data ready for JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from hpo.errors import Problem
from hpo.space.categories import WeightedCategorical
from hpo.space.cells import Cells
from hpo.space.grid import Grid
from hpo.space.start import SobolStart, Start
from hpo.space.tried import Tried
from hpo.sweepfile.choice import choose
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

    Grid: its first cells. Else `hpo.search.points`, then draws of `seed`, else of the file's own, else of 0.
    Models begin with the same draws; what they propose later depends on results.
    """
    if sweep.method == "grid":
        grid = Grid(sweep.space)
        return [grid[i] for i in range(min(samples, grid.size))]
    own = sweep.hpo.search.seed if sweep.hpo.search.seed is not None else sweep.hpo.seed
    start = Start(sweep.space, seed if seed is not None else own or 0, sweep.hpo.search.points)
    if sweep.method == "qmc":
        start = SobolStart(sweep.space, start.seed, start.points, sweep.hpo.search.scramble)
    repeats = sweep.hpo.allow_duplicates or choose(sweep).sampler == "custom"
    cells = None if repeats else Cells.of(sweep.space)
    if cells is None:
        return [start.config(i) for i in range(samples)]
    return Tried(cells).beginning(start, samples)


def _unknown(source: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys for a sweep that is not valid: what it says of itself, and nothing made of it."""
    nothing = dict.fromkeys(
        ("sampler", "reason", "metric", "metrics", "grid_size", "early_terminate", "run_cap", "resources")
    )
    lists: dict[str, Any] = {"parameters": [], "samples": [], "commands": []}
    return {"name": source.get("name"), "method": source.get("method"), **nothing, **lists}


def _told(sweep: Sweep, samples: int, seed: int | None) -> dict[str, Any]:
    metric, rule, choice = sweep.metric, sweep.early_terminate, choose(sweep)
    configs = configurations(sweep, samples, seed)
    return {
        "name": sweep.name,
        "method": sweep.method,
        "sampler": choice.sampler,
        "reason": choice.reason or None,
        "metric": {"name": metric.name, "goal": metric.goal, "target": metric.target} if metric else None,
        "metrics": [{"name": one.name, "goal": one.goal} for one in sweep.several] or None,
        "parameters": [_parameter(sweep, place) for place in range(len(sweep.space.leaves))],
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


def _parameter(sweep: Sweep, place: int) -> dict[str, Any]:
    leaf = sweep.space.leaves[place]
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
    if conditions := sweep.space.conditions[place]:
        told["when"] = {sweep.space.leaves[c.other].name: list(c.values) for c in conditions}
    return told


def _problem(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {"line": place.line, "column": place.column, "key": problem.key, "message": problem.text}
