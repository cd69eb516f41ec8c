"""wandb.plot: charts for W&B's pages; each function gives something that can be logged and is not kept."""

from __future__ import annotations

from typing import Any

from ._media import Media


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return Media
