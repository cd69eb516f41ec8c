"""The stand-in for wandb → the distribution that importlib.metadata shows of it."""

from __future__ import annotations

import os
from importlib.metadata import Distribution
from typing import Any

NAME = "wandb"


def version() -> str:
    """The version in the stand-in's source, which need not be imported for it."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin", NAME, "__init__.py")
    with open(source, encoding="utf-8") as file:
        line = next(line for line in file if line.startswith("__version__"))
    return line.split('"')[1]


class _StandIn(Distribution):
    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version()}\nSummary: hpo's stand-in\n"

    def locate_file(self, path: Any) -> Any:
        return os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin", path)


def stand_in() -> Distribution:
    """The distribution `wandb` of the stand-in."""
    return _StandIn()
