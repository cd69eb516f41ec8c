"""The checks one by one: each rule of severity, what it says and where it keeps silent."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.sweepfile.load import read_sweep

SWEEP: dict[str, Any] = {"method": "random", "program": "t.py", "parameters": {"x": {"values": [1, 2]}}}
METRIC = {"name": "loss"}


def problems(**changes: Any) -> list[str]:
    """Problems of a good sweep with these keys changed; a key set to `...` is left out."""
    sweep = {key: value for key, value in {**SWEEP, **changes}.items() if value is not ...}
    return [str(problem).removeprefix("<dict>: ") for problem in read_sweep(sweep).problems]


def one(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


def test_the_sweep_that_the_others_change_is_good() -> None:
    assert problems() == []
    assert problems(method="bayes", metric=METRIC, early_terminate={"type": "hyperband", "min_iter": 3}) == []


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("parameter", "did you mean 'parameters'?"),
        ("early_stopping", "did you mean 'early_terminate'?"),
        ("early_terminat", "did you mean 'early_terminate'?"),
        ("Method", "did you mean 'method'?"),
        ("arguments", "pass parameters with ${args} in command"),
        ("count", "write run_cap, or use --count"),
        ("seed", "write it under hpo:"),
        ("resources", "write it under hpo:"),
        ("concurrency", "write it under hpo:"),
        ("settings", "known: program, method"),
        ("tags", "known: program, method"),
    ],
)
def test_unknown_keys_warn(key: str, hint: str) -> None:
    said = one(problems(**{key: 1}))
    assert said.startswith(f"{key}: warning: unknown key '{key}' is ignored, as on W&B; {hint}")


@pytest.mark.parametrize("key", ["apiVersion", "kind", "description", "project", "entity"])
def test_keys_without_effect_are_silent(key: str) -> None:
    assert problems(**{key: "sweep"}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"job": "a"}, "job: warning: belongs to W&B Launch, which hpo does not use; remove it"),
        ({"image_uri": "a"}, "image_uri: warning: belongs to W&B Launch, which hpo does not use; remove it"),
        (
            {"job": "a", "program": ...},
            "job: belongs to W&B Launch, which hpo does not use; name the training script with `program:`",
        ),
        (
            {"scheduler": {"engine": "wandb"}},
            "scheduler: warning: W&B's own schedulers do not run here; remove it; hpo schedules",
        ),
        (
            {"scheduler": {"engine": "optuna"}},
            "scheduler: W&B's own schedulers do not run here; remove it and write `method: bayes`",
        ),
        (
            {"scheduler": None},
            "scheduler: W&B's own schedulers do not run here; remove it and write `method: bayes`",
        ),
        (
            {"method": "custom"},
            "method: 'custom' stands for a scheduler of W&B's; write `method: bayes`, random or grid",
        ),
    ],
)
def test_what_belongs_to_services_of_wandb(changes: dict[str, Any], said: str) -> None:
    assert one(problems(**changes)).startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": ...}, "method: is missing; add `method: random` (or grid, bayes)"),
        ({"method": "Bayes"}, "method: 'Bayes' is not a choice; did you mean 'bayes'?"),
        ({"method": "sobol"}, "method: 'sobol' is not a choice; known: grid, random, bayes"),
        ({"parameters": ...}, "parameters: is missing; name what to vary under `parameters:`"),
        ({"parameters": {}}, "parameters: is empty; name what to vary under `parameters:`"),
        ({"parameters": "lr"}, "parameters: a mapping is needed, not 'lr'; write one `name:` a parameter"),
        ({"run_cap": 0}, "run_cap: 0: input should be greater than or equal to 1"),
        ({"run_cap": 2.5}, "run_cap: 2.5 is not a whole number; write an integer"),
        ({"run_cap": "3"}, "run_cap: '3' is not a number; leave out the quotes"),
        ({"program": ["a"]}, "program: ['a']: input should be a valid string"),
        ({"controller": {"type": "both"}}, "controller.type: 'both' is not a choice; known: local, cloud"),
        ({"metric": "loss"}, "metric: a mapping is needed, not 'loss'; write `name: loss`"),
        ({"metric": {"goal": "minimize"}}, "metric.name: is missing; give the metric's name"),
        ({"metric": METRIC | {"goal": "max"}}, "metric.goal: 'max' is not a choice; known: minimize"),
        ({"metric": METRIC | {"goal": "Maximize"}}, "metric.goal: 'Maximize' is not a choice; did you mean"),
        ({"metric": METRIC | {"gaol": "x"}}, "metric.gaol: unknown key 'gaol'; did you mean 'goal'?"),
        ({"metric": METRIC | {"target": "x"}}, "metric.target: 'x' is not a number; write one number"),
        ({"metric": METRIC | {"impute": "mean"}}, "metric.impute: 'mean' is not a choice; known: latest"),
        ({"command": 3}, "command: a list is needed, not 3; write one item a line"),
        ({"command": "python 'x"}, "command: is a text; W&B ignores it and runs the default command"),
    ],
)  # fmt: skip
def test_malformed_keys_are_errors(changes: dict[str, Any], said: str) -> None:
    assert one(problems(**changes)).startswith(said)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"type": "hyperband"}, "early_terminate: no rungs: neither min_iter nor max_iter with s is given;"),
        ({"type": "hyperband", "max_iter": 27}, "early_terminate: no rungs: neither min_iter nor max_iter"),
        ({"min_iter": 3}, "early_terminate.type: is missing; add `type: hyperband`"),
        ({"type": "Hyperband", "min_iter": 3}, "early_terminate.type: 'Hyperband' is not a choice; did you"),
        ({"type": "envelope", "min_iter": 3}, "early_terminate.type: 'envelope' is not a choice; known:"),
        ({"type": "hyperband", "min_iter": 0}, "early_terminate.min_iter: 0: input should be greater than"),
        ({"type": "hyperband", "min_iter": 1.5}, "early_terminate.min_iter: 1.5 is not a whole number;"),
        ({"type": "hyperband", "min_iter": 3, "eta": 1}, "early_terminate.eta: 1: input should be greater"),
        ({"type": "hyperband", "min_iter": 3, "max_iters": 9}, "early_terminate.max_iters: unknown key"),
        ({"type": "hyperband", "min_iter": 3, "strict": "yes"}, "early_terminate.strict: 'yes' is neither"),
        ({"type": "hyperband", "max_iter": 2, "s": 3}, "early_terminate: max_iter 2 divided by eta 3"),
        ("hyperband", "early_terminate: names a rule without its rungs; write `type: hyperband` and"),
        ("asha", "early_terminate: names a rule without its rungs; write `type: asha` and `min_iter: 3`"),
        ("bohb", "early_terminate: names a rule without its rungs; write `type: bohb` and `max_iter: 27`"),
        ("ahsa", "early_terminate: a mapping is needed, not 'ahsa'; write `type: hyperband` and `min_iter:"),
        ({"type": "hyperband", "min_iter": 2, "max_iter": 9}, "early_terminate: warning: W&B never stops a"),
        ({"type": "hyperband", "min_iter": 2, "max_iter": 27, "s": 2}, "early_terminate.min_iter: warning:"),
        ({"type": "ahsa", "min_iter": 3}, "early_terminate.type: 'ahsa' is not a choice; did you mean"),
        ({"type": "asha"}, "early_terminate: no rungs: neither min_iter nor max_iter with s is given;"),
        ({"type": "asha", "min_iter": 9, "max_iter": 3}, "early_terminate: min_iter 9 leaves no rung below"),
        ({"type": "asha", "min_iter": 9, "brackets": 3}, "early_terminate.brackets: unknown key 'brackets'"),
        ({"type": "async_hyperband"}, "early_terminate.max_iter: is missing; add `max_iter:`"),
        ({"type": "async_hyperband", "max_iter": 2}, "early_terminate: max_iter 2 divided by eta 3"),
        ({"type": "async_hyperband", "max_iter": 9, "brackets": 4}, "early_terminate.brackets: 4 brackets, "),
        ({"type": "median", "min_iter": 9, "max_iter": 9}, "early_terminate: min_iter 9 is not below max_"),
        ({"type": "median", "grace": 9}, "early_terminate.grace: unknown key 'grace'; known: type, min_iter"),
        ({"type": "mine:", "min_iter": 3}, "early_terminate.type: 'mine:' names no class; write module:C"),
        ({"type": "mine:Rule"}, "early_terminate.type: module 'mine' is not in "),
        ({"type": "hyperband", "min_iter": 2, "s": 2}, "early_terminate.s: warning: s has no effect"),
    ],
)  # fmt: skip
def test_early_stops(rule: Any, said: str) -> None:
    assert one(problems(metric=METRIC, early_terminate=rule)).startswith(said)


def test_mixed_rungs_are_listed() -> None:
    rule = {"type": "hyperband", "min_iter": 2, "max_iter": 20, "eta": 2}
    said = one(problems(metric=METRIC, early_terminate=rule))
    assert "here the rungs are 2, 4, 8, 16; leave max_iter out, or write max_iter and s" in said
    said = one(problems(metric=METRIC, early_terminate={**rule, "s": 2}))
    assert "max_iter and s decide: the rungs are 5, 10; remove min_iter" in said


def test_a_command_in_one_text_is_split_for_the_hint() -> None:
    assert one(problems(command="a --b 'c d'")).endswith('write a list: ["a", "--b", "c d"]')


def test_who_needs_a_metric() -> None:
    assert one(problems(method="bayes")).startswith("method: bayes needs a metric; add `metric: ")
    rule = {"type": "hyperband", "min_iter": 3}
    assert one(problems(early_terminate=rule)).startswith("early_terminate: early_terminate needs a metric;")
    assert one(problems(method="bayes", early_terminate=rule)).startswith("method: bayes needs a metric")


def test_bayes_needs_something_to_search() -> None:
    constant = {"x": {"value": 1}, "n": {"parameters": {"y": {"values": ["only"]}}}}
    said = "parameters: every parameter is constant: there is nothing to search; vary one"
    assert one(problems(method="bayes", metric=METRIC, parameters=constant)) == said
    assert problems(method="grid", parameters=constant) == []


@pytest.mark.parametrize(
    ("command", "key", "said"),
    [
        (["${arg}"], "command.0", "unknown macro ${arg} (W&B drops it without a word); did you mean"),
        (["python", "${x}"], "command.1", "unknown macro ${x} (W&B drops it without a word); one parameter"),
        (["${envvar:home}"], "command.0", "unknown macro ${envvar:home}"),
        ([{"$interpreter": None}], "command.0", "{$interpreter} is a YAML mapping, not a macro; did you"),
        ([{"program": None}], "command.0", "{program} is a YAML mapping, not a macro; did you mean"),
        (["python", "--a=${x}"], "command.1", "warning: '--a=${x}' is passed as it stands; a macro must be"),
        (["python", "--a 1 --b 2"], "command.1", "warning: '--a 1 --b 2' is one argument; write one item"),
    ],
)  # fmt: skip
def test_commands(command: list[Any], key: str, said: str) -> None:
    assert one(problems(command=command)).startswith(f"{key}: {said}")


@pytest.mark.parametrize(
    "command",
    [
        ["${env}", "A=1", "python", "${program}", "${args}"],
        ["python", "t.py", "--home=${envvar:HOME}", "${envvar:X}", "a b", "-", 3, True, None, 1e-6],
        [
            "python",
            "t.py",
            "${args_no_hyphens}",
            "${args_json}",
            "${args_json_file}",
            "${args_no_boolean_flags}",
        ],
        [],
    ],
)
def test_good_commands_are_silent(command: list[Any]) -> None:
    assert problems(command=command) == []


def test_programs() -> None:
    command = ["python", "${program}"]
    assert one(problems(program=..., command=command)) == (
        "program: no program is named; add `program: train.py`"
    )
    assert one(problems(program="a\\b.py")) == (
        "program: warning: backslashes do not separate folders here; write a/b.py"
    )
    assert problems(program=..., command=["python", "t.py"]) == []


def test_a_key_is_told_once_where_two_checks_see_it() -> None:
    for changes in (
        {"command": "a"},
        {"early_terminate": "hyperband"},
        {"metric": "a"},
        {"method": "custom"},
    ):
        assert len([p for p in problems(**changes) if "needs a metric" not in p]) == 1
