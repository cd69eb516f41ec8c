"""`--set KEY=VALUE` → the change in a loaded document; values are read as YAML."""

from __future__ import annotations

from typing import Any

from hpo.errors import Place, Problem, SweepError
from hpo.sweepfile.document import Document, parse
from hpo.sweepfile.source import DEEPEST, TOO_DEEP

SHOWN = 200
"""Characters of a setting that messages quote."""


def override(document: Document, text: str) -> None:
    """Set one key, named by dots from the top («parameters.lr.max=0.1», «hpo.resources.cpu=2»).

    A parameter's name may hold dots itself: the longest name that is there is taken. Raises SweepError.
    """
    key, equals, value_text = text.partition("=")
    place = Place(f"--set {text[:SHOWN]}")
    if not equals or not key.strip(". "):
        raise SweepError([Problem(place, "", "no key and value", "write --set parameters.lr.max=0.1")])
    value = parse(value_text, str(place)).value
    if not isinstance(document.value, dict):
        return
    branch: dict[str, Any] = document.value
    words = key.strip().split(".")
    if len(words) > DEEPEST:
        raise SweepError([Problem(place, "", TOO_DEEP, "write --set parameters.lr.max=0.1")])
    path: list[str] = []
    while True:
        name = _longest(words, branch)
        path.append(name)
        words = words[len(name.split(".")) :]
        if not words:
            break
        below = branch.setdefault(name, {})
        if below is None:
            below = branch[name] = {}
        if not isinstance(below, dict):
            hint = f"set {'.'.join(path)} itself"
            raise SweepError([Problem(place, ".".join(path), "holds a value, not keys", hint)])
        branch = below
    branch[name] = value
    document.places.setdefault(tuple(path), (0, 0))
    document.changed[tuple(path)] = str(place)
    document.quoted = {quoted for quoted in document.quoted if quoted[: len(path)] != tuple(path)}


def _longest(words: list[str], branch: dict[str, Any]) -> str:
    for length in range(len(words), 0, -1):
        if ".".join(words[:length]) in branch:
            return ".".join(words[:length])
    return words[0]
