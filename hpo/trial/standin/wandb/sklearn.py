"""wandb.sklearn: charts of scikit-learn's models for W&B's pages; accepted and not drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def __getattr__(name: str) -> Callable[..., None]:
    if not name.startswith("plot_"):
        raise AttributeError(name)
    return _draw


def _draw(*args: Any, **options: Any) -> None:
    """Not drawn."""
