"""When a logged row is reported: what has arrived of a process that ends without a word."""

from __future__ import annotations

from typing import Any

import pytest

GONE = "import os, wandb\nrun = wandb.init()\n{}\nos._exit(0)"


def arrived(play: Any, python: str, calls: str, metric: str = "loss") -> list[tuple[int, dict[str, Any]]]:
    played = play(GONE.format(calls), python=python, metric=metric)
    assert played.code == 0, played.err
    rows: list[tuple[int, dict[str, Any]]] = played.rows
    return rows


@pytest.mark.parametrize(
    ("metric", "row"),
    [
        ("loss", {"loss": 1}),
        ("val/loss", {"val/loss": 1, "lr": 2}),
        ("val.acc", {"val": {"acc": 1}}),
        ("val.acc", {"val.acc": 1}),
        ("loss.min", {"loss": 1}),
        ("val.acc.max", {"val": {"acc": 1}}),
    ],
)
def test_a_step_with_the_objective_is_reported_at_once(
    metric: str, row: dict[str, Any], play: Any, bare_python: str
) -> None:
    assert arrived(play, bare_python, f"run.log({row}, step=3)", metric) == [(3, row)]


@pytest.mark.parametrize(
    "call",
    [
        "run.log({'acc': 1}, step=3)",
        "run.log({'loss': None}, step=3)",
        "run.log({'loss': float('nan')}, step=3)",
        "run.log({'loss': True}, step=3)",
        "run.log({'loss': 1}, step=3, commit=False)",
        "run.log({'loss': 1}, commit=False)",
    ],
)
def test_any_other_step_waits_for_its_end(call: str, play: Any, bare_python: str) -> None:
    assert arrived(play, bare_python, call) == []
    (first,) = arrived(play, bare_python, f"{call}\nrun.log({{'x': 1}}, step=9)")
    assert first[0] in (0, 3)


def test_without_an_objective_every_step_waits(play: Any, bare_python: str) -> None:
    assert arrived(play, bare_python, "run.log({'loss': 1}, step=3)", metric="") == []


def test_the_same_value_again_is_no_correction(play: Any, bare_python: str) -> None:
    calls = "for n in (1, 2):\n  for _ in range(2):\n    run.log({'loss': n, 'x': 1}, step=n)"
    assert arrived(play, bare_python, calls) == [
        (1, {"loss": 1, "x": 1}),
        (1, {"x": 1}),
        (2, {"loss": 2, "x": 1}),
    ]


def test_once_an_objective_was_replaced_the_steps_wait(play: Any, bare_python: str) -> None:
    calls = "for n in (1, 2, 3):\n  for loss in (5, 4):\n    run.log({'loss': loss + n}, step=n)"
    played = play(GONE.format(calls), python=bare_python)
    assert played.told == [
        {"row": {"loss": 6}, "step": 1},
        {"summary": {"loss": 5}},
        {"row": {"loss": 6}, "step": 2},
    ]


def test_a_row_is_as_it_was_when_it_was_logged(play: Any, bare_python: str) -> None:
    calls = (
        "row = {'deep': {'n': [1]}}\nrun.log(row, step=1)\nrow['deep']['n'].append(2)\nrun.log({}, step=2)"
    )
    assert arrived(play, bare_python, calls)[0] == (1, {"deep": {"n": [1]}})
