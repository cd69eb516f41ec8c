"""Which tests are run for a mutant: those that execute the place, the cheapest first."""

from __future__ import annotations

from dataclasses import dataclass

from tests.mutants.copies import ROOT
from tests.mutants.executed import Recorded
from tests.mutants.sites import Mutant
from tests.mutants.statements import statement
from tests.mutants.units import Unit

SHORTEST = 60.0
"""Seconds that any run of tests gets."""
PATIENCE = 5.0
"""How many times longer than without a mutant a run may take."""
NEARER = 4.0
"""Tests in the folder of the module's name come before others that take up to so many times less."""


@dataclass(frozen=True)
class Step:
    """One run of pytest."""

    kind: str
    files: list[str]
    unfit: list[str]
    timeout: float

    def __str__(self) -> str:
        return f"{' '.join(self.files)} ({self.kind})"


def steps(mutant: Mutant, known: dict[Unit, Recorded]) -> list[Step]:
    """The fast tests of all files at once, then the slow ones of one file after another."""
    lines = statement((ROOT / mutant.path).read_text(encoding="utf-8"), mutant.line)
    units = [
        unit for unit, one in known.items() if unit.file not in one.unfit and one.executes(mutant.path, lines)
    ]

    def cost(unit: Unit) -> tuple[float, Unit]:
        near = unit.folder == mutant.folder
        return known[unit].seconds / (NEARER if near else 1.0), unit

    units.sort(key=cost)
    runs = [
        [unit for unit in units if unit.kind == "fast"],
        *([unit] for unit in units if unit.kind == "slow"),
    ]
    return [_step(run, known) for run in runs if run]


def _step(units: list[Unit], known: dict[Unit, Recorded]) -> Step:
    unfit = [one for unit in units for one in known[unit].unfit]
    timeout = max(SHORTEST, PATIENCE * sum(known[unit].seconds for unit in units))
    return Step(units[0].kind, [unit.file for unit in units], unfit, timeout)
