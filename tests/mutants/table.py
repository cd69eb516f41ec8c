"""The figures by folder, and the mutants that no test noticed."""

from __future__ import annotations

from collections import Counter

from tests.mutants.journal import diff
from tests.mutants.judge import Verdict
from tests.mutants.sites import Mutant
from tests.mutants.units import FOLDERS

NOTICED = ("killed", "timeout")
GOAL = 85.0
"""Per cent of all mutants that tests notice."""


def share(verdicts: list[Verdict]) -> float:
    """Per cent noticed."""
    return 100 * sum(one.state in NOTICED for one in verdicts) / max(1, len(verdicts))


def table(judged: dict[Mutant, Verdict]) -> str:
    """A line for each folder, and one for all."""
    head = f"{'folder':<11}{'mutants':>8}{'killed':>8}{'timed out':>11}{'survived':>10}{'not executed':>14}"
    lines = [f"{head}{'noticed':>9}{'s each':>8}"]
    for folder in [*FOLDERS, "all"]:
        verdicts = [one for mutant, one in judged.items() if folder in (mutant.folder, "all")]
        if not verdicts:
            continue
        count = Counter(one.state for one in verdicts)
        seconds = sum(one.seconds for one in verdicts) / len(verdicts)
        facts = (
            f"{folder:<11}{len(verdicts):>8}{count['killed']:>8}{count['timeout']:>11}{count['survived']:>10}"
        )
        lines.append(f"{facts}{count['not executed']:>14}{share(verdicts):>8.1f}%{seconds:>8.1f}")
    return "\n".join(lines)


def survivors(judged: dict[Mutant, Verdict]) -> str:
    """Where they are and what they change."""
    parts = []
    for mutant, verdict in judged.items():
        if verdict.state not in NOTICED:
            left = f", {verdict.left} slow files of tests not run" if verdict.left else ""
            parts.append(f"{mutant}: {verdict.state}{left}\n{diff(mutant)}\n")
    return "\n".join(parts)
