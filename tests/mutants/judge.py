"""Whether tests notice a mutant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.plan import Step
from tests.mutants.sites import Mutant, mutated
from tests.mutants.units import PASSED, failed, pytest
from tests.mutants.workers import home


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: killed, timeout, survived or not executed."""

    state: str
    by: str = ""  # the test that noticed, or the step that took too long
    seconds: float = 0.0
    left: int = 0  # steps not taken, since the time for one mutant was over


def judge(mutant: Mutant, steps: list[Step], budget: float) -> Verdict:
    """Take steps in this worker's copy until one fails; none is begun after `budget` seconds."""
    if not steps:
        return Verdict("not executed")
    begun = time.monotonic()
    with _applied(mutant, home() / "tree"):
        for number, step in enumerate(steps):
            if number and time.monotonic() - begun > budget:
                return Verdict("survived", "", time.monotonic() - begun, len(steps) - number)
            state, by = _noticed(step)
            if state:
                return Verdict(state, by, time.monotonic() - begun)
    return Verdict("survived", "", time.monotonic() - begun)


def _noticed(step: Step) -> tuple[str, str]:
    """How and by what; a slow test that fails must do so twice, for a busy machine can fail it, too."""
    unfit = step.unfit
    while True:
        ended = pytest(home(), step.kind, step.timeout, step.files, unfit, "-x")
        if ended.code is None:
            return "timeout", str(step)
        if ended.code in PASSED:
            return "", ""
        culprits = failed(ended.output)
        if step.kind == "fast" or not culprits:
            return "killed", (culprits or [str(step)])[0]
        if pytest(home(), step.kind, step.timeout, culprits[:1]).code not in PASSED:
            return "killed", culprits[0]
        unfit = [*unfit, culprits[0]]


@contextmanager
def _applied(mutant: Mutant, tree: Path) -> Iterator[None]:
    file = tree / mutant.path
    source = file.read_text(encoding="utf-8")
    text = mutated(mutant, source)
    assert text is not None, mutant
    file.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(source, encoding="utf-8")
