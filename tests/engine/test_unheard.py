"""What a trial did while nobody heard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hpo.engine.unheard import Heard, unheard
from hpo.trial import ended
from hpo.trial.recipe import Recipe
from hpo.trial.spec import Resume, State, TrialEnd

MADE = [{"event": "checkpoint", "trial": 3, "name": f"{n:06d}", "iteration": n, "rows": n} for n in (2, 4)]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return Recipe(str(tmp_path), str(tmp_path), {}, "train.py", metric="loss", milestones=(2, 4))


def left(recipe: Recipe, state: State, *, resume: Resume | None = None, attempt: int = 1) -> None:
    """Trial 3, five rows long, with checkpoints after rows 2 and 4, as its supervisor leaves it."""
    spec = recipe.build(3, attempt, {}, resume)
    directory = Path(spec.directory)
    for one in MADE:
        (directory / "checkpoints" / str(one["name"])).mkdir(parents=True, exist_ok=True)
    rows = "".join(json.dumps({"_step": n, "_time": 10.0 + n, "loss": 9.0 - n}) + "\n" for n in range(5))
    (directory / ("metrics.jsonl" if attempt == 1 else f"metrics.{attempt}.jsonl")).write_text(rows)
    ended.keep(spec, TrialEnd(state, value=5.0, last=5.0, iterations=5, rows=5), MADE)


def short(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(one["event"], one["iteration"]) for one in events]


def test_a_trial_that_ended_has_its_results_its_checkpoints_and_its_end(recipe: Recipe) -> None:
    left(recipe, "finished")
    found = unheard(recipe, 3, Heard(1, {}))
    assert short(found.events) == [("checkpoint", 2), ("result", 2), ("checkpoint", 4), ("result", 4)]
    result = {"value": 8.0, "best": 8.0, "rows": 2, "mean": 8.5, "time": 11.0}
    assert found.events[1] == {"event": "result", "trial": 3, "iteration": 2, **result}
    assert found.end is not None
    assert (found.end["event"], found.end["state"], found.end["value"]) == ("end", "finished", 5.0)


def test_what_was_heard_is_not_told_again(recipe: Recipe) -> None:
    left(recipe, "finished")
    found = unheard(recipe, 3, Heard(1, {}, rows=2, saved=2))
    assert short(found.events) == [("checkpoint", 4), ("result", 4)]


def test_of_a_trial_that_was_cut_short_only_what_it_goes_on_after_counts(recipe: Recipe) -> None:
    left(recipe, "interrupted")
    found = unheard(recipe, 3, Heard(1, {}))
    assert short(found.events) == [("checkpoint", 2), ("result", 2), ("checkpoint", 4)]
    assert found.end is None


def test_a_checkpoint_that_is_gone_is_none(recipe: Recipe, tmp_path: Path) -> None:
    left(recipe, "interrupted")
    for one in MADE:
        (tmp_path / "trials" / "0003" / "checkpoints" / str(one["name"])).rmdir()
    assert unheard(recipe, 3, Heard(1, {})).events == []


def test_the_end_of_another_attempt_or_of_an_earlier_part_is_none_of_this_one(recipe: Recipe) -> None:
    left(recipe, "finished")
    assert unheard(recipe, 3, Heard(2, {})).end is None
    assert unheard(recipe, 3, Heard(1, {}, Resume("checkpoints/000002", 2, 2))).end is None


def test_a_part_that_went_on_counts_from_where_it_began(recipe: Recipe) -> None:
    resume = Resume("checkpoints/000002", 2, 2)
    left(recipe, "stopped", resume=resume, attempt=2)
    found = unheard(recipe, 3, Heard(2, {}, resume, rows=2, saved=2))
    assert short(found.events) == [("checkpoint", 4), ("result", 4)]
    assert found.end is not None
    assert found.end["state"] == "stopped"


def test_a_checkpoint_that_was_heard_of_before_its_own_result_is_not_told_again(recipe: Recipe) -> None:
    left(recipe, "finished")
    assert short(unheard(recipe, 3, Heard(1, {}, rows=1, saved=2)).events) == [
        ("result", 2),
        ("checkpoint", 4),
        ("result", 4),
    ]
