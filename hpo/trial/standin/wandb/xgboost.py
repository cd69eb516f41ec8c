"""wandb.xgboost: each boosting round becomes a row."""

from __future__ import annotations

from typing import Any

from ._run import active

try:
    from xgboost.callback import TrainingCallback  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    TrainingCallback = object


class WandbCallback(TrainingCallback):  # type: ignore[misc, unused-ignore]
    """Logs the evaluation results of each round as data-metric, and the best score at the end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[Any]]]) -> bool:
        """Log a row."""
        run = active()
        if run is not None:
            row = {
                f"{data}-{name}": v[-1] for data, logged in evals_log.items() for name, v in logged.items()
            }
            run.log({**row, "epoch": epoch})
        return False

    def after_training(self, model: Any) -> Any:
        """Log the best score of early stopping, if there is one."""
        run, best = active(), model.attr("best_score")
        if run is not None and best is not None:
            run.log({"best_score": float(best), "best_iteration": int(model.attr("best_iteration"))})
        return model


def wandb_callback() -> WandbCallback:
    """The older form."""
    return WandbCallback()
