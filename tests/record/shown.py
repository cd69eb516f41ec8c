"""A run of every kind of parameter, and what event files tell, read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.record.events import read_events
from tests.record.made import BEGAN, Made

SWEEP: dict[str, Any] = {
    "name": "shown",
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
        "width": {"min": 8, "max": 64},
        "flag": {"values": [True, False]},
        "layers": {"values": [[32], [32, 32]]},
        "act": {"values": ["relu", None]},
        "mixed": {"values": [1, "auto", 0.5]},
        "depth": {"values": [1, 2, 4]},
        "noise": {"distribution": "normal", "mu": 0.0, "sigma": 1.0},
        "momentum": {"min": 0.0, "max": 1.0, "when": {"act": "relu"}},
        "decay": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1, "when": {"act": "relu"}},
        "model": {"parameters": {"drop": {"values": [0.1, 0.2], }, "kind": {"value": {"a": 1}}}},
        "epochs": {"value": 27},
    },
}  # fmt: skip
RELU = {
    "lr": 0.01, "width": 16, "flag": True, "layers": [32, 32], "act": "relu", "mixed": "auto", "depth": 2,
    "noise": 0.5, "momentum": 0.9, "decay": 1e-3, "model": {"drop": 0.1, "kind": {"a": 1}}, "epochs": 27,
}  # fmt: skip
NONE = {k: v for k, v in RELU.items() if k not in ("momentum", "decay")} | {"act": None, "mixed": 0.5}


def begun(folder: Path, *configs: Mapping[str, Any], sweep: dict[str, Any] = SWEEP) -> Made:
    made = Made(folder, sweep, len(configs), 2)
    for number, config in enumerate(configs, 1):
        made.say(number, event="trial", trial=number, config=dict(config))
        made.say(number, event="start", trial=number, attempt=1, slot=0, node="n", iteration=0)
    return made


def end(made: Made, number: int, state: str = "finished", at: float = 20.0, **known: Any) -> None:
    event = {"value": 1.0, "last": 1.0, "iterations": 1, "rows": 1, "seconds": 5.0, "reason": "", "kind": ""}
    made.say(at, event="end", trial=number, attempt=1, state=state, **(event | known))


def rows(*values: float | None, **more: Any) -> list[dict[str, Any]]:
    return [
        {"_step": step, "_time": BEGAN + 2 + step, **({} if value is None else {"loss": value}), **more}
        for step, value in enumerate(values)
    ]


def told(root: Path, run: str) -> dict[str, Any]:
    """The values of each tag of a run: scalars as (step, value); else as they are."""
    found: dict[str, Any] = {}
    for path in sorted((root / run).glob("events*")):
        for event in read_events(path):
            for value in event.summary.value:
                what = (event.step, value.simple_value) if value.HasField("simple_value") else value
                found.setdefault(value.tag, []).append(what)
    return found


def hparams(value: Any) -> Any:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    return HParamsPluginData.FromString(value.metadata.plugin_data.content)


def session(root: Path, run: str) -> dict[str, Any]:
    start = hparams(told(root, run)["_hparams_/session_start_info"][0]).session_start_info
    return {name: getattr(one, one.WhichOneof("kind")) for name, one in start.hparams.items()}


def status(root: Path, run: str) -> int | None:
    ends = told(root, run).get("_hparams_/session_end_info", [])
    assert len(ends) <= 1, "only the first would count"
    return hparams(ends[0]).session_end_info.status if ends else None


def experiment(root: Path) -> Any:
    found = list((root / "_sweep").glob("v*"))
    assert len(found) == 1, "TensorBoard would take any of them"
    return hparams(told(root, f"_sweep/{found[0].name}")["_hparams_/experiment"][0]).experiment


def last(root: Path, run: str, tag: str) -> float:
    return float(told(root, run)[tag][-1][1])
