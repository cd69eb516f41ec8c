"""Keras callbacks: the epoch's logs become a row."""

from __future__ import annotations

from typing import Any

from .._run import active

try:
    from keras.callbacks import Callback  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    Callback = object


class WandbMetricsLogger(Callback):  # type: ignore[misc, unused-ignore]
    """Logs what Keras reports at the end of each epoch, with names under epoch/."""

    prefix = "epoch/"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log a row."""
        run = active()
        if run is not None:
            named = {f"{self.prefix}{name}": value for name, value in (logs or {}).items()}
            run.log({f"{self.prefix}epoch": epoch, **named})


class WandbCallback(WandbMetricsLogger):
    """The older callback: names without a prefix."""

    prefix = ""


class WandbModelCheckpoint(WandbMetricsLogger):
    """Accepted; saves nothing."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Nothing to do."""


class WandbEvalCallback(WandbModelCheckpoint):
    """Accepted; shows nothing."""
