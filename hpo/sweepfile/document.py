"""YAML text → plain values, the place of each, and warnings; numbers as YAML 1.2 reads them.

W&B's client loads a sweep with PyYAML (YAML 1.1) and its server reads it again with a YAML 1.2 parser, so
that `1e-5` ends up as a float. Nothing but mappings, lists and scalars is ever built.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from hpo.errors import Place, Problem, SweepError
from hpo.sweepfile.source import DEEPEST, LOADER, TOO_DEEP, TOO_MANY, VALUES, refuse_sizes

Path = tuple[str | int, ...]

FLOAT_1_2 = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+|[-+]\.[0-9]+")
"""Floats of YAML 1.2 that YAML 1.1 takes for text: an exponent without a dot or sign, a sign before a dot."""
BREAKS = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
"""What YAML 1.1 ends a line with."""
DIGITS = 300
"""Decimal digits of an integer; a float holds no more."""
PROBLEMS = 200
"""Reading ends with so many errors, and further warnings are left out."""
_REPEATED = "the last one is used; remove the other"
_REPEATED_MERGE = "both are merged and the last one wins; write one: <<: [*winner, *other]"
"""PyYAML before 6.0.4 lets the last `<<` win, later ones the first: sweeps may not depend on that."""
_SCALARS = yaml.constructor.SafeConstructor()
_TAG = "tag:yaml.org,2002:"


@dataclass
class Document:
    """A loaded file: its values, where each stands, and what was noticed on the way."""

    file: str
    value: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    quoted: set[Path] = field(default_factory=set)
    changed: dict[Path, str] = field(default_factory=dict)
    """What the command line set → how it was written there."""
    noted: Counter[str] = field(default_factory=Counter)
    """How many errors and warnings there were."""

    def place(self, path: Iterable[str | int]) -> Place:
        """Where the value at `path` stands, or the nearest one above it that is there."""
        steps = tuple(path)
        while steps and steps not in self.places:
            steps = steps[:-1]
        for path, text in self.changed.items():
            if steps[: len(path)] == path:
                return Place(text)
        return Place(self.file, *self.places.get(steps, (0, 0)))

    def problem(self, path: Path, message: str, hint: str = "", severity: Any = "error") -> None:
        """Note something about the value at `path`; raises SweepError with all where these are too many."""
        key = ".".join(map(str, path))
        self.noted[severity] += 1
        if self.noted[severity] <= PROBLEMS:
            self.problems.append(Problem(self.place(path), key, message, hint, severity))
        elif severity == "error":
            more = Problem(Place(self.file), "", f"more than {PROBLEMS} errors", "correct these first")
            raise SweepError([*self.problems, more])


def parse(text: str, file: str) -> Document:
    """Read one YAML document; raises SweepError with one line where the text is not YAML."""
    document = Document(file)
    try:
        text = text.removeprefix("\ufeff")
        refuse_sizes(text, file)
        node = yaml.compose(text, Loader=LOADER)
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        message = f"character {ord(text[error.start])} cannot stand in YAML"
        raise SweepError(
            [Problem(Place(file, line, 1), "", message, "save the file as UTF-8 text")]
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = BREAKS.split(text)
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        if place.line > len(lines):  # libyaml ends a text with a line of its own
            place = Place(file, len(lines), len(lines[-1]) + 1)
        raise SweepError([Problem(place, "", *_explained(error, lines[place.line - 1]))]) from None
    except yaml.reader.ReaderError as error:
        message = f"character {error.character!r} cannot stand in YAML"
        line = text.count("\n", 0, error.position) + 1
        raise SweepError(
            [Problem(Place(file, line, 1), "", message, "save the file as UTF-8 text")]
        ) from None
    if node is not None:
        _Builder(document).build(node, ())
        if document.value is None:  # libyaml puts it on a line of its own
            document.places[()] = (1, 1)
    return document


def from_mapping(sweep: Mapping[str, Any]) -> Document:
    """A Python dict as a document without places; numpy scalars and tuples become plain values."""
    document = Document("<dict>")
    document.value = _plain(sweep, document, ())
    return document


def as_float(text: str) -> float | str:
    """The float that YAML 1.2 reads in `text`, else `text`."""
    return float(text) if FLOAT_1_2.fullmatch(text) else text


def _explained(error: yaml.MarkedYAMLError, source: str) -> tuple[str, str]:
    """Message and hint for a parse error in the line `source`, in one line."""
    what = (error.problem or "cannot be read").replace("\n", " ")
    if "'\\t'" in what or source.lstrip(" ").startswith("\t"):
        return "a tab cannot indent YAML", "indent with spaces"
    if "${" in source and "[" in source:
        return (
            "macros cannot stand in [ ] unquoted",
            'put each in quotes ("${program}") or one a line after "- "',
        )
    if "expected a single document" in (error.context or "") + what:
        return "the file holds more than one YAML document", "keep one and drop the other after `---`"
    if "mapping values are not allowed" in what:
        return "not YAML: an unexpected ':'", "check the indentation, or quote the text that holds the colon"
    context = f" ({error.context})" if error.context else ""
    return f"not YAML: {what}{context}".replace(
        "\n", " "
    ), "check quotes, brackets and indentation around here"


class _Builder:
    """Nodes → values. Aliased nodes are built each time they are named, up to a limit."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0
        self.open: list[yaml.Node] = []

    def build(self, node: yaml.Node, path: Path) -> None:
        self.document.value = self._value(node, path)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        mark = node.start_mark
        self.document.places.setdefault(path, (mark.line + 1, mark.column + 1))
        self.count += 1
        if self.count > VALUES or len(self.open) > DEEPEST:
            what = TOO_MANY if self.count > VALUES else TOO_DEEP
            self._stop(node, what, "check the anchors and aliases")
        if any(node is parent for parent in self.open):
            self._stop(node, "an alias that contains itself", "write the values out")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in (_TAG + "seq", _TAG + "map"):
            self._refuse_tag(node)
        self.open.append(node)
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self._value(child, (*path, i)) for i, child in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)
            return self._mapping(node, path)
        finally:
            self.open.pop()

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[tuple[str, bool], int] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            here: Path = (*path, key)
            merge = key_node.tag == _TAG + "merge"
            self.document.places[here] = (line, column)
            if (key, merge) in lines:
                where = f"written on line {lines[key, merge]} and again on line {line}"
                self.document.problem(here, where, _REPEATED_MERGE if merge else _REPEATED, "warning")
            lines[key, merge] = line
            if merge:
                merged |= self._merged(value_node, path)
            else:
                result[key] = self._value(value_node, here)
        return {**merged, **result}

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        """What `<<:` brings in; earlier mappings of a list win over later ones."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                self._stop(part, "'<<' merges mappings only", "name a mapping's anchor")
            for key, value in self._value(part, path).items():
                result.setdefault(key, value)
        return result

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._stop(node, "a key must be a plain word", "quote a key that begins with { or [")
        value = self._scalar(node, None)
        if value is None or isinstance(value, bool):
            return str(node.value) if node.value else "null"
        return value if isinstance(value, str) else str(node.value)

    def _scalar(self, node: yaml.ScalarNode, path: Path | None) -> Any:
        tag, text = node.tag.removeprefix(_TAG), node.value
        try:
            match tag:
                case "str" | "timestamp" | "merge" | "value":
                    if path is not None and node.style in ("'", '"'):
                        self.document.quoted.add(path)
                    return text if node.style else as_float(text)
                case "null":
                    return None
                case "bool":
                    return _SCALARS.construct_yaml_bool(node)
                case "int":
                    value = _integer(node)
                    self._odd_integer(text, value, path)
                    return value
                case "float":
                    return _SCALARS.construct_yaml_float(node)
        except (ValueError, KeyError, IndexError):
            self._stop(
                node, f"{text[:40]!r} is not a valid {tag}", "write a plain number, or quote it as text"
            )
        return self._refuse_tag(node)

    def _refuse_tag(self, node: yaml.Node) -> NoReturn:
        shown = node.tag.replace(_TAG, "!!")
        self._stop(node, f"the tag {shown} is not read", "write plain values: nothing is evaluated")

    def _odd_integer(self, text: str, value: int, path: Path | None) -> None:
        if path is None or path[:1] == ("hpo",):
            return
        kind = "base 60" if ":" in text else "octal" if re.fullmatch(r"[-+]?0[0-7_]+", text) else ""
        if kind:
            self.document.problem(
                path, f"YAML reads {text} as {value} ({kind})", "quote it as text", "warning"
            )

    def _stop(self, node: yaml.Node, message: str, hint: str) -> NoReturn:
        place = Place(self.document.file, node.start_mark.line + 1, node.start_mark.column + 1)
        raise SweepError([Problem(place, "", message, hint)])


def _integer(node: yaml.ScalarNode) -> int:
    """Raises ValueError for one that is too long to be a number of anything."""
    if len(node.value) > 4 * DIGITS:
        raise ValueError
    value = _SCALARS.construct_yaml_int(node)
    return bounded(value)


def bounded(value: int) -> int:
    """The integer; raises ValueError for one of more than DIGITS digits."""
    if abs(value) >= 10**DIGITS:
        raise ValueError(f"an integer of more than {DIGITS} digits")
    return value


_NUMERIC = (("parameters",), ("metric",), ("metrics",), ("early_terminate",))


def _plain(value: Any, document: Document, path: Path) -> Any:
    if len(path) > DEEPEST:
        raise SweepError([Problem(Place(document.file), ".".join(map(str, path[:3])), "nested too deeply")])
    if isinstance(value, Mapping):
        return {str(key): _plain(item, document, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, document, (*path, i)) for i, item in enumerate(value)]
    if isinstance(value, str):
        return as_float(value) if path[:1] in _NUMERIC else value
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, int):
        try:
            return bounded(value)
        except ValueError as error:
            document.problem(path, str(error), "write a number that a float can hold")
            return None
    if value is None or isinstance(value, float):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    hint = "use numbers, text, booleans, null, lists and mappings"
    document.problem(path, f"a {type(value).__name__} cannot be written to a sweep", hint)
    return None
