"""`hpo.search`: options of the search strategies, which of them each `method` takes, and what it needs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, WithJsonSchema

from hpo.space.distribution import Number, Whole

METHODS = ("grid", "random", "bayes", "tpe", "gp", "cmaes", "qmc", "bohb", "nsga2")
"""What `method:` may be, beside module:Searcher."""
LEARNING = ("bayes", "tpe", "gp", "cmaes", "bohb", "nsga2")
"""Methods that learn from a metric."""
PARETO = ("nsga2", "tpe", "bayes", "random", "qmc", "grid")
"""Methods that take several metrics; `bayes` stands for tpe then."""
NEEDED = {"gp": ("torch", "scipy"), "cmaes": ("cmaes",), "qmc": ("scipy",)}
"""Packages that a method needs beside Optuna; hpo's extra of the method's name installs them."""

Counted = Annotated[Whole, Field(ge=0), WithJsonSchema({"type": "integer", "minimum": 0})]
Several = Annotated[Whole, Field(ge=2), WithJsonSchema({"type": "integer", "minimum": 2})]
Positive = Annotated[Whole, Field(ge=1), WithJsonSchema({"type": "integer", "minimum": 1})]
Share = Annotated[Number, Field(ge=0, le=1), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]


class Search(BaseModel):
    """Options of the search strategy."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: Whole | None = None
    """Seed of the search; without it `hpo.seed`."""
    startup: Counted | None = None
    """Random trials before the model is asked; without it 10 (1 for cmaes; for bohb parameters + 2; for
    nsga2 the population)."""
    points: list[dict[str, Any]] = []
    """Configurations to try first; what one leaves out is drawn at random."""
    candidates: Positive = 24
    """tpe, bohb: points that are drawn for each suggestion, of which the most promising is taken."""
    multivariate: StrictBool = True
    """tpe, bohb: model the parameters together (true), or each by itself."""
    deterministic: StrictBool = False
    """gp: the same parameters always give the same value."""
    population: Several | None = None
    """cmaes: trials of a generation; without it 4 + 3 ln(parameters). nsga2: parents; without it 20."""
    separable: StrictBool = False
    """cmaes: learn no correlations between parameters, for spaces of many."""
    margin: StrictBool = False
    """cmaes: keep integers from settling too early (CMA-ES with margin)."""
    scramble: StrictBool = True
    """qmc: another Sobol sequence for each seed (true), or the plain one."""
    min_points: Positive | None = None
    """bohb: trials that must have reached a budget before it has a model; without it parameters + 2."""
    random_fraction: Share = 1 / 3
    """bohb: share of suggestions that stay random."""
    options: dict[str, Any] = {}
    """Keyword arguments of a searcher of your own (`method: module:Searcher`)."""


_EVERY = ("seed", "points")
_TPE = ("startup", "candidates", "multivariate")
OPTIONS: dict[str, tuple[str, ...]] = {
    "grid": ("seed",),
    "random": _EVERY,
    "qmc": (*_EVERY, "scramble"),
    "tpe": (*_EVERY, *_TPE),
    "gp": (*_EVERY, "startup", "deterministic"),
    "bayes": (*_EVERY, *_TPE, "deterministic"),
    "cmaes": (*_EVERY, "startup", "population", "separable", "margin"),
    "bohb": (*_EVERY, *_TPE, "min_points", "random_fraction"),
    "nsga2": (*_EVERY, "startup", "population"),
    "custom": ("seed", "options"),
}
"""The keys of `hpo.search` that have an effect; «custom» stands for module:Searcher."""
