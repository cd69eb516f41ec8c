"""wandb.integration: callbacks for training libraries."""

from typing import Any

from .._absent import attribute


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return attribute(__name__, name)
