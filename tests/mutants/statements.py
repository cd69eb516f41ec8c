"""The lines that are executed when a statement is: what a record of executed lines is asked about."""

from __future__ import annotations

import ast


def statement(source: str, line: int) -> range:
    """Lines of the innermost statement around a line; of one with a body, those before the body."""
    found = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):  # outer ones come first
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            for lines in _heads(node):
                if line in lines:
                    found = lines
    return found


def _heads(node: ast.stmt | ast.ExceptHandler) -> list[range]:
    """Each decorator by itself, then the statement without its body."""
    decorators = getattr(node, "decorator_list", [])
    heads = [range(one.lineno, (one.end_lineno or one.lineno) + 1) for one in decorators]
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if isinstance(body, list):
        first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
        end = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", []))]) - 1
    else:
        end = node.end_lineno or node.lineno
    return [*heads, range(node.lineno, max(end, node.lineno) + 1)]
