"""Which places of a file are not mutated, since nothing that hpo does could show it; the rules are few.

- Annotations and `if TYPE_CHECKING`: no code runs there.
- Numbers inside of formatted texts: how many characters of something a message shows.
- `frozen=True`: it forbids assignments that nobody makes, and mypy would find them.
- Removed decorators that only save time or speak to type checkers.
- Asterisks that are no operators, as in `{**a}`, which the operators for binary ones take for such.
- Unions of types outside of annotations, as in `Value = int | str`: what is not a union fails on import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

Position = tuple[int, int]
Span = tuple[Position, Position]
IDLE = {"cache", "lru_cache", "overload", "override", "abstractmethod", "final"}
"""Decorators without which code does the same, or takes longer."""


class Relevance:
    """Judges the places of one file; lines count from 1, columns from 0, in characters."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        tree = ast.parse(source)
        self._idle, self._texts, self._binary = [], [], []
        for node in ast.walk(tree):
            self._idle += [self._span(one) for one in _idle(node)]
            if isinstance(node, ast.JoinedStr):
                self._texts.append(self._span(node))
            if isinstance(node, ast.BinOp) and not _is_union(node):
                self._binary.append((self._span(node.left)[1], self._span(node.right)[0]))

    def matters(self, line: int, column: int, family: str) -> bool:
        """Whether a mutant of this family at this place could be noticed."""
        place = (line, column)
        if any(start <= place < end for start, end in self._idle):
            return False
        if family == "NumberReplacer":
            return not any(start <= place < end for start, end in self._texts)
        if family == "ReplaceBinaryOperator":
            return any(start <= place < end for start, end in self._binary)
        return True

    def _span(self, node: ast.expr | ast.stmt) -> Span:
        """Start and end, in characters; ast counts bytes."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return (
            (node.lineno, self._characters(node.lineno, node.col_offset)),
            (end_line, self._characters(end_line, end_column)),
        )

    def _characters(self, line: int, count: int) -> int:
        return len(self._lines[line - 1].encode()[:count].decode(errors="ignore"))


def _idle(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Parts of a node in which nothing runs that matters."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        yield node.test
        yield from node.body
    for name in ("annotation", "returns"):
        if isinstance(getattr(node, name, None), ast.expr):
            yield getattr(node, name)
    if isinstance(node, ast.keyword) and node.arg == "frozen":
        yield node.value
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for one in node.decorator_list:
            called = one.func if isinstance(one, ast.Call) else one
            if ast.unparse(called).rpartition(".")[2] in IDLE:
                at = ast.copy_location(ast.Constant(0), one)
                at.col_offset -= 1  # the @ belongs to it
                yield at


def _is_union(node: ast.BinOp) -> bool:
    """Of types: names that begin with a capital letter, None, and Python's own."""
    if not isinstance(node.op, ast.BitOr):
        return False
    return any(
        _is_type(side) or (isinstance(side, ast.BinOp) and _is_union(side))
        for side in (node.left, node.right)
    )


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_type(node.value)
    name = ast.unparse(node).rpartition(".")[2]
    return name in {"None", "int", "float", "str", "bool", "bytes", "dict", "list", "tuple", "set"} or (
        isinstance(node, (ast.Name, ast.Attribute)) and name[:1].isupper() and not name.isupper()
    )
