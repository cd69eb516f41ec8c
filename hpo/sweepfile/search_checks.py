"""Whether `method:` and `hpo.search` fit each other, the space and what is installed: document → problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.package_name import install
from hpo.space.categories import Categorical
from hpo.space.placing import place
from hpo.space.space import SearchSpace
from hpo.sweepfile.choice import lacking
from hpo.sweepfile.document import Document
from hpo.sweepfile.document import Path as DocumentPath
from hpo.sweepfile.program import target_fault
from hpo.sweepfile.search import LEARNING, METHODS, OPTIONS, PARETO, Search

DIMENSIONS = 1000
"""Of a Sobol sequence; its tables grow with them."""


def search_keys(document: Document, raw: Mapping[str, Any]) -> None:
    """Options that the method has no use for, packages that it lacks, a searcher that is not there."""
    method = raw.get("method")
    if not isinstance(method, str) or (method not in OPTIONS and ":" not in method):
        return
    kind = method if method in OPTIONS else "custom"
    own = raw.get("hpo")
    search = own.get("search") if isinstance(own, dict) else None
    for key in search if isinstance(search, dict) else ():
        if key in Search.model_fields and key not in OPTIONS[kind]:
            owners = [name for name, keys in OPTIONS.items() if key in keys]
            message = f"{method} has no option '{key}'"
            document.problem(("hpo", "search", key), message, f"it belongs to {', '.join(owners)}")
    seeds = {("hpo", "search", "seed"): search, ("hpo", "seed"): own}
    for path, section in seeds.items() if method == "qmc" else ():
        seed = section.get("seed") if isinstance(section, dict) else None
        if isinstance(seed, (int, float)) and seed < 0:
            document.problem(path, f"qmc takes no negative seed, and this is {seed}", "write 0 or more")
    if missing := lacking(method):
        packages = " and ".join(missing)
        hint = f"{install(method)}, or write `method: tpe`"
        document.problem(("method",), f"{method} needs {packages}, which is not installed here", hint)
    if kind == "custom":
        _searcher(document, method)


def _searcher(document: Document, method: str) -> None:
    """A class of the user's: looked for where the run will look, and not imported."""
    module, _, name = method.partition(":")
    if not module or not name:
        return
    fault = target_fault(module, name, [Path.cwd(), Path(document.file).resolve().parent], "class")
    if fault is not None:
        document.problem(("method",), *fault)


def learning(raw: Mapping[str, Any]) -> str:
    """The method as written if it learns from a metric; empty if it does not."""
    method = raw.get("method")
    return method if isinstance(method, str) and (method in LEARNING or ":" in method) else ""


def several_metrics(document: Document, raw: Mapping[str, Any]) -> None:
    """Several objectives stand for themselves, each once, under a method that can take them."""
    metrics, method = raw.get("metrics"), raw.get("method")
    if metrics is None:
        return
    if raw.get("metric") is not None:
        document.problem(("metrics",), "`metric:` is there too", "name all objectives under `metrics:`")
    listed = metrics if isinstance(metrics, list) else []
    entries = [entry if isinstance(entry, dict) else {} for entry in listed]
    names = [entry.get("name") for entry in entries]
    for number, (name, entry) in enumerate(zip(names, entries, strict=True)):
        if name is not None and name in names[:number]:
            document.problem(("metrics", number, "name"), f"{name!r} is listed twice", "list it once")
        if number and entry.get("target") is not None:
            message = "a run ends by the target of the first metric only"
            document.problem(("metrics", number, "target"), message, "remove it", "warning")
    if len(names) > 1 and (method in METHODS or ":" in str(method)) and method not in PARETO:
        message = f"{method} optimises one metric, and {len(names)} are named"
        document.problem(("method",), message, "write `method: nsga2` or tpe, or name one under `metric:`")


def fits_space(document: Document, method: object, space: SearchSpace) -> None:
    """A model needs something to search, cmaes a number."""
    if not space.leaves or method not in METHODS or method in ("grid", "random"):
        return
    if not space.searched:
        message = "every parameter is constant: there is nothing to search"
        document.problem(("parameters",), message, "vary one")
    elif method == "qmc" and len(space.searched) > DIMENSIONS:
        message = f"qmc varies no more than {DIMENSIONS:,} parameters, and here are {len(space.searched):,}"
        document.problem(("method",), message, "write `method: random`")
    elif method == "cmaes" and all(_choice(leaf.distribution) for leaf in space.searched):
        message = "cmaes moves numbers, and every parameter here is a choice"
        document.problem(("method",), message, "write `method: tpe`")
    elif method == "cmaes" and any(_choice(leaf.distribution) for leaf in space.searched):
        names = ", ".join(leaf.name for leaf in space.searched if _choice(leaf.distribution))
        document.problem(
            ("method",), f"cmaes draws choices at random: {names}", "`method: tpe` learns them", "warning"
        )


def _choice(distribution: object) -> bool:
    return type(distribution) is Categorical


def first_points(document: Document, raw: Mapping[str, Any], space: SearchSpace) -> None:
    """Each configuration of `hpo.search.points` names parameters and values that there are."""
    own = raw.get("hpo")
    search = own.get("search") if isinstance(own, dict) else None
    points = search.get("points") if isinstance(search, dict) else None
    for number, point in enumerate(points if isinstance(points, list) else ()):
        for misfit in place(space, point).misfits if isinstance(point, dict) else ():
            path: DocumentPath = ("hpo", "search", "points", number, *misfit.path)
            document.problem(path, misfit.message, misfit.hint)
