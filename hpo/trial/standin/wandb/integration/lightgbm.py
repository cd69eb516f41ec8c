"""LightGBM: each boosting round becomes a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._run import active


def wandb_callback(log_params: bool = True, define_metric: bool = True) -> Callable[[Any], None]:
    """A callback that logs the evaluation results of each round as data_metric."""

    def callback(round_: Any) -> None:
        run = active()
        if run is None:
            return
        if log_params and round_.iteration == round_.begin_iteration:
            run.config.update(round_.params, allow_val_change=True)
        row: dict[str, Any] = {"iteration": round_.iteration}
        for data, name, value, *_ in round_.evaluation_result_list or ():
            row[f"{data}_{name}"] = value
        run.log(row)

    return callback


def log_summary(*args: Any, **options: Any) -> None:
    """Accepted: what it draws is for W&B's pages."""
