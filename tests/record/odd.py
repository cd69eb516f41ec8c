"""A run of few trials whose values are as odd as sweep files allow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hpo.record.journal import Journal

PARAMETERS: dict[str, Any] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 0.1},
    "units": {"distribution": "q_log_uniform_values", "min": 1, "max": 256, "q": 1},
    "drop": {"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.1},
    "decay": {"distribution": "normal", "mu": 0.0, "sigma": 1.0},
    "net.depth": {"values": [1, 2, 3]},
    "net": {"parameters": {"depth": {"values": [4, 5]}, "act": {"values": ["relu", None]}}},
    "layers": {"values": [[32], [32, 32], "none"]},
    "flag": {"values": [True, 1, "1"]},
    "block": {"values": [{"a": 1}, {"a": 2, "b": [3]}]},
    "momentum": {"min": 0.0, "max": 1.0, "when": {"layers": "none"}},
    "seed": {"value": None},
}
CONFIGS: tuple[dict[str, Any], ...] = (
    {"lr": 0.01, "units": 7, "drop": 0.30000000000000004, "decay": 9.5, "net.depth": 1,
     "net": {"depth": 4, "act": "relu"}, "layers": [32], "flag": True, "block": {"a": 1}, "seed": None},
    {"lr": 1e-4, "units": 256, "drop": 0.0, "decay": -0.5, "net.depth": 2, "net": {"depth": 5, "act": None},
     "layers": "none", "flag": 1, "block": {"a": 2, "b": [3]}, "momentum": 0.9, "seed": None},
    {"lr": 0.1, "units": 1, "drop": 0.5, "decay": 0.25, "net.depth": 3, "net": {"depth": 4, "act": None},
     "layers": [32, 32], "flag": "1", "block": {"a": 1}, "seed": None},
)  # fmt: skip
BEGAN = 1_790_000_000.5


def odd_run(
    folder: Path,
    ends: Sequence[Mapping[str, Any]],
    rows: Sequence[Sequence[Mapping[str, Any]]] = (),
    **changes: Any,
) -> Path:
    """One trial for each configuration; `ends` says how they ended, `{}`: it still runs."""
    metric = {"name": "loss", "goal": "minimize"}
    sweep = {"method": "random", "program": "train.py", "metric": metric, "parameters": PARAMETERS}
    journal = Journal.create(folder)
    run = {"event": "run", "sweep": sweep, "metric": metric, "method": "random", "seed": 1, "time": BEGAN}
    journal.append(run | changes)
    for number, (config, end) in enumerate(zip(CONFIGS, ends, strict=False), 1):
        at = {"trial": number, "time": BEGAN + number}
        journal.append({"event": "trial", "config": config, **at})
        journal.append({"event": "start", "attempt": 1, "node": "node\ud800", **at})
        if end:
            over = {"event": "end", "reason": "", "seconds": 2.5, "iterations": 1, "attempt": 1}
            journal.append({**over, **at, "time": BEGAN + number + 2, **end})
    journal.close()
    for number, logged in enumerate(rows, 1):
        directory = folder / "trials" / f"{number:04d}"
        directory.mkdir(parents=True)
        lines = [json.dumps({"_step": step, "_time": BEGAN + step, **row}) for step, row in enumerate(logged)]
        (directory / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return folder


ENDS: tuple[dict[str, Any], ...] = (
    {"state": "finished", "value": 0.5, "last": 0.75},
    {"state": "failed", "reason": 'exit code 1: "odd", text'},
    {},
)
ROWS: tuple[list[dict[str, Any]], ...] = (
    [{"loss": 0.5, "train": {"acc": 0.1}}, {"extra": [1, 2]}, {"loss": 0.75, "train": {"loss": 2}}],
    [{"loss": float("nan"), "note": "begun"}],
)
