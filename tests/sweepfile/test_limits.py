"""What is too large, too much or too long in a file: refused in one line, or dealt with in time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hpo.errors import SweepError
from hpo.sweepfile.document import Document, parse


def value(text: str) -> Any:
    return parse(text, "f.yaml").value


def refused(text: str) -> str:
    with pytest.raises(SweepError) as caught:
        parse(text, "f.yaml")
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 0x" + "f" * 5000, "is not a valid int"),
        ("a: " + "1:" * 5000 + "1", "is not a valid int"),
        ("a: 1" + "0" * 300, "is not a valid int"),
        ("0x" + "f" * 1000 + ": 1", "is not a valid int"),
        ("[" + "1," * 60_000 + "]", "more than 50,000 values"),
        ("{" + ", ".join(f"k{i}: 1" for i in range(30_000)) + "}", "more than 50,000 values"),
        ("a: &a 1\nb: [" + "*a," * 60_000 + "]", "more than 50,000 values"),
        ("".join(f"%TAG !a{i}! x\n" for i in range(200)) + "---\na: 1\n", "too many % directives"),
        ("a: '\ud800'", "1:1: character 55296 cannot stand in YAML"),
    ],
)
def test_what_is_too_large_is_refused(text: str, said: str) -> None:
    assert said in refused(text)


def test_merges_of_a_large_mapping_take_no_longer_for_many_small_ones() -> None:
    big = "big: &big {" + ", ".join(f"k{i}: 1" for i in range(4000)) + "}\nnone: &none {}\n"
    start = time.monotonic()
    got = value(big + "all: {<<: [*big" + ", *none" * 30_000 + "]}\n")
    assert len(got["all"]) == 4000
    assert time.monotonic() - start < 20


def test_an_error_at_the_end_stands_inside_the_file() -> None:
    assert refused("a: [1").startswith("f.yaml:1:6: ")


def test_errors_end_the_reading_where_they_are_too_many() -> None:
    document = Document("f.yaml")
    for number in range(1000):
        document.problem(("a", number), "odd", severity="warning")
    for number in range(200):
        document.problem(("a", number), "wrong")
    assert [p.severity for p in document.problems] == ["warning"] * 200 + ["error"] * 200
    with pytest.raises(SweepError, match="more than 200 errors; correct these first"):
        document.problem(("b",), "wrong")


def test_a_problem_is_one_short_line_that_no_terminal_obeys() -> None:
    document = Document("f.yaml")
    document.problem(("a\x1b[2J\n\u202e",), "x" * 10_000)
    said = str(document.problems[0])
    assert said.startswith("f.yaml: a\\x1b[2J\\n\\u202e: xxx")
    assert len(said) < 1100
