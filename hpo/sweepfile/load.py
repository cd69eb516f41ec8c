"""A path or a dict → a Sweep, with every problem at once, each with its place and a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hpo.errors import Problem, SweepError, suggest
from hpo.space.conditions import Entry
from hpo.space.parameter import is_nested, parse_parameter
from hpo.space.space import SearchSpace
from hpo.sweepfile.document import Document, as_float, from_mapping, parse
from hpo.sweepfile.early import RULES
from hpo.sweepfile.file_checks import FILE_CHECKS, bands, top_level_keys
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.override import override
from hpo.sweepfile.population_checks import population
from hpo.sweepfile.search_checks import first_points
from hpo.sweepfile.source import read_text
from hpo.sweepfile.space_checks import SPACE_CHECKS

NUMERIC_SECTIONS = ("parameters", "metric", "metrics", "early_terminate", "run_cap", "hpo")
"""Where quoted numbers with an exponent are numbers, as on W&B; elsewhere text stays text."""


@dataclass(frozen=True)
class Loaded:
    """What came of reading a sweep: the sweep unless there are errors, all problems, the plain source."""

    sweep: Sweep | None
    problems: tuple[Problem, ...]
    source: Mapping[str, Any]
    file: Path | None = None
    overrides: tuple[str, ...] = ()
    """What was changed on the command line."""

    @property
    def errors(self) -> list[Problem]:
        """Problems that keep the sweep from running."""
        return [p for p in self.problems if p.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """Problems that do not."""
        return [p for p in self.problems if p.severity == "warning"]

    def valid(self) -> Sweep:
        """The sweep; raises SweepError with all problems if there is an error."""
        if self.sweep is None or self.errors:
            raise SweepError(self.problems)
        return self.sweep


def load_sweep(sweep: str | Path | Mapping[str, Any] | Sweep) -> Sweep:
    """The valid sweep in a YAML file or a W&B config dict; raises SweepError with all its problems."""
    return sweep if isinstance(sweep, Sweep) else read_sweep(sweep).valid()


def read_sweep(sweep: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Loaded:
    """Read and check a file or dict, after `overrides` («key.path=value»); never raises for what it holds."""
    file = None if isinstance(sweep, Mapping) else Path(sweep)
    try:
        document = (
            from_mapping(sweep) if isinstance(sweep, Mapping) else parse(read_text(Path(sweep)), str(sweep))
        )
        for text in overrides:
            override(document, text)
        if not isinstance(document.value, dict):
            hint = "it needs at least `method:` and `parameters:`"
            document.problem((), "a sweep is a mapping of keys", hint)
            return Loaded(None, tuple(document.problems), {}, file)
        valid = _validate(document)
        return Loaded(valid, tuple(_in_order(document)), document.value, file, tuple(overrides))
    except SweepError as error:
        return Loaded(None, error.problems, {}, file)


def _validate(document: Document) -> Sweep | None:
    """Build the sweep from a document, noting problems in it; None where there are errors."""
    _unquote(document)
    raw: dict[str, Any] = document.value
    for file_check in FILE_CHECKS:
        file_check(document, raw)
    known = {key: raw[key] for key in top_level_keys(raw)}
    if isinstance(raw.get("parameters"), dict):
        built = _parameters(document, raw["parameters"], ("parameters",))
        known["parameters"] = built or raw["parameters"]  # empty only where the file's own mapping is
        space = SearchSpace.of(built)
        for space_check in SPACE_CHECKS:
            space_check(document, raw.get("method"), space)
        if not any(p.severity == "error" for p in document.problems):
            first_points(document, raw, space)
    try:
        sweep = Sweep.model_validate(known)
    except ValidationError as error:
        _translate(document, error)
        return None
    bands(document, sweep.early_terminate)
    population(document, sweep)
    return None if any(p.severity == "error" for p in document.problems) else sweep


def _unquote(document: Document) -> None:
    for path in sorted(document.quoted, key=str):
        if path[:1] not in [(section,) for section in NUMERIC_SECTIONS]:
            continue
        parent = document.value
        try:
            for key in path[:-1]:
                parent = parent[key]
            text = parent[path[-1]]
            number = as_float(text) if isinstance(text, str) else text
        except (KeyError, IndexError, TypeError):
            continue  # an earlier one of two repeated keys
        if isinstance(number, float):
            parent[path[-1]] = number
            document.problem(
                path, f"'{text}' in quotes is the number {number:g}, as on W&B", "drop the quotes", "warning"
            )


def _parameters(document: Document, raw: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Entries → distributions and nested mappings, noting faults; entries with errors are left out."""
    result: dict[str, Any] = {}
    lost = _lost_indent(document, raw, path)
    for name, entry in raw.items():
        here = (*path, name)
        if name in lost:
            continue
        when, entry = _when(document, entry, here)
        if is_nested(entry):
            block = entry["parameters"]
            for key in set(entry) - {"parameters"}:
                document.problem((*here, key), "stands beside `parameters:`", "move it inside, or remove it")
            if isinstance(block, dict) and block:
                result[name] = _with(when, _parameters(document, block, (*here, "parameters")))
            else:
                document.problem(here, "the nested block is empty", "name parameters under `parameters:`")
            continue
        parsed = parse_parameter(entry)
        for fault in parsed.faults:
            document.problem((*here, *fault.path), fault.message, fault.hint, fault.severity)
        if parsed.distribution is not None:
            result[name] = _with(when, parsed.distribution)
    return result


