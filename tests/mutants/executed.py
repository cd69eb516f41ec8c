"""Which lines of hpo each unit of tests executes, and how long it takes: found out once, kept in a file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.mutants.copies import ROOT, made_recording
from tests.mutants.units import FOLDERS, LONGEST, PASSED, Unit, collected, failed, pytest
from tests.mutants.workers import home, workers


@dataclass(frozen=True)
class Recorded:
    """What running a unit on the unchanged code has shown."""

    seconds: float
    digest: str  # of the file of tests
    unfit: list[str] = field(default_factory=list)  # tests that fail without any mutant, or the whole file
    lines: dict[str, list[int]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)  # digests of the modules executed

    def executes(self, path: str, lines: Iterable[int]) -> bool:
        """Whether it executes one of these lines; of a module changed since then, whether it executed any."""
        if path not in self.lines:
            return False
        return self.sources[path] != digest(path) or not set(lines).isdisjoint(self.lines[path])


def digest(path: str) -> str:
    """Of a file in the checkout."""
    file = ROOT / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""


def load(file: Path) -> dict[Unit, Recorded]:
    """What is known of units whose tests are still the same."""
    known = {}
    for text in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        entry = json.loads(text)
        unit, recorded = Unit(**entry["unit"]), Recorded(**entry["recorded"])
        if recorded.digest == digest(unit.file):
            known[unit] = recorded
    return known


def record(file: Path, jobs: int) -> dict[Unit, Recorded]:
    """Run the units that nothing is known of; `file` is read first, and gets a line for each."""
    known = load(file)
    with workers(jobs) as pool:
        units = pool.submit(collected_here).result()
        waiting = {pool.submit(recorded_here, unit): unit for unit in units if unit not in known}
        for number, future in enumerate(as_completed(waiting), 1):
            unit = waiting[future]
            known[unit] = one = future.result()
            with file.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps({"unit": asdict(unit), "recorded": asdict(one)}) + "\n")
            left_out = f", left out: {' '.join(one.unfit)}" if one.unfit else ""
            print(f"[{number}/{len(waiting)}] {unit}: {one.seconds:.1f} s{left_out}", flush=True)
    return {unit: known[unit] for unit in units}


def collected_here() -> list[Unit]:
    """Every unit, in this worker's copy."""
    return collected(home())


def recorded_here(unit: Unit) -> Recorded:
    """Run it in this worker's copy; what fails also when nothing is recorded is unfit."""
    notes = made_recording(home())
    ended = pytest(home(), unit.kind, LONGEST, [unit.file])
    lines = _noted(notes)
    unfit: list[str] = []
    if ended.code not in PASSED:
        again = pytest(home(), unit.kind, LONGEST, failed(ended.output) or [unit.file])
        unfit = [] if again.code in PASSED else failed(again.output) or [unit.file]
    sources = {path: digest(path) for path in lines}
    return Recorded(round(ended.seconds, 1), digest(unit.file), unfit, lines, sources)


def _noted(notes: Path) -> dict[str, list[int]]:
    """The lines by module, of all processes; the notes are removed."""
    found: dict[str, set[int]] = {}
    for file in notes.iterdir():
        for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
            path, _, line = text.partition("\t")
            if line.isdecimal() and path.split("/")[1] in FOLDERS:
                found.setdefault(path, set()).add(int(line))
    shutil.rmtree(notes)
    return {path: sorted(found[path]) for path in sorted(found)}
