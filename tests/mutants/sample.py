"""Draws mutants: as many from each of six folders of hpo, the same ones for the same seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from tests.mutants.sites import ROOT, Mutant, files, mutated, sites
from tests.mutants.units import FOLDERS


def sample(count: int, seed: int, folders: Sequence[str] = FOLDERS) -> list[Mutant]:
    """The mutants of these folders out of `count` from all six; a smaller sample is part of a larger one."""
    each = -(-count // len(FOLDERS))
    return [mutant for folder in folders for mutant in drawn(folder, each, seed)]


def drawn(folder: str, count: int, seed: int) -> list[Mutant]:
    """Places are equally likely, and mutated once: one of the changes that its family of operators knows."""
    places = [place for path in files(folder) for place in _places(path, seed)]
    found: list[Mutant] = []
    for key, mutants in sorted(places, key=lambda place: place[0]):
        if len(found) == count:
            break
        chosen = random.Random(key).choice(mutants)
        if mutated(chosen, (ROOT / chosen.path).read_text(encoding="utf-8")) is not None:
            found.append(chosen)
    return found


def _places(path: str, seed: int) -> list[tuple[str, list[Mutant]]]:
    """Each with its number in the lottery, which changes of other lines leave as it is."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    found = []
    for (line, column, family), mutants in sites(path).items():
        ticket = f"{seed} {path} {lines[line - 1]} {column} {family}"
        found.append((hashlib.sha256(ticket.encode()).hexdigest(), mutants))
    return found
