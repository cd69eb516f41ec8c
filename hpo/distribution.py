"""This package's name on the package index → how to install an extra; a namesake that stands beside it."""

from __future__ import annotations

NAME = "hpo-sweeps"
"""What pip calls this package; `import hpo`, `python -m hpo` and the command are named otherwise."""
NAMESAKE = "hpo"
"""Another project's package of the index, which whoever types the name of the command into pip gets."""


def install(extra: str) -> str:
    """The command that installs an extra of this package."""
    return f"pip install '{NAME}[{extra}]'"


def namesake() -> str:
    """What to do about the other project's package in this environment; empty where it is not there."""
    from importlib.metadata import distributions

    for found in distributions(name=NAMESAKE):
        if not any(
            point.value.startswith("hpo.cli.") for point in found.entry_points
        ):  # ours, before it had NAME
            title = f"{found.metadata['Name']} {found.version}"
            remedy = f"pip uninstall {NAMESAKE}; this one is {NAME}"
            return f"{title} is installed here and is another project's: {remedy}"
    return ""
