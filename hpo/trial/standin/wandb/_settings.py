"""wandb.Settings: accepted, kept, and without effect."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Settings(SimpleNamespace):
    """Whatever was set; what was not is None."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(**values)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)

    def update(self, *args: Any, **values: Any) -> None:
        """Set more."""
        vars(self).update(*args, **values)
