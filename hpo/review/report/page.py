"""The sections of a report → one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Callable
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hpo
from hpo.errors import Resumable, UserError
from hpo.record.shared import FULL, replace
from hpo.review.cells import strict
from hpo.review.report import REPORT
from hpo.review.report.best_so_far import best_so_far
from hpo.review.report.curves import curves
from hpo.review.report.facts import Facts, facts_of
from hpo.review.report.failures import failures
from hpo.review.report.family import family
from hpo.review.report.importance import importance
from hpo.review.report.summary import recipes, summary
from hpo.review.report.survival import survival
from hpo.review.report.trials import slices, trials
from hpo.review.report.workers import workers

SCRIPTS = ("page.js", "figures.js", "coordinates.js", "table.js", "sections.js")
SECTIONS: dict[str, Callable[[Facts], Any]] = {
    "best": best_so_far,
    "importance": importance,
    "slices": slices,
    "curves": curves,
    "survival": survival,
    "workers": workers,
    "family": family,
}
"""Section → what makes its data, or says in words why there are none."""


def write_report(run_dir: Path | str, out: Path | None = None) -> Path:
    """Write the report of a run, which may be running; the file is there in whole, or not at all.

    Raises:
        UserError: There is no run, or the file cannot be written.
        Resumable: The disk is full.
    """
    place = out or Path(run_dir) / REPORT
    if place.is_dir():
        raise UserError(f"{place} is a folder; name a file, such as {place / REPORT}")
    text = page(data_of(facts_of(run_dir), place.parent))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        replace(place, text)
    except OSError as error:
        if error.errno in FULL:
            raise Resumable(f"cannot write {place}: {error.strerror}; free some space first") from error
        raise UserError(f"cannot write {place}: {error.strerror}; name another file with -o") from error
    return place


def data_of(facts: Facts, place: Path) -> dict[str, Any]:
    """All that the page shows; `place` is the folder that it will lie in."""
    return {
        "version": hpo.__version__,
        "summary": summary(facts),
        "recipes": recipes(facts),
        "trials": trials(facts),
        "failures": failures(facts, place),
        **{name: make(facts) for name, make in SECTIONS.items()},
    }


def page(data: dict[str, Any]) -> str:
    """The file's text. Whatever names and errors hold stands in it as data alone, never as markup."""
    scripts = [_plotly(), *(_own(name) for name in SCRIPTS)]
    policy = "; ".join(
        [
            "default-src 'none'",
            "img-src data: blob:",
            "style-src 'unsafe-inline'",
            f"script-src {' '.join(map(_fingerprint, scripts))}",
        ]
    )
    parts = {
        "POLICY": html.escape(policy),
        "TITLE": html.escape(data["summary"]["name"]),
        "STYLE": _own("page.css"),
        "DATA": island(data),
        "SCRIPTS": "\n".join(f"<script>{text}</script>" for text in scripts),
    }
    text = _own("page.html")
    for name in parts:  # marks are split off first: what is put in may hold any of them
        text = text.replace(f"<!--{name}-->", f"\0{name}\0")
    whole = "".join(parts.get(part, part) if k % 2 else part for k, part in enumerate(text.split("\0")))
    return whole.encode("utf-8", "replace").decode()  # half a character, which JSON and YAML can write


def island(data: Any) -> str:
    """JSON that can stand in a <script>: nothing in it ends the element, and all of it is ASCII."""
    text = json.dumps(strict(data), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _own(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """plotly.js as its Python package ships it; that package itself is not loaded."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise UserError("the report needs plotly, which is not installed: pip install plotly")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _fingerprint(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