def _when(document: Document, entry: Any, path: tuple[str, ...]) -> tuple[Mapping[str, Any], Any]:
    """The `when` of a parameter or block, and the entry without it."""
    if not isinstance(entry, dict) or "when" not in entry:
        return {}, entry
    when, rest = entry["when"], {key: value for key, value in entry.items() if key != "when"}
    if isinstance(when, dict) and when:
        return when, rest
    document.problem((*path, "when"), "a condition is a mapping", "write `when: {other: value}`")
    return {}, rest


def _with(when: Mapping[str, Any], content: Any) -> Any:
    return Entry(content, when) if when else content


def _lost_indent(document: Document, raw: Mapping[str, Any], path: tuple[str, ...]) -> set[str]:
    """Names taken up by one mistake: an empty parameter followed by its own keys at its own level."""
    lost: set[str] = set()
    names = list(raw)
    for name, after in pairwise(names):
        is_key = after in ("value", "values", "min", "max", "distribution") and not isinstance(
            raw[after], dict
        )
        if raw[name] is None and is_key:
            rest = [n for n in names[names.index(after) :] if not isinstance(raw[n], dict)]
            message = f"'{name}' is empty, and {', '.join(map(repr, rest))} below it stands at the same level"
            document.problem((*path, name), message, f"indent {' and '.join(rest)} under '{name}'")
            lost |= {name, *rest}
    return lost


def _translate(document: Document, error: ValidationError) -> None:
    """Pydantic's errors → problems with places, in this project's words; none where a check has one."""
    told = {problem.key for problem in document.problems if problem.severity == "error"}
    for one in error.errors(include_url=False):
        path = _path(one)
        if ".".join(map(str, path)) not in told:
            document.problem(path, *_words(one, path))


def _path(error: Any) -> tuple[str | int, ...]:
    """Where an error is; without the type's tag, which pydantic puts behind `early_terminate`."""
    path = tuple(part for part in error["loc"] if isinstance(part, (str, int)))
    kind = error["type"]
    if kind == "union_tag_invalid" or (kind == "union_tag_not_found" and isinstance(error["input"], Mapping)):
        return (*path, "type")
    key = error["ctx"]["key"] if kind == "hpo" else ""
    inside = path[:1] + path[2:] if path[:1] == ("early_terminate",) else path
    return (*inside, key) if key else inside


def _words(error: Any, path: tuple[str | int, ...]) -> tuple[str, str]:
    """What is wrong, and what would be right."""
    context: dict[str, Any] = error.get("ctx", {})
    value, last = error["input"], str(path[-1])
    match error["type"]:
        case "hpo":
            return context["message"], context["hint"]
        case "too_short":
            return "is empty", MISSING.get(last, "")
        case "missing":
            return "is missing", MISSING.get(last, f"add `{last}:`")
        case "union_tag_not_found" if isinstance(value, Mapping):
            return "is missing", MISSING["type"]
        case "union_tag_invalid":
            return f"{value['type']!r} is not a choice", suggest(value["type"], RULES)
        case "extra_forbidden":
            return f"unknown key '{last}'", suggest(last, _siblings(path, error["loc"]))
        case "literal_error":
            choices = [c.strip("'") for c in str(context["expected"]).replace(" or ", ", ").split(", ")]
            return f"{value!r} is not a choice", suggest(value, choices)
        case "model_type" | "dict_type" | "model_attributes_type" | "union_tag_not_found":
            return f"a mapping is needed, not {value!r}", SHAPES.get(last, "")
        case "bool_type":
            return f"{value!r} is neither true nor false", "write true or false"
        case "list_type":
            return f"a list is needed, not {value!r}", SHAPES.get(last, "")
        case "string_pattern_mismatch" if last == "type":
            return f"{value!r} names no class", "write module:Class, for example mine:MyScheduler"
    return f"{value!r}: {error['msg'][:1].lower()}{error['msg'][1:]}", ""


MISSING = {
    "method": "add `method: random` (or grid, bayes)",
    "name": "give the metric's name as the script logs it",
    "metrics": "list two or more, each with `name:` and `goal:`",
    "parameters": "name what to vary under `parameters:`",
    "type": "add `type: hyperband`",
}
SHAPES = {
    "command": "write one item a line: `- ${env}`, `- python`, `- ${program}`, `- ${args}`",
    "early_terminate": "write `type: hyperband` and `min_iter: 3` under it",
    "metric": "write `name:` and `goal:` under it",
    "metrics": "write one `- {name: …, goal: …}` a line",
    "parameters": "write one `name:` a parameter, with `values:` or `min:` and `max:` under it",
}


def _siblings(path: tuple[str | int, ...], location: tuple[Any, ...]) -> list[str]:
    if path[:-1] == ("early_terminate",):
        return list(RULES[location[1]].model_fields)
    model: Any = Sweep
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        unions = [annotation, *getattr(annotation, "__args__", ())]
        candidates = [*unions, *(item for one in unions for item in getattr(one, "__args__", ()))]
        model = next(c for c in candidates if hasattr(c, "model_fields"))
    return list(model.model_fields)


def _in_order(document: Document) -> list[Problem]:
    return sorted(dict.fromkeys(document.problems), key=lambda p: (p.place.line, p.place.column))
