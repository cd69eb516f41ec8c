"""Every place in hpo that cosmic-ray can mutate, and what becomes of the file."""

from __future__ import annotations

import contextlib
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.mutants.relevance import Relevance

ROOT = Path(__file__).parents[2]
IDENTITIES = ("_Eq_Is", "_NotEq_IsNot", "_Is_Eq", "_IsNot_NotEq")
"""Left out: whether equal texts and small numbers are one object is Python's affair."""
NODES = {
    "AddNot": {"if_stmt", "while_stmt", "assert_stmt", "test"},
    "ExceptionReplacer": {"except_clause"},
    "NumberReplacer": {"number"},
    "RemoveDecorator": {"decorator", "decorators"},
    "ReplaceAndWithOr": {"keyword"},
    "ReplaceBinaryOperator": {"operator"},
    "ReplaceBreakWithContinue": {"keyword"},
    "ReplaceComparisonOperator": {"comparison"},
    "ReplaceContinueWithBreak": {"keyword"},
    "ReplaceFalseWithTrue": {"keyword"},
    "ReplaceOrWithAnd": {"keyword"},
    "ReplaceTrueWithFalse": {"keyword"},
    "ReplaceUnaryOperator": {"factor", "not_test"},
    "ZeroIterationForLoop": {"for_stmt"},
}
"""The kinds of nodes that a family of operators changes; one that is not listed here is asked about all."""
PUNCTUATION = {*"()[]{},.:;=", "->"}
"""Much of a file, and no operator changes it."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file: cosmic-ray's operator, and which of the places where it fits."""

    path: str
    line: int
    column: int
    operator: str
    occurrence: int

    @property
    def folder(self) -> str:
        """hpo/space/grid.py → space."""
        return self.path.split("/")[1]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.operator.partition('/')[2]} #{self.occurrence}"


def files(folder: str) -> list[str]:
    """The modules of a folder of hpo, as paths in the checkout."""
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "hpo" / folder).rglob("*.py"))


def mutated(mutant: Mutant, source: str) -> str | None:
    """The file's text with the change; None where it is no change, or no Python any more."""
    text = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    if not isinstance(text, str) or text == source:
        return None
    with warnings.catch_warnings(), contextlib.suppress(SyntaxError):
        warnings.simplefilter("ignore", SyntaxWarning)
        compile(text, mutant.path, "exec", dont_inherit=True)
        return text
    return None


@cache
def sites(path: str) -> dict[tuple[int, int, str], list[Mutant]]:
    """The mutants that may matter, by place and family: a `<` can become five other things."""
    source = (ROOT / path).read_text(encoding="utf-8")
    relevance = Relevance(source)
    found = defaultdict(list)
    for mutant in _mutants(path, source):
        place = (mutant.line, mutant.column, family(mutant.operator))
        if relevance.matters(*place):
            found[place].append(mutant)
    return dict(found)


def _mutants(path: str, source: str) -> Iterator[Mutant]:
    nodes = [node for node in ast_nodes(get_ast(source)) if getattr(node, "value", "") not in PUNCTUATION]
    for family, operators in _operators().items():
        kinds = NODES.get(family)
        looked_at = [node for node in nodes if kinds is None or node.type in kinds]
        for name, operator in operators.items():
            positions = (start for node in looked_at for start, _ in operator.mutation_positions(node))
            for occurrence, (line, column) in enumerate(positions):
                yield Mutant(path, line, column, name, occurrence)


@cache
def _operators() -> dict[str, dict[str, Any]]:
    """Those that need no arguments, by family and name."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for name in operator_names():
        one = get_operator(name)
        if name != "core/NoOp" and not name.endswith(IDENTITIES) and not one.arguments():
            found[family(name)][name] = one()
    return found


def family(operator: str) -> str:
    """core/ReplaceComparisonOperator_Lt_LtE → ReplaceComparisonOperator."""
    return operator.partition("/")[2].partition("_")[0]
