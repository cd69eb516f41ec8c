"""Population based training on simulated populations: the paper's toy, and each of Ray's known faults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from ray.tune.schedulers import TrialScheduler

from hpo.engine.scheduling import Scheduling
from hpo.errors import UserError
from hpo.sweepfile.load import load_sweep
from hpo.tune.schedulers import scheduler
from hpo.tune.schedulers.judging import TIME
from hpo.tune.schedulers.pb2 import MOST, Trained
from hpo.tune.translate import translate
from tests.tune.population_runs import Run, simulate

Weights = tuple[float, float]
H = {"distribution": "uniform", "min": 0.0, "max": 1.0}


def sweep(count: int, rule: Mapping[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    kind = {"type": "pbt", "interval": 4, "mutate": ["h0", "h1"], **(rule or {})}
    return {
        "method": "random",
        "program": "train.py",
        "run_cap": count,
        "metric": {"name": "loss", "goal": "minimize"},
        "early_terminate": kind,
        "parameters": {"h0": H, "h1": H, **parameters},
    }


def toy(weights: Weights, config: Mapping[str, Any]) -> tuple[Weights, float]:
    """Jaderberg et al., section 4.1: ascend 1.2 - (h0·θ0² + h1·θ1²) for the sake of 1.2 - (θ0² + θ1²)."""
    moved = tuple(w - 0.02 * 2 * config[h] * w for w, h in zip(weights, ("h0", "h1"), strict=True))
    return (moved[0], moved[1]), -(1.2 - sum(w * w for w in moved))


def train(count: int = 8, slots: int = 8, seed: int = 0, **options: Any) -> Run:
    rule = options.pop("rule", None)
    return simulate(
        sweep(count, rule), lambda: (0.9, 0.9), toy, iterations=80, slots=slots, seed=seed, **options
    )


def best(run: Run) -> float:
    return min(member.values[-1] for member in run.members.values())


@pytest.mark.parametrize("kind", ["pbt", "pb2"])
def test_a_population_beats_its_members_left_alone(kind: str) -> None:
    rule: dict[str, Any] = {"type": kind}
    for seed in range(3):
        together, alone = train(seed=seed, rule=rule), train(seed=seed, rule=rule, saves=False)
        assert not alone.exploits
        assert len(together.exploits) > 10
        assert best(together) <= best(alone) + 1e-12
        mean = [sum(m.values[-1] for m in run.members.values()) for run in (together, alone)]
        assert mean[0] < mean[1]


@pytest.mark.parametrize("kind", ["pbt", "pb2"])
def test_values_never_leave_their_range(kind: str) -> None:
    run = train(seed=3, rule={"type": kind})
    values = [one["config"][name] for one in run.exploits for name in ("h0", "h1")]
    assert values
    assert all(0.0 <= value <= 1.0 and isinstance(value, float) for value in values)


def test_the_same_seed_and_results_give_the_same_decisions() -> None:
    runs = [train(seed=5, slots=3) for _ in range(2)]
    assert [one["config"] for one in runs[0].exploits] == [one["config"] for one in runs[1].exploits]
    assert [one["config"] for one in train(seed=6).exploits] != [one["config"] for one in runs[0].exploits]


def test_without_checkpoints_nothing_is_taken_over_or_paused_and_it_is_said_once() -> None:
    for slots in (8, 3):
        run = train(slots=slots, saves=False)
        assert (run.exploits, run.pauses) == ([], 0)
        assert [len(member.values) for member in run.members.values()] == [80] * 8
        (note,) = run.notes
        assert "without a checkpoint" in note
        assert "hpo.report(metrics, checkpoint=state)" in note


def test_no_member_waits_where_there_are_slots_for_all() -> None:
    run = train()
    assert run.pauses == len(run.exploits) > 0


@pytest.mark.parametrize("slots", [1, 3])
def test_a_population_may_exceed_the_slots_and_advances_together(slots: int) -> None:
    run = train(slots=slots)
    assert [len(member.values) for member in run.members.values()] == [80] * 8
    assert run.pauses > 8 * 10
    assert len(run.exploits) > 10
    assert {abs(one["donor_at"] - one["at"]) for one in run.exploits} <= {0, 4}  # nobody runs ahead


def test_what_is_not_named_is_inherited_unchanged() -> None:
    layers = {"values": [1, 2, 3, 4]}
    run = simulate(sweep(8, layers=layers), lambda: (0.9, 0.9), toy, iterations=40, slots=8, seed=1)
    for one in run.exploits:
        assert one["config"]["layers"] == one["donor_config"]["layers"]
    assert any(one["config"]["layers"] != one["before"]["layers"] for one in run.exploits)


def test_groups_never_mix() -> None:
    layers = {"values": [1, 2]}
    run = simulate(
        sweep(12, {"group": ["layers"]}, layers=layers),
        lambda: (0.9, 0.9),
        toy,
        iterations=60,
        slots=5,
        seed=2,
    )
    assert {one["config"]["layers"] for one in run.exploits} == {1, 2}
    for one in run.exploits:
        assert one["config"]["layers"] == one["before"]["layers"]


def at_milestone(rule: Mapping[str, Any], *values: float) -> tuple[Scheduling, list[str]]:
    """Trials that report these values at iteration 4, in this order; what each was answered."""
    scheduling = Scheduling(scheduler(load_sweep(sweep(len(values), rule)), 7))
    for number in range(1, len(values) + 1):
        scheduling.add(str(number), {"h0": 0.5, "h1": number / 16})
    answers = []
    for number, value in enumerate(values, 1):
        trial = scheduling.trials[str(number)]
        trial.saved, trial.checkpointed = 4, True
        answers.append(scheduling.result(str(number), {TIME: 4, "loss": value}))
    return scheduling, answers


CONTINUE, PAUSE = TrialScheduler.CONTINUE, TrialScheduler.PAUSE


def test_the_bottom_quantile_clones_the_top_one() -> None:
    scheduling, answers = at_milestone({}, 1.0, 2.0, 3.0, 4.0)
    assert answers == [CONTINUE, CONTINUE, CONTINUE, PAUSE]
    assert scheduling.trials["4"].donor is scheduling.trials["1"]
    assert scheduling.trials["4"].config != scheduling.trials["1"].config
    assert all(scheduling.trials[name].donor is None for name in "123")


def test_nothing_is_decided_by_too_few_values() -> None:
    assert at_milestone({}, 1.0, 2.0, 3.0)[1] == [CONTINUE, CONTINUE, PAUSE]
    assert at_milestone({}, 3.0, 4.0, 1.0, 2.0)[1] == [CONTINUE] * 4


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_worst(odd: float) -> None:
    assert at_milestone({}, 5.0, 6.0, 7.0, odd)[1][-1] == PAUSE
    assert at_milestone({}, odd, odd, odd, odd)[1] == [CONTINUE] * 4


def test_equal_values_are_no_reason_to_clone() -> None:
    assert at_milestone({}, 1.0, 1.0, 1.0, 1.0)[1] == [CONTINUE] * 4


def test_a_donor_without_the_checkpoint_of_its_milestone_is_passed_over() -> None:
    scheduling, _ = at_milestone({"quantile": 0.5}, 3.5, 3.0, 2.0, 1.0)
    scheduling.trials["4"].saved = 0
    assert scheduling.result("1", {TIME: 8, "loss": 9.0}) == PAUSE
    assert scheduling.trials["1"].donor is scheduling.trials["3"]


def test_a_clone_is_no_donor_before_it_has_a_value_of_its_own() -> None:
    scheduling, answers = at_milestone({"quantile": 0.5}, 1.0, 5.0, 6.0, 7.0)
    assert answers[2:] == [PAUSE, PAUSE]
    assert scheduling.scheduler.members["4"].score == 1.0
    assert not scheduling.scheduler.members["4"].donates


def test_nothing_is_taken_over_between_milestones_or_at_the_end() -> None:
    scheduling, _ = at_milestone({"max_iter": 12}, 1.0, 2.0, 3.0, 3.5)
    for iteration, answer in ((7, CONTINUE), (12, CONTINUE), (16, CONTINUE), (8, PAUSE)):
        scheduling.trials["2"].donor = None
        assert scheduling.result("2", {TIME: iteration, "loss": 99.0}) == answer


def test_ended_trials_are_no_donors() -> None:
    scheduling, _ = at_milestone({}, 3.5, 3.0, 2.0, 1.0)
    scheduling.complete("4", {TIME: 4, "loss": 1.0}, error=False)
    assert scheduling.result("1", {TIME: 8, "loss": 99.0}) == PAUSE
    assert scheduling.trials["1"].donor is scheduling.trials["3"]


def test_pb2_learns_from_the_newest_intervals_only() -> None:
    scheduling, _ = at_milestone({"type": "pb2"}, 1.0)
    last = MOST + 20
    for milestone in range(2, last + 1):
        scheduling.result("1", {TIME: 4 * milestone, "loss": 1 / milestone})
    seen = [one.generation for one in scheduling.scheduler.trained]
    assert seen == list(range(last - MOST + 1, last + 1))


def taught() -> Any:
    """The scheduler of a pb2 population that has seen as many intervals as its model needs."""
    scheduling, _ = at_milestone({"type": "pb2"}, 1.0, 2.0)
    gains = {0.1: 0.2, 0.4: 0.9, 0.6: 0.8, 0.9: 0.1}
    scheduling.scheduler.trained = [Trained(0, (0.5, h1), gain) for h1, gain in gains.items()]
    return scheduling.scheduler


def test_pb2s_clones_of_one_generation_begin_with_different_numbers() -> None:
    pb2 = taught()
    donor = pb2.members["1"]
    one, two = [pb2.explore(pb2.members[name], donor, Random(1)) for name in "12"]
    assert max(abs(one[name] - two[name]) for name in ("h0", "h1")) > 0.05


def test_pb2_changes_a_clone_that_lacks_one_of_the_numbers_as_pbt_does() -> None:
    pb2 = taught()
    donor = pb2.members["1"]
    donor.trial.config = {"h1": 0.5}  # another condition than that of h0 holds
    changed = pb2.explore(pb2.members["2"], donor, Random(2))
    assert list(changed) == ["h1"]
    assert changed["h1"] in (0.4, 0.6)


def test_a_stock_tuner_gets_no_population() -> None:
    with pytest.raises(UserError, match=r"use hpo\.run"):
        translate(sweep(4))
