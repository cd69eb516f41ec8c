from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hpo.trial.environment import SITE, continued, params_text, trial_environment
from hpo.trial.recipe import Recipe


def environment(inherited: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
    given_: dict[str, Any] = {
        "number": 7,
        "config": {"lr": 1e-05, "opt": {"name": "ädam"}},
        "directory": "/run/trials/0007",
        "channel": "/tmp/hpo/7",
        "metric": "val/loss",
        "cwd": "/work",
        "sweep_id": "s1",
        "run_id": "s1-0007",
        "project": None,
        "entity": None,
    }
    return trial_environment(inherited or {}, **given_ | changes)


def test_what_a_trial_sees() -> None:
    env = environment({"PATH": "/bin", "PYTHONPATH": "/a:/b"})
    assert json.loads(env.pop("HPO_CONFIG")) == {"lr": 1e-05, "opt": {"name": "ädam"}}
    assert env == {
        "PATH": "/bin",
        "PYTHONPATH": f"{SITE}:/a:/b",
        "PYTHONUNBUFFERED": "1",
        "HPO_CHANNEL": "/tmp/hpo/7",
        "HPO_TRIAL": "7",
        "HPO_TRIAL_DIR": "/run/trials/0007",
        "HPO_METRIC": "val/loss",
        "WANDB_DIR": "/work",
        "WANDB_MODE": "disabled",
        "WANDB_SILENT": "true",
        "WANDB_SWEEP_ID": "s1",
        "WANDB_RUN_ID": "s1-0007",
        "WANDB_SWEEP_PARAM_PATH": "/run/trials/0007/params.yaml",
    }


@pytest.mark.parametrize(
    ("trainable", "limit", "told"),
    [("train:Net", 9, "9"), ("train:Net", None, None), ("", 9, None)],
)
def test_only_a_class_that_is_stepped_is_told_its_last_step(
    trainable: str, limit: int | None, told: str | None
) -> None:
    recipe = Recipe("/run", "/", {}, trainable=trainable, max_iterations=limit, program="train.py")
    assert recipe.build(1, 1, {}).env.get("HPO_MAX_ITERATIONS") == told


def test_another_trials_variables_are_not_inherited() -> None:
    env = environment(
        {"WANDB_SERVICE": "x", "HPO_FUNCTION_FD": "3", "WANDB_SWEEP_ID": "old", "PYTHONPATH": SITE}
    )
    assert "WANDB_SERVICE" not in env
    assert "HPO_FUNCTION_FD" not in env
    assert env["WANDB_SWEEP_ID"] == "s1"
    assert env["PYTHONPATH"] == SITE


@pytest.mark.parametrize(("mode", "has_id"), [("online", False), ("offline", True), ("", True)])
def test_online_wandb_knows_nothing_of_this_sweep(mode: str, has_id: bool) -> None:
    env = environment({"WANDB_MODE": mode, "WANDB_SWEEP_ID": "old"})
    assert ("WANDB_SWEEP_ID" in env) is has_id
    assert env["WANDB_MODE"] == (mode or "disabled")


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_trials_of_a_sweep_that_asks_for_wandb_are_runs_of_its_group(mode: str) -> None:
    env = environment({"WANDB_NAME": "mine", "HPO_WANDB": "old"}, wandb=mode, run_id="a sweep: x-0007")
    assert (env["WANDB_MODE"], env["HPO_WANDB"], env["WANDB_RUN_GROUP"]) == (mode, mode, "s1")
    assert (env["WANDB_NAME"], env["WANDB_RUN_ID"]) == ("a sweep: x-0007", "a-sweep--x-0007")
    assert env["WANDB_DIR"] == "/run/trials/0007"
    assert "WANDB_SWEEP_ID" not in env


def test_parts_of_a_trial_do_not_replace_each_other_on_wandb() -> None:
    offline = environment(wandb="offline", run_id="s" * 90 + "-0007")
    part = continued(offline, 12)
    assert part["WANDB_RUN_ID"].endswith("s-0007-from-12")
    assert len(part["WANDB_RUN_ID"]) == len(offline["WANDB_RUN_ID"])
    assert part["WANDB_NAME"].endswith("-0007 from 12")
    assert continued(environment(wandb="online"), 12) == {"WANDB_RESUME": "allow"}
    assert continued(environment({"WANDB_MODE": "offline"}), 12) == {}


def test_the_users_mode_goes_before_the_sweeps() -> None:
    env = environment({"WANDB_MODE": "disabled", "HPO_WANDB": "old"}, wandb="online")
    assert env["WANDB_MODE"] == "disabled"
    assert "HPO_WANDB" not in env
    assert environment({"WANDB_RUN_GROUP": "mine", "WANDB_MODE": "offline"}, wandb="online") | {
        "HPO_WANDB": "offline",
        "WANDB_RUN_GROUP": "mine",
    } == environment({"WANDB_RUN_GROUP": "mine", "WANDB_MODE": "offline"}, wandb="online")


def test_the_users_environment_goes_before_the_sweep() -> None:
    env = environment(
        {"WANDB_PROJECT": "mine", "WANDB_DIR": "/logs", "WANDB_SILENT": "false", "PYTHONUNBUFFERED": "0"},
        project="theirs",
        entity="us",
    )
    assert (env["WANDB_PROJECT"], env["WANDB_ENTITY"]) == ("mine", "us")
    assert (env["WANDB_DIR"], env["WANDB_SILENT"], env["PYTHONUNBUFFERED"]) == ("/logs", "false", "0")


def test_relative_places_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    env = environment(directory="run/0007", cwd=".")
    assert env["WANDB_DIR"] == str(tmp_path)
    assert env["HPO_TRIAL_DIR"] == str(tmp_path / "run/0007")


def test_the_parameter_file_looks_like_wandbs() -> None:
    config = {"lr": 1e-05, "on": True, "opt": {"name": "adam", "betas": [0.9, 0.999]}, "none": None}
    assert params_text(config) == (
        "wandb_version: 1\n"
        "\n"
        "lr:\n  value: 1.0e-05\n"
        '"on":\n  value: true\n'
        'opt:\n  value: {"name": "adam", "betas": [0.9, 0.999]}\n'
        "none:\n  value: null\n"
    )
    assert params_text({}) == "wandb_version: 1\n"


def test_real_wandb_reads_the_parameter_file(tmp_path: Path) -> None:
    config_util = importlib.import_module("wandb.sdk.lib.config_util")
    config = {"lr": 1e-05, "a.b": [1, 2.0], "opt": {"name": "x"}, "yes": "no"}
    file = tmp_path / "params.yaml"
    file.write_text(params_text(config), encoding="utf-8")
    assert config_util.dict_from_config_file(str(file)) == config


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXT | st.integers() | st.floats(allow_nan=False), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    """Equal in value and type, NaN too; 1 and 1.0 differ."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        pairs = zip(one.items(), other.items(), strict=False)
        return len(one) == len(other) and all(same(k, j) and same(v, w) for (k, v), (j, w) in pairs)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return repr(one) == repr(other)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXT.filter(lambda name: name != "wandb_version"), VALUES, max_size=4))
@example({"null": "null", "~": "~", "1": 1, "1e3": 1e3, "<<": "<<", "=": "=", "": "", "a: b #": "- x"})
@example({"x" * 2000: {"y" * 2000: 1}, "é" * 1100: 1e300, "s": "z" * 5000})
@example(
    {"a": "\x85\u2028\u2029\ufeff\ud800\x00\x7f\xa0 \t\n\r", "b": "\U0001f600", "2020-01-01": "12:30:45"}
)
@example({"a": [1e-05, 1e22, -0.0, math.nan, math.inf, -math.inf, 5e-324, 10**30]})
def test_pyyaml_gives_back_exactly_the_values(config: dict[str, Any]) -> None:
    read = yaml.safe_load(params_text(config))
    assert read.pop("wandb_version") == 1
    assert same({name: block["value"] for name, block in read.items()}, config)
    assert all(list(block) == ["value"] for block in read.values())
