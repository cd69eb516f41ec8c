"""Runs that go on where their journals end, on a real Ray."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.engine.plan import RunOptions
from hpo.engine.reopening import reopen
from hpo.errors import UserError
from hpo.record.journal import JOURNAL
from hpo.sweepfile.load import read_sweep
from tests.engine.left_behind import events, rows

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]

STEPS = """
import hpo
for step in range(1, 4):
    hpo.report({"loss": hpo.config()["x"] / step})
"""
SAVES = """
import hpo
state = hpo.get_checkpoint() or {"step": 0}
for step in range(state["step"] + 1, 7):
    hpo.report({"loss": hpo.config()["x"] / step, "step": step}, checkpoint={"step": step})
"""
X = {"x": {"min": 0.1, "max": 1.0}}


@pytest.fixture
def run(run_script: Any) -> Any:
    """A function that runs a script by random search over x, or by what a sweep dict says; seed 1."""
    return lambda script, config=None, **options: run_script(
        script, {"parameters": X, **(config or {})}, seed=1, **options
    )


def cut(directory: Path, when: Callable[[list[dict[str, Any]]], bool], torn: bytes = b"") -> None:
    """End a journal where the machine could have died: as soon as something holds of what was written.

    No trial that had not ended by then has come to an end that nobody heard of.
    """
    path = directory / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    written: list[dict[str, Any]] = []
    while not when(written):
        written.append(json.loads(lines[len(written)]))
    path.write_bytes(b"".join(lines[: len(written)]) + torn)
    for end in directory.glob("trials/*/end*.json"):
        end.unlink()


def ended(number: int) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda written: sum(event["event"] == "end" for event in written) == number


@pytest.mark.parametrize("method", ["random", "tpe", "grid"])
def test_a_run_that_was_cut_off_makes_the_same_trials(run: Any, method: str) -> None:
    grid = {"parameters": {"x": {"values": [0.1, 0.3, 0.5, 0.7, 0.9, 1.0]}}} if method == "grid" else {}
    whole = run(STEPS, {"method": method, **grid}, count=6, concurrency=1)
    cut(whole.directory, ended(2), torn=b'{"event": "tri')
    result = hpo.resume(whole.directory)
    assert result.state == "complete"
    assert [trial.config for trial in result.trials] == [trial.config for trial in whole.trials]
    assert [trial.state for trial in result.trials] == ["finished"] * 6
    starts = Counter(event["trial"] for event in events(whole.directory, "start"))
    assert (starts[1], starts[2], set(starts)) == (1, 1, {1, 2, 3, 4, 5, 6})


def test_an_interrupted_trial_goes_on_from_its_checkpoint(run: Any) -> None:
    whole = run(SAVES, count=2, concurrency=1)
    directory = whole.directory
    for trial in (1, 2):  # the trial had not got further than its checkpoint of step 4 when all died
        folder = directory / "trials" / f"{trial:04d}" / "checkpoints"
        (folder / "000006").rename(folder / "000004")
        state = folder / "000004" / "state.pkl"
        state.write_bytes(state.read_bytes().replace(b"K\x06", b"K\x04"))
    cut(directory, lambda written: bool(written) and written[-1].get("name") == "000004")
    result = hpo.resume(directory)
    assert [trial.state for trial in result.trials] == ["finished"] * 2
    begun = [(event["trial"], event["attempt"], event["iteration"]) for event in events(directory, "start")]
    assert begun == [(1, 1, 0), (1, 2, 4), (2, 1, 0)]
    assert [row["step"] for row in rows(directory, 1)] == [1, 2, 3, 4, 5, 6]


def test_an_interrupted_trial_without_a_checkpoint_begins_anew(run: Any) -> None:
    whole = run(STEPS, {"hpo": {"max_failures": 0}}, count=3, concurrency=1)
    cut(whole.directory, lambda written: bool(written) and written[-1].get("trial") == 2 == len(written) // 3)
    result = hpo.resume(whole.directory)
    assert [trial.state for trial in result.trials] == ["finished"] * 3
    assert [trial.iterations for trial in result.trials] == [3, 3, 3]
    assert [trial.attempts for trial in result.trials] == [1, 2, 1]


def test_more_trials_extend_a_finished_run_and_the_same_number_does_nothing(run: Any) -> None:
    whole = run(STEPS, {"method": "tpe"}, count=3, concurrency=1)
    first, before = whole.trials, (whole.directory / JOURNAL).read_bytes()
    assert hpo.resume(whole.directory).state == "complete"
    assert (whole.directory / JOURNAL).read_bytes() == before
    longer = hpo.resume(whole.directory, count=5)
    assert len(longer.trials) == 5
    assert longer.trials[:3] == first
    with pytest.raises(UserError, match="has begun 5 trials already; give --count 5 or more"):
        hpo.resume(whole.directory, count=4)


def test_failed_trials_are_tried_again_when_that_is_asked_for(run: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    script = f"""
    import hpo, os
    if os.path.exists({str(broken)!r}) and hpo.config()["x"] > 2:
        raise SystemExit("the licence server is down")
    hpo.report({{"loss": hpo.config()["x"]}})
    """
    whole = run(script, {"method": "grid", "parameters": {"x": {"values": [1, 2, 3, 4]}}}, concurrency=1)
    assert [trial.state for trial in whole.trials] == ["finished", "finished", "failed", "failed"]
    broken.unlink()
    assert [trial.state for trial in hpo.resume(whole.directory).trials][2:] == ["failed", "failed"]
    again = hpo.resume(whole.directory, retry_failed=True)
    assert [trial.state for trial in again.trials] == ["finished"] * 4
    assert [trial.attempts for trial in again.trials] == [1, 1, 2, 2]
    assert len(hpo.resume(whole.directory).trials) == 4


def test_a_function_goes_on_with_the_function(run: Any, tmp_path: Path) -> None:
    def train(config: dict[str, Any]) -> None:
        hpo.report({"loss": config["x"]})

    own = {"concurrency": 1, "tensorboard": False}
    sweep = {"method": "random", "metric": {"name": "loss"}, "parameters": X, "hpo": own}
    hpo.run(sweep, train, count=2, out=tmp_path / "run")
    with pytest.raises(UserError, match=r"ran a Python function; call hpo\.resume\("):
        hpo.resume(tmp_path / "run", count=4)
    assert len(hpo.resume(tmp_path / "run", train, count=4).trials) == 4


@pytest.mark.parametrize("kept", [True, False], ids=["checkpoints there", "checkpoints gone"])
def test_a_population_goes_on_with_its_clones(run: Any, kept: bool) -> None:
    rule = {"type": "pbt", "interval": 2, "mutate": ["x"], "quantile": 0.5}
    own = {"checkpoint": {"keep": 100 if kept else 1}}
    whole = run(SAVES, {"early_terminate": rule, "run_cap": 4, "hpo": own}, concurrency=2)
    assert events(whole.directory, "exploit")
    cut(whole.directory, lambda written: bool(written) and written[-1]["event"] == "exploit")
    result = hpo.resume(whole.directory)
    assert [trial.state for trial in result.trials] == ["finished"] * 4
    assert all(trial.value is not None for trial in result.trials)
    clone = events(whole.directory, "exploit")[0]["trial"]
    anew = [event["trial"] for event in events(whole.directory, "requeue")]
    assert (clone in anew) != kept


def test_what_changes_the_search_is_refused_and_the_rest_goes_on(run: Any, tmp_path: Path) -> None:
    whole = run(STEPS, count=2, concurrency=1)
    own = whole.directory / "sweep.yaml"
    text = own.read_text()
    own.write_text(text.replace("max: 1.0", "max: 2.0"))
    with pytest.raises(UserError, match=r"parameters\.x\.max: 1\.0 → 2\.0"):
        hpo.resume(whole.directory, count=3)
    assert "\nhpo:\n" in text
    own.write_text(text.replace("\nhpo:\n", "\nhpo:\n  kill_grace: 3\n"))
    assert len(hpo.resume(whole.directory, count=3).trials) == 3


def test_a_prior_that_has_vanished_is_still_known(run: Any, tmp_path: Path) -> None:
    first = run(STEPS, count=4, concurrency=1)
    first.directory.rename(tmp_path / "first")
    sweep = {"method": "tpe", "hpo": {"search": {"startup": 4}}}
    whole = run(STEPS, sweep, count=3, concurrency=1, prior=[tmp_path / "first"])
    (tmp_path / "first" / JOURNAL).unlink()
    cut(whole.directory, ended(1))
    result = hpo.resume(whole.directory)
    assert [trial.config for trial in result.trials] == [trial.config for trial in whole.trials]


def test_a_replay_goes_on_with_its_schedule(run: Any, tmp_path: Path) -> None:
    rule = {"type": "pbt", "interval": 2, "mutate": ["x"]}
    sweep = {"early_terminate": rule, "run_cap": 4}
    schedule = tmp_path / "schedule.yaml"
    schedule.write_text("config: {x: 0.5}\nschedule: {x: {0: 0.5, 2: 0.25}}\n")
    whole = run(SAVES, sweep, replay=schedule)
    schedule.unlink()
    directory = whole.directory
    for _ in range(2):  # the second time the run is the resumed one
        cut(directory, lambda written: any(event["event"] == "pause" for event in written))
        result = hpo.resume(directory)
        assert [(trial.state, trial.config["x"]) for trial in result.trials] == [("finished", 0.25)]


def test_a_script_or_folder_that_has_vanished_is_told_before_anything_starts(
    run: Any, tmp_path: Path
) -> None:
    directory = run(STEPS, count=1, concurrency=1).directory
    before = (directory / JOURNAL).read_bytes()
    script = tmp_path / "train.py"
    script.rename(tmp_path / "trian.py")
    with pytest.raises(UserError, match=r"cannot go on: program 'train\.py' is not in .*mean 'trian\.py'"):
        hpo.resume(directory, count=2)
    assert (directory / JOURNAL).read_bytes() == before


def test_another_engine_or_prior_than_it_was_begun_with_is_refused(run: Any, tmp_path: Path) -> None:
    directory = run(STEPS, count=1, concurrency=1).directory
    loaded = read_sweep(directory / "sweep.yaml")
    with pytest.raises(UserError, match="leave --engine out"):
        reopen(directory, RunOptions(engine="tune"), loaded)
    with pytest.raises(UserError, match="was begun without --prior; leave --prior out"):
        reopen(directory, RunOptions(prior=(tmp_path,)), loaded)
