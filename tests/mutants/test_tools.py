"""What mutants are chosen and judged with, as far as it needs no cosmic-ray."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.relevance import Relevance
from tests.mutants.statements import statement
from tests.mutants.units import failed

ROOT = Path(__file__).parents[2]
SOURCE = """\
from functools import cache, wraps

@cache
@wraps(print, frozen=True)
def f(a: int | None = 1, *b: int) -> int | str:
    if a and (
        a < 3
    ):
        return a + 1
    try:
        g(**{"ä": a}, c=a - 2)
    except OSError:
        raise ValueError(f"{a:.{10}}")
"""


@pytest.mark.parametrize(
    ("line", "text", "family", "matters"),
    [
        (3, "@cache", "RemoveDecorator", False),
        (4, "@wraps", "RemoveDecorator", True),
        (4, "True", "ReplaceTrueWithFalse", False),
        (5, "| None", "ReplaceBinaryOperator", False),
        (5, "1", "NumberReplacer", True),
        (5, "*b", "ReplaceBinaryOperator", False),
        (5, "| str", "ReplaceBinaryOperator", False),
        (9, "+ 1", "ReplaceBinaryOperator", True),
        (11, "**", "ReplaceBinaryOperator", False),
        (11, "- 2", "ReplaceBinaryOperator", True),
        (13, "10", "NumberReplacer", False),
    ],
)
def test_what_nothing_can_show_is_left_out(line: int, text: str, family: str, matters: bool) -> None:
    column = SOURCE.splitlines()[line - 1].index(text)
    assert Relevance(SOURCE).matters(line, column, family) is matters


@pytest.mark.parametrize(
    ("line", "lines"),
    [(3, [3]), (4, [4]), (5, [5]), (7, [6, 7, 8]), (9, [9]), (11, [11]), (12, [12]), (13, [13])],
)
def test_a_statement_is_its_lines_without_its_body(line: int, lines: list[int]) -> None:
    assert list(statement(SOURCE, line)) == lines


def test_failed_tests_are_read_from_the_summary() -> None:
    said = (
        "FAILED tests/a.py::b[x - y: z] - assert 1 == 2\nERROR tests/d.py - OSError\nFAILED tests/e.py::f\n"
    )
    assert failed(said) == ["tests/a.py::b[x - y: z]", "tests/d.py", "tests/e.py::f"]


CONTAINED = """
import sys
from pathlib import Path
from tests.mutants.contained import run
print(run(["sh", "-c", sys.argv[1]], Path("in").absolute(), {"PATH": "/bin:/usr/bin"}, 3).code)
"""


@pytest.mark.process
def test_nothing_is_left_of_a_command_that_takes_too_long(tmp_path: Path) -> None:
    """In a process of its own, for all children of the process that runs it are ended."""
    (tmp_path / "in").mkdir()
    script = "setsid sh -c 'echo $$ > pid; exec sleep 300' & until [ -s pid ]; do sleep 0.1; done; sleep 300"
    call = [sys.executable, "-c", CONTAINED, script]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(call, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100)
    assert done.stdout == "None\n", done.stderr
    assert not Path("/proc", (tmp_path / "in" / "pid").read_text().strip()).exists()
