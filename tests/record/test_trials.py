"""Events folded into trials: states, values, retries, ranking, what later versions may add."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.errors import UserError
from hpo.record.journal import Journal
from hpo.record.trials import RunRecord, RunState, TrialRecord, has_value, load_run, rank

RUN: dict[str, Any] = {
    "event": "run",
    "sweep": {"method": "random", "parameters": {"lr": {"min": 0.0, "max": 1.0}}},
    "seed": 7,
    "count": 3,
    "metric": {"name": "loss", "goal": "minimize", "target": 0.1},
    "method": "random",
    "slots": 2,
    "cwd": "/somewhere",
    "time": 100.0,
}


def folded(*events: dict[str, Any], run: dict[str, Any] = RUN) -> RunRecord:
    state = RunState()
    for event in (run, *events):
        state.apply(event)
    return state.record("run")


def begin(number: int = 1, attempt: int = 1, time: float = 101.0) -> dict[str, Any]:
    return {"event": "start", "trial": number, "attempt": attempt, "slot": 0, "node": "n1", "time": time}


def result(value: float, iteration: int = 1, number: int = 1, best: float | None = None) -> dict[str, Any]:
    best = value if best is None else best
    return {
        "event": "result",
        "trial": number,
        "iteration": iteration,
        "value": value,
        "best": best,
        "time": 102.0,
    }


def end(state: str = "finished", value: float | None = 0.5, number: int = 1, **more: Any) -> dict[str, Any]:
    told = {"reason": "", "kind": "", "last": value, "iterations": 2, "seconds": 3.0, "time": 105.0}
    return {"event": "end", "trial": number, "attempt": 1, "state": state, "value": value, **told, **more}


def test_a_finished_trial_has_all_that_was_told() -> None:
    config = {"event": "trial", "trial": 1, "config": {"lr": 0.1, "net": {"layers": 2}}, "time": 100.5}
    told = end(value=0.4, last=0.6, iterations=2)
    record = folded(config, begin(), result(0.4), result(0.6, 2, best=0.4), told)
    assert record.trials == (
        TrialRecord(
            number=1,
            config={"lr": 0.1, "net": {"layers": 2}},
            state="finished",
            value=0.4,
            last=0.6,
            iterations=2,
            attempts=1,
            started=101.0,
            ended=105.0,
            seconds=3.0,
            node="n1",
            slot=0,
            results=((1, 0.4, 102.0), (2, 0.6, 102.0)),
            value_at=1,
        ),
    )
    assert (record.metric, record.goal, record.target, record.seed) == ("loss", "minimize", 0.1, 7)
    assert (record.count, record.slots, record.method, record.cwd) == (3, 2, "random", "/somewhere")
    assert (record.started, record.updated, record.ended) == (100.0, 105.0, None)


def test_a_running_trial_shows_its_latest_values() -> None:
    (trial,) = folded(begin(), result(0.4), result(0.6, 2, best=0.4)).trials
    assert (trial.state, trial.value, trial.last, trial.iterations) == ("running", 0.4, 0.6, 2)


def test_unended_trials_run_until_the_run_is_done_and_are_interrupted_then() -> None:
    events = [begin(1), end(number=1), begin(2), result(0.2, number=2)]
    assert folded(*events).states["running"] == 1
    record = folded(*events, {"event": "done", "state": "budget", "reason": "used up", "time": 110.0})
    assert (record.state, record.reason, record.ended) == ("budget", "used up", 110.0)
    assert [t.state for t in record.trials] == ["finished", "interrupted"]
    assert record.trials[1].value == 0.2


def test_a_run_that_goes_on_after_its_end_is_running_again() -> None:
    done = {"event": "done", "state": "interrupted", "reason": "", "time": 110.0}
    record = folded(begin(1), done, begin(1, attempt=2, time=200.0))
    assert (record.state, record.ended, record.trials[0].state) == ("running", None, "running")
    assert (record.trials[0].attempts, record.trials[0].started) == (2, 101.0)


def test_a_failed_attempt_that_is_repeated_leaves_no_value_behind() -> None:
    first = [begin(), result(0.1), result(0.1, 2), end("failed", 0.1, kind="exit", reason="exit code 1")]
    again = {"event": "requeue", "trial": 1, "reason": "failed", "time": 106.0}
    (waiting,) = folded(*first, again).trials
    assert (waiting.state, waiting.value, waiting.iterations) == ("running", None, 0)
    second = [begin(attempt=2), result(0.3), end("finished", 0.3, iterations=1)]
    (trial,) = folded(*first, again, *second).trials
    assert (trial.state, trial.value, trial.attempts, trial.reason, trial.kind) == (
        "finished",
        0.3,
        2,
        "",
        "",
    )
    assert trial.seconds == 6.0
    assert [r[:2] for r in trial.results] == [(1, 0.3)]


def test_an_attempt_that_goes_on_from_a_checkpoint_keeps_earlier_results() -> None:
    events = [
        begin(),
        result(0.5),
        result(0.4, 2),
        begin(attempt=2),
        result(0.3, 3),
        end(value=0.3, iterations=3),
    ]
    assert [r[0] for r in folded(*events).trials[0].results] == [1, 2, 3]
    events[3] = {**begin(attempt=2), "iteration": 1}
    assert [r[0] for r in folded(*events).trials[0].results] == [1, 3]


def test_a_paused_trial_goes_on_or_ends_with_the_run() -> None:
    pause = {"event": "pause", "trial": 1, "iterations": 2, "seconds": 1.5, "time": 3.0}
    events = [begin(), result(0.5), result(0.4, 2), pause]
    (trial,) = folded(*events).trials
    assert (trial.state, trial.value, trial.seconds, trial.ended) == ("paused", 0.4, 1.5, None)
    (trial,) = folded(*events, {**begin(), "iteration": 2}, result(0.3, 3)).trials
    assert (trial.state, trial.attempts, len(trial.results)) == ("running", 1, 3)
    over = {**end(value=0.3), "began": 150.0, "time": 160.0}
    (trial,) = folded(*events, {**begin(time=149.0), "iteration": 2}, over).trials
    assert trial.started == 101.0  # not when its last part began
    run = folded(*events, {"event": "done", "state": "interrupted", "time": 9.0})
    assert (run.trials[0].state, run.states["paused"]) == ("interrupted", 0)


def test_a_trial_whose_first_slot_was_lost_has_run_since_its_first_start() -> None:
    again = {"event": "requeue", "trial": 1, "reason": "node gone", "time": 140.0}
    over = {**end(), "attempt": 2, "began": 150.0, "time": 160.0}
    (trial,) = folded(begin(), again, begin(attempt=2, time=149.0), over).trials
    assert (trial.started, trial.attempts) == (101.0, 2)


def test_the_end_of_a_lost_slot_leaves_reported_values_standing() -> None:
    lost = end("interrupted", None, kind="lost", iterations=0, reason="node gone")
    (trial,) = folded(begin(), result(0.4, 5), lost).trials
    assert (trial.state, trial.value, trial.iterations, len(trial.results)) == ("interrupted", 0.4, 5, 1)


def test_events_and_fields_of_later_versions_do_no_harm() -> None:
    plain = [begin(), result(0.4), end(value=0.4)]
    odd: list[dict[str, Any]] = [
        {"event": "generation", "trial": 1, "parents": [3], "time": 1.0},
        {"event": "lease"},
        {"no event": 1},
        {"event": None},
        {"event": "result", "trial": "1", "value": 0.0},
        {"event": "start"},
    ]
    later = [{**event, "colour": {"new": [1]}} for event in plain]
    record = folded(
        *later, *odd, run={**RUN, "checkpoint": {"keep": 2}, "metric": {**RUN["metric"], "use": "last"}}
    )
    assert record.trials == folded(*plain).trials


@pytest.mark.parametrize("metric", [None, {}, [{"name": "a"}], "loss"])
def test_a_run_without_a_metric_reads(metric: Any) -> None:
    record = folded(begin(), end(value=None), run={**RUN, "metric": metric})
    assert (record.metric, record.goal, record.target) == (None, "minimize", None)


def test_nulls_where_numbers_belong_do_no_harm() -> None:
    nulls = {"event": "result", "trial": 1, "iteration": None, "value": None, "best": None, "time": None}
    (trial,) = folded(begin(), nulls, end(value=None, iterations=None, seconds=None)).trials
    assert (trial.value, trial.iterations, trial.seconds, trial.results) == (None, 0, None, ())


def test_a_node_is_set_aside_until_it_is_used_again_or_the_run_goes_on() -> None:
    about = {"node": "gpu07", "id": "f00d", "time": 105.0}
    aside = {"event": "aside", **about, "slots": 2, "trials": [1, 2], "failed": 5, "elsewhere": 40}
    aside |= {"reason": "exit code 1: no GPU"}
    (node,) = folded(aside).set_aside
    said = "5 trials in a row failed there (exit code 1: no GPU) while 40 succeeded elsewhere"
    assert (node.node, str(node)) == ("gpu07", said)
    assert folded(aside, {**RUN, "time": 110.0}).set_aside == ()
    state = RunState()
    for event in (RUN, aside, {"event": "back", **about, "slots": 2, "reason": "no other node is left"}):
        state.apply(event)
    assert state.set_aside == {}
    assert state.notes == [
        f"node gpu07 is set aside: {said}; they run again on other nodes",
        "node gpu07 is used again: no other node is left",
    ]


def trial(number: int, value: float | None, state: str = "finished") -> TrialRecord:
    return TrialRecord(number, {}, state, value)


@pytest.mark.parametrize(
    ("goal", "order"), [("minimize", [4, 2, 6, 3, 1, 5, 7]), ("maximize", [3, 2, 6, 4, 1, 5, 7])]
)
def test_ranking(goal: str, order: list[int]) -> None:
    trials = [
        trial(7, math.inf),
        trial(6, 0.5, "running"),
        trial(5, math.nan),
        trial(4, 0.1, "stopped"),
        trial(3, 0.9, "interrupted"),
        trial(2, 0.5),
        trial(1, None),
    ]
    assert [t.number for t in rank(trials, goal)] == order


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_failed_trial_never_wins_over_a_sound_one(goal: str) -> None:
    trials = [trial(1, -9.0, "failed"), trial(2, 9.0, "failed"), trial(3, 0.0), trial(4, None)]
    ranked = [t.number for t in rank(trials, goal)]
    assert ranked[0] == 3
    assert ranked[1] == (1 if goal == "minimize" else 2)
    assert ranked[3] == 4


NUMBERS = st.integers(1, 4)
STEPS = st.one_of(
    st.builds(begin, NUMBERS, st.integers(1, 3)),
    st.builds(result, st.sampled_from([0.1, 0.2, 0.3, math.nan]), st.integers(1, 5), NUMBERS),
    st.builds(
        end,
        st.sampled_from(["finished", "stopped", "failed"]),
        st.sampled_from([0.1, 0.2, 0.3, None]),
        NUMBERS,
    ),
    st.builds(lambda number: {"event": "requeue", "trial": number, "time": 1.0}, NUMBERS),
    st.just({"event": "done", "state": "complete", "time": 2.0}),
)


@settings(max_examples=200, deadline=None)
@given(events=st.lists(STEPS, max_size=25), goal=st.sampled_from(["minimize", "maximize"]))
def test_counts_and_best_kept_live_equal_those_counted_afterwards(
    events: list[dict[str, Any]], goal: str
) -> None:
    state = RunState()
    for event in ({**RUN, "metric": {"name": "loss", "goal": goal}}, *events):
        state.apply(event)
        record = state.record("run")
        assert state.counts == record.states
        ranked = [t for t in rank(record.trials, goal) if has_value(t)]
        assert (state.best.number if state.best else None) == (ranked[0].number if ranked else None)


def calls(act: Callable[[], None]) -> int:
    """How many functions of Python `act` calls, in all."""
    count, before = 0, sys.getprofile()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


def test_only_a_best_trial_that_got_worse_costs_a_pass_over_all_trials() -> None:
    """A live run asks for the best after each event, of thousands of trials."""
    many, state = 500, RunState()
    for event in (RUN, *(begin(number) for number in range(1, many + 1))):
        state.apply(event)
    asked: list[int | None] = []

    def take(event: dict[str, Any]) -> None:
        state.apply(event)
        asked.append(state.best.number if state.best else None)

    usual = [result(0.5, number=1), result(0.9, number=2), result(0.4, 2, number=1), result(0.3, number=3)]
    usual += [end("failed", 0.9, number=2), end(value=0.3, number=3)]
    assert max(calls(partial(take, event)) for event in usual) < many / 2
    assert calls(partial(take, end("failed", 0.3, number=3))) > many
    assert asked == [1, 1, 1, 3, 3, 3, 1]


def test_ends_and_restarts_are_listed_in_order() -> None:
    state = RunState()
    again = {"event": "requeue", "trial": 2, "reason": "node gone", "time": 1.0}
    for event in (RUN, begin(1), begin(2), end(number=2), again, end(number=1), end(number=2)):
        state.apply(event)
    assert state.ended_trials == [2, 1, 2]
    assert state.restarts == [(2, "node gone")]


def test_a_run_directory_is_read(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "run")
    for event in (RUN, begin(), result(0.4), end(value=0.4)):
        journal.append(event)
    journal.close()
    with (tmp_path / "run" / "journal.jsonl").open("a") as file:
        file.write(json.dumps(begin(2))[:20])
    record = load_run(tmp_path / "run")
    assert record.directory == tmp_path / "run"
    assert [t.number for t in record.trials] == [1]


def test_a_journal_without_a_run_is_a_message(tmp_path: Path) -> None:
    Journal.create(tmp_path / "run").close()
    with pytest.raises(UserError, match=r"journal\.jsonl is empty"):
        load_run(tmp_path / "run")
