"""What a population cannot do with a sweep: rule and search space → problems."""

from __future__ import annotations

from hpo.errors import suggest
from hpo.space.categories import Categorical
from hpo.space.conditions import faults
from hpo.space.space import Leaf
from hpo.sweepfile.document import Document
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import Mutation, Pb2, Population

BEGINNINGS = ("random", "grid", "qmc")
"""Methods whose suggestions do not follow from results."""


def population(document: Document, sweep: Sweep) -> None:
    """Note what is wrong with `mutate`, `group`, and the method beside them."""
    rule = sweep.early_terminate
    if not isinstance(rule, Population):
        return
    leaves = {leaf.name: leaf for leaf in sweep.space.leaves}
    if sweep.method not in BEGINNINGS:
        message = f"{sweep.method} would learn from values of configurations that {rule.type} changes"
        document.problem(("method",), message, "write `method: random`: it begins the population")
    for key in ("mutate", "group"):
        for name in getattr(rule, key):
            if name not in leaves:
                message = f"'{name}' is no parameter"
                document.problem(("early_terminate", key), message, suggest(name, leaves))
    for name, mutation in rule.mutate.items():
        if name in leaves:
            _mutated(document, leaves[name], mutation)
    understood = () if any(faults(sweep.space.leaves)) else sweep.space.conditions
    decided = {sweep.space.leaves[c.other].name for found in understood for c in found}
    for name in decided & set(rule.mutate):
        message = f"others are there only `when` '{name}' has some value: a step would leave them out"
        document.problem(("early_terminate", "mutate"), message, f"leave {name} out")
    for name in set(rule.group) & set(rule.mutate):
        message = f"'{name}' is mutated too: a clone would leave its group"
        document.problem(("early_terminate", "group"), message, "name it once")
    known = [leaves[name].distribution for name in rule.mutate if name in leaves]
    if isinstance(rule, Pb2) and all(isinstance(distribution, Categorical) for distribution in known):
        message = "pb2 models numbers, and no mutated parameter is one"
        document.problem(("early_terminate", "mutate"), message, "write `type: pbt`")


def _mutated(document: Document, leaf: Leaf, mutation: Mutation) -> None:
    here, d = ("early_terminate", "mutate"), leaf.distribution
    if d.levels() == 1:
        document.problem(here, f"'{leaf.name}' has one value only", "give it a range, or leave it out")
    elif mutation.ordered is not None and not isinstance(d, Categorical):
        document.problem(here, f"{leaf.name}: ordered is for lists of values", "remove it")
