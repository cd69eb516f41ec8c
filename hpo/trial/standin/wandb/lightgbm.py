"""wandb.lightgbm: each boosting round becomes a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._run import active


def wandb_callback(*args: Any, **options: Any) -> Callable[[Any], None]:
    """A callback that logs the evaluation results of each round as data_metric."""

    def callback(round_: Any) -> None:
        run = active()
        if run is not None:
            run.log(
                {f"{data}_{name}": value for data, name, value, *_ in round_.evaluation_result_list or ()}
            )

    return callback


def log_summary(*args: Any, **options: Any) -> None:
    """Accepted."""
