"""Keras callbacks: the logs of an epoch, or of some batches, become a row."""

from __future__ import annotations

from typing import Any

from .._run import active

try:
    from keras.callbacks import Callback  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    Callback = object


def _log(prefix: str, logs: dict[str, Any] | None, **more: Any) -> None:
    run = active()
    if run is not None:
        run.log({f"{prefix}{name}": value for name, value in {**(logs or {}), **more}.items()})


class WandbMetricsLogger(Callback):  # type: ignore[misc, unused-ignore]
    """Logs each epoch under epoch/, or every so many batches under batch/."""

    def __init__(self, log_freq: Any = "epoch", *args: Any, **options: Any) -> None:
        super().__init__()
        self.log_freq = 1 if log_freq == "batch" else log_freq
        self.global_batch = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log a row."""
        _log("epoch/", logs, epoch=epoch, **self._learning_rate())

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Log a row where it is the turn of this batch."""
        if isinstance(self.log_freq, int) and batch % self.log_freq == 0:
            _log("batch/", logs, batch_step=self.global_batch, **self._learning_rate())
            self.global_batch += self.log_freq

    def _learning_rate(self) -> dict[str, float]:
        try:
            return {"learning_rate": float(self.model.optimizer.learning_rate)}
        except Exception:  # a schedule, or no optimizer: it is an extra
            return {}


class WandbCallback(Callback):  # type: ignore[misc, unused-ignore]
    """The older callback: names without a prefix."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log a row."""
        _log("", logs, epoch=epoch)


class WandbModelCheckpoint(Callback):  # type: ignore[misc, unused-ignore]
    """Accepted; saves nothing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()


class WandbEvalCallback(WandbModelCheckpoint):
    """Accepted; shows nothing."""
