"""Runs under an interpreter that has `sweeps` 0.3.0: one JSON request on stdin, one JSON answer on stdout."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import sweeps
from sweeps.config import schema_violations_from_proposed_config
from sweeps.params import HyperParameter

TYPES = {
    "param_single_value": "constant",
    "param_categorical": "categorical",
    "param_categorical_w_probabilities": "categorical_w_probabilities",
    "param_int_uniform": "int_uniform",
    "param_uniform": "uniform",
    "param_quniform": "q_uniform",
    "param_loguniform": "log_uniform",
    "param_loguniform_v2": "log_uniform_values",
    "param_qloguniform": "q_log_uniform",
    "param_qloguniform_v2": "q_log_uniform_values",
    "param_inv_loguniform": "inv_log_uniform",
    "param_inv_loguniform_v2": "inv_log_uniform_values",
    "param_normal": "normal",
    "param_qnormal": "q_normal",
    "param_lognormal": "log_normal",
    "param_qlognormal": "q_log_normal",
    "param_beta": "beta",
    "param_qbeta": "q_beta",
}


def ppf(config: dict[str, Any], points: list[float]) -> list[Any]:
    """Quantiles, as Python values."""
    parameter = HyperParameter("x", config)
    return [_plain(parameter.ppf(u)) for u in points]


def cdf(config: dict[str, Any], values: list[Any]) -> list[Any]:
    """The CDF at each value."""
    parameter = HyperParameter("x", config)
    if parameter.type == HyperParameter.CATEGORICAL:
        values = [parameter.value_to_idx(value) for value in values]
    return [float(parameter.cdf(value)) for value in values]


def grid(parameters: dict[str, Any], most: int) -> list[Any]:
    """The cells of a grid, in order; None after the last."""
    runs = sweeps.next_runs({"method": "grid", "parameters": parameters}, [], n=most)
    return [None if run is None else _values(run.config) for run in runs]


def kind(config: dict[str, Any]) -> str:
    """The distribution that is inferred."""
    found: str = HyperParameter("x", config).type
    return TYPES[found]


def violations(sweep: dict[str, Any]) -> list[str]:
    """What the validation says."""
    return list(schema_violations_from_proposed_config(sweep))


def stops(sweep: dict[str, Any], rows: list[list[Any]]) -> list[list[int]]:
    """What early termination stops when it looks after each row.

    `rows` are [number of the run, what it logs or the state that it ends with]; a stopped run is killed, and
    what it would have logged is left out.
    """
    runs: dict[int, sweeps.SweepRun] = {}
    stopped = []
    for number, row in rows:
        _log(runs, number, row)
        found = sweeps.stop_runs(sweep, list(runs.values()))
        stopped.append(sorted(int(run.name) for run in found))
        for run in found:
            run.state = "killed"
    return stopped


def stop_once(sweep: dict[str, Any], rows: list[list[Any]]) -> list[int]:
    """What early termination stops when it looks after the last row."""
    runs: dict[int, sweeps.SweepRun] = {}
    for number, row in rows:
        _log(runs, number, row)
    return sorted(int(run.name) for run in sweeps.stop_runs(sweep, list(runs.values())))


def _log(runs: dict[int, sweeps.SweepRun], number: int, row: Any) -> None:
    run = runs.setdefault(number, sweeps.SweepRun(name=str(number), state="running"))
    if run.state == "running" and isinstance(row, str):
        run.state = row
    elif run.state == "running":
        run.history.append(row)


def _values(config: Any) -> Any:
    if isinstance(config, dict) and set(config) == {"value"}:
        return _nested(config["value"])
    return {key: _values(value) for key, value in config.items()}


def _nested(value: Any) -> Any:
    return _plain(value)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


ANSWERS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (ppf, cdf, grid, kind, violations, stops, stop_once)
}


def main() -> None:
    """Answer each question of the request; an exception is an answer too."""
    warnings.simplefilter("ignore")
    answers = []
    for name, *arguments in json.load(sys.stdin):
        try:
            answers.append({"ok": ANSWERS[name](*arguments)})
        except Exception as error:
            answers.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
