"""Problems of a sweep → lines on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from hpo.errors import Problem


def show(problems: Iterable[Problem]) -> None:
    """Print each problem as `file:line:column: key: what is wrong; what would be right`."""
    for problem in problems:
        print(problem, file=sys.stderr)
