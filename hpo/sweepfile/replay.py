"""A schedule that `hpo schedule` printed, and a sweep → the sweep of one trial that trains with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.errors import SweepError, UserError
from hpo.space.categories import Constant
from hpo.space.conditions import Entry
from hpo.space.space import Leaf, SearchSpace
from hpo.sweepfile.document import parse
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import GENERATIONS, Replay
from hpo.sweepfile.source import read_text

ITERATION = re.compile(r"[0-9]{1,15}")
HOW = "it holds `config:` and `schedule:`, as `hpo schedule RUN > schedule.yaml` writes them"


def read_schedule(file: Path) -> dict[int, dict[str, Any]]:
    """Iteration → the whole configuration from there on; 0 is there. Raises UserError."""
    read = _read(file)
    config = read.get("config") if isinstance(read, dict) else None
    values = read.get("schedule") if isinstance(read, dict) else None
    plans = _plans(values) if isinstance(values, dict) else None
    if not isinstance(config, dict) or plans is None:
        raise UserError(f"{file} is no schedule: {HOW}")
    iterations = sorted({0, *(at for changing in plans.values() for at in changing)})
    if len(iterations) > GENERATIONS:
        raise UserError(f"{file} has {len(iterations)} changes; no more than {GENERATIONS} can be made")
    changes: dict[int, dict[str, Any]] = {}
    for at in iterations:
        for name, changing in plans.items():
            put = _put(config, name, changing[at]) if at in changing else config
            if put is None:
                raise UserError(f"{file}: `schedule` names '{name}', which is not in `config`")
            config = put
        changes[at] = config
    return changes


def replayed(sweep: Sweep, changes: Mapping[int, Mapping[str, Any]]) -> Sweep:
    """The sweep with constants in place of distributions, and one trial; raises UserError if they differ."""
    first = changes[0]
    missing = [leaf.name for leaf in sweep.space.leaves if not leaf.when and not _has(first, leaf)]
    unknown = [name for name in first if name not in sweep.parameters]
    if missing or unknown:
        what = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)} besides"
        raise UserError(f"the schedule is of another sweep: it {what}")
    rule = sweep.early_terminate
    later = {at: dict(config) for at, config in changes.items() if at}
    fields = {name: getattr(sweep, name) for name in Sweep.model_fields}
    fields |= {
        "parameters": _constants(sweep.parameters, first),
        "method": "random",
        "run_cap": 1,
        "early_terminate": Replay(changes=later, max_iter=rule.longest if rule else None),
    }
    return Sweep.model_construct(**fields)


def _read(file: Path) -> Any:
    try:
        return parse(read_text(file), str(file)).value
    except SweepError as error:
        problem = error.problems[0]
        raise UserError(f"{problem.place}: this is no schedule: {problem.text}; {HOW}") from None


def _plans(values: Mapping[str, Any]) -> dict[str, dict[int, Any]] | None:
    """Name → iteration → value; None where something else is there."""
    plans = [one for one in values.values() if isinstance(one, dict)]
    if len(plans) < len(values) or not all(ITERATION.fullmatch(at) for one in plans for at in one):
        return None
    return {name: {int(at): value for at, value in one.items()} for name, one in values.items()}


def _put(config: dict[str, Any], name: str, value: Any) -> dict[str, Any] | None:
    """The configuration with another value of a parameter, by its dotted name; None where it has none."""
    if name in config:
        return {**config, name: value}
    for key in config:
        if name.startswith(f"{key}.") and isinstance(config[key], dict):
            put = _put(config[key], name[len(key) + 1 :], value)
            if put is not None:
                return {**config, key: put}
    return None


def _has(config: Mapping[str, Any], leaf: Leaf) -> bool:
    try:
        SearchSpace.value(config, leaf)
    except (KeyError, TypeError):
        return False
    return True


def _constants(parameters: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration has of a tree of parameters; inactive ones are left out."""
    found: dict[str, Any] = {}
    for name in parameters.keys() & config.keys():
        entry, value = parameters[name], config[name]
        content = entry.content if isinstance(entry, Entry) else entry
        if not isinstance(content, Mapping):
            found[name] = Constant(distribution="constant", value=value)
        elif isinstance(value, Mapping):
            found[name] = _constants(content, value)
        else:
            raise UserError(f"the schedule is of another sweep: its '{name}' holds no parameters")
    return found
