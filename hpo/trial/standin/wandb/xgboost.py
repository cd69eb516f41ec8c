"""wandb.xgboost: each boosting round becomes a row."""

from __future__ import annotations

from typing import Any

from ._run import active

try:
    from xgboost.callback import TrainingCallback  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    TrainingCallback = object


class WandbCallback(TrainingCallback):  # type: ignore[misc, unused-ignore]
    """Logs the evaluation results of each round as data-metric."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[Any]]]) -> bool:
        """Log a row."""
        run = active()
        if run is not None:
            run.log(
                {f"{data}-{name}": v[-1] for data, logged in evals_log.items() for name, v in logged.items()}
            )
        return False
