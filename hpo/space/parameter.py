"""One entry under `parameters:` → a distribution or a nested block, by W&B's rules of inference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hpo.errors import suggest
from hpo.space.distribution import Distribution
from hpo.space.distributions import DISTRIBUTIONS

OTHER_NAMES = {
    "choice": "categorical",
    "discrete": "categorical",
    "gaussian": "normal",
    "int": "int_uniform",
    "integer": "int_uniform",
    "log": "log_uniform_values",
    "loguniform": "log_uniform_values",
    "logit": "log_uniform_values",
    "probabilities": "categorical_w_probabilities",
    "quniform": "q_uniform",
    "randint": "int_uniform",
}
"""What other tools call a distribution → W&B's name."""


@dataclass(frozen=True)
class Fault:
    """Something wrong with a parameter; `path` leads to it from the parameter's own mapping."""

    path: tuple[str, ...]
    message: str
    hint: str = ""
    severity: str = "error"


@dataclass(frozen=True)
class Parsed:
    """A parameter's distribution, or None where faults left none; and its faults."""

    distribution: Distribution | None
    faults: tuple[Fault, ...] = ()


def is_nested(raw: Any) -> bool:
    """Whether an entry is a block of further parameters."""
    return isinstance(raw, Mapping) and "parameters" in raw


def parse_parameter(raw: Any) -> Parsed:
    """Read one parameter that is not a nested block; never raises."""
    if not isinstance(raw, Mapping):
        return Parsed(None, (_not_a_mapping(raw),))
    name, faults = _infer(raw)
    if name is None:
        return Parsed(None, tuple(faults))
    cls = DISTRIBUTIONS[name]
    faults += list(_unknown_keys(raw, cls))
    if any(f.severity == "error" for f in faults):
        return Parsed(None, tuple(faults))
    faults += list(_whole_floats(raw, name))
    try:
        return Parsed(cls.model_validate({**raw, "distribution": name}), tuple(faults))
    except ValidationError as error:
        return Parsed(None, (*faults, *_translated(error, raw, cls)))


def _not_a_mapping(raw: Any) -> Fault:
    if raw is None:
        return Fault(
            (), "the parameter is empty", "write `value: …`, `values: […]` or `min: … max: …` under it"
        )
    if isinstance(raw, list):
        return Fault((), "a parameter is a mapping, not a list", f"write `values: {raw}` under it")
    return Fault((), f"a parameter is a mapping, not {raw!r}", f"write `value: {raw}` under it")


def _infer(raw: Mapping[str, Any]) -> tuple[str | None, list[Fault]]:
    """Name of the distribution: as written, else by the keys that are there."""
    if "distribution" in raw:
        return _named(raw["distribution"])
    if "value" in raw:
        return "constant", []
    if "values" in raw:
        return ("categorical_w_probabilities" if "probabilities" in raw else "categorical"), []
    if "q" in raw:
        return None, [Fault((), "q needs a distribution", "add `distribution: q_uniform`")]
    if "min" in raw or "max" in raw:
        return _between(raw)
    for keys, name in (({"mu", "sigma"}, "normal"), ({"a", "b"}, "beta")):
        if keys & set(raw):
            return None, [Fault((), "no distribution is named", f"add `distribution: {name}`")]
    known = ["value", "values", "min", "max", "distribution", "parameters"]
    close = [Fault((k,), f"unknown key '{k}'", suggest(k, known)) for k in raw]
    return None, close or [
        Fault((), "the parameter is empty", "write `value:`, `values:` or `min:` and `max:`")
    ]


def _named(name: Any) -> tuple[str | None, list[Fault]]:
    if isinstance(name, str) and name in DISTRIBUTIONS:
        return name, []
    other = OTHER_NAMES.get(str(name).lower())
    hint = f"did you mean '{other}'?" if other else suggest(name, DISTRIBUTIONS)
    return None, [Fault(("distribution",), f"unknown distribution {name!r}", hint)]


def _between(raw: Mapping[str, Any]) -> tuple[str | None, list[Fault]]:
    kinds = [type(raw.get(key)) for key in ("min", "max")]
    if kinds == [int, int]:
        return "int_uniform", []
    if set(kinds) == {int, float}:
        note = "one bound is an integer, the other is not: read as uniform (W&B's client refuses it)"
        return "uniform", [Fault(("min",), note, "write `distribution: uniform`", "warning")]
    return "uniform", []


def _unknown_keys(raw: Mapping[str, Any], cls: type[Distribution]) -> Iterator[Fault]:
    for key, value in raw.items():
        if key in cls.model_fields:
            continue
        if isinstance(value, Mapping):
            hint = "it looks like a parameter of its own: indent it as the others are"
        elif key == "probabilities":
            hint = "write `distribution: categorical_w_probabilities`, or leave the distribution out"
        elif owners := [n for n, c in DISTRIBUTIONS.items() if key in c.model_fields]:
            hint = f"it belongs to {', '.join(owners[:4])}"
        else:
            hint = suggest(key, cls.model_fields)
        yield Fault((key,), f"unknown key '{key}' for {cls.name}", hint)


def _whole_floats(raw: Mapping[str, Any], name: str) -> Iterator[Fault]:
    for key in ("min", "max") if name == "int_uniform" else ():
        value = raw.get(key)
        if isinstance(value, float) and value.is_integer():
            yield Fault((key,), f"{value} is read as {int(value)}", "write an integer", "warning")


def _translated(error: ValidationError, raw: Mapping[str, Any], cls: type[Distribution]) -> Iterator[Fault]:
    for one in error.errors():
        field = tuple(str(part) for part in one["loc"][:1])
        context = one.get("ctx", {})
        if one["type"] == "missing":
            needed = [k for k, f in cls.model_fields.items() if f.is_required() and k != "distribution"]
            yield Fault((), f"'{field[0]}' is missing", f"{cls.name} needs {' and '.join(needed)}")
        elif one["type"] == "hpo":
            path = (context["key"],) if context["key"] in raw else field
            yield Fault(path, context["message"], context["hint"])
        else:
            yield Fault(field, one["msg"])
