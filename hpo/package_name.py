"""This package's name on the package index → how to install an extra; a namesake that stands beside it."""

from __future__ import annotations

NAME = "hpo-sweeps"
"""The name that pip knows this package by; the import name and the command are `hpo`."""
NAMESAKE = "hpo"
"""The name under which the package index has another project's package."""


def install(extra: str) -> str:
    """The command that installs an extra of this package."""
    return f"pip install '{NAME}[{extra}]'"


def namesake() -> str:
    """Name the other project's package and the remedy; empty where it is not installed."""
    from importlib.metadata import distributions

    for found in distributions(name=NAMESAKE):
        ours = any(point.value.startswith("hpo.cli.") for point in found.entry_points)  # before the renaming
        if not ours:
            title = f"{found.metadata['Name']} {found.version}"
            remedy = f"pip uninstall {NAMESAKE}; this one is {NAME}"
            return f"{title} is installed here and is another project's: {remedy}"
    return ""
