"""A schedule that `hpo schedule` printed, and a sweep → the sweep of one trial that trains with it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hpo.errors import UserError
from hpo.space.categories import Constant
from hpo.space.conditions import Entry
from hpo.space.space import Leaf, SearchSpace
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import Replay

HOW = "it holds `config:` and `schedule:`, as `hpo schedule RUN > schedule.yaml` writes them"


def read_schedule(file: Path) -> dict[int, dict[str, Any]]:
    """Iteration → the whole configuration from there on; 0 is there. Raises UserError."""
    read = _read(file)
    config = read.get("config") if isinstance(read, dict) else None
    values = read.get("schedule") if isinstance(read, dict) else None
    if not isinstance(config, dict) or not isinstance(values, dict) or not _all_plans(values):
        raise UserError(f"{file} is no schedule: {HOW}")
    changes: dict[int, dict[str, Any]] = {}
    for at in sorted({0, *(at for changing in values.values() for at in changing)}):
        config = copy.deepcopy(config)
        for name, changing in values.items():
            if at in changing and not _put(config, str(name), changing[at]):
                raise UserError(f"{file}: `schedule` names '{name}', which is not in `config`")
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
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        how = "write one with `hpo schedule RUN > schedule.yaml`"
        raise UserError(f"{file} cannot be read: {error.strerror}; {how}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is no schedule: it is not text; {HOW}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        what = getattr(error, "problem", None) or "it is not YAML"
        raise UserError(f"{place}: this is no schedule: {what}; {HOW}") from error


def _all_plans(values: Mapping[str, Any]) -> bool:
    plans = [one for one in values.values() if isinstance(one, dict)]
    return len(plans) == len(values) and all(isinstance(at, int) and at >= 0 for one in plans for at in one)


def _put(config: dict[str, Any], name: str, value: Any) -> bool:
    """Set a parameter by its dotted name; whether it is there."""
    if name in config:
        config[name] = value
        return True
    parts = [key for key in config if name.startswith(f"{key}.") and isinstance(config[key], dict)]
    return any(_put(config[key], name[len(key) + 1 :], value) for key in parts)


def _has(config: Mapping[str, Any], leaf: Leaf) -> bool:
    try:
        SearchSpace.value(config, leaf)
    except (KeyError, TypeError):
        return False
    return True


def _constants(parameters: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration has of a tree of parameters; inactive ones are left out."""
    found = {}
    for name in parameters.keys() & config.keys():
        entry, value = parameters[name], config[name]
        content = entry.content if isinstance(entry, Entry) else entry
        nested = isinstance(content, Mapping)
        found[name] = _constants(content, value) if nested else Constant(distribution="constant", value=value)
    return found
