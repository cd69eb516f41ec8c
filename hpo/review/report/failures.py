"""Failed trials by what they failed of."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hpo.record.metrics import trial_directory
from hpo.record.trial import TrialRecord
from hpo.review.logs import tail
from hpo.review.report.facts import Facts
from hpo.trial.files import LOG, newest

GROUPS = 30
EXAMPLES = 5
"""Trials that are named of each group."""
TAIL = 8
"""Lines of the first one's log."""
LONGEST = 400
"""Characters of a reason, or of a line of a log."""
_VARYING = (
    (re.compile(r"(?:/[\w.@+~-]+){2,}/?"), "/…"),
    (re.compile(r"0x[0-9a-fA-F]+"), "#"),
    (re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"), "#"),
    (re.compile(r"#(?:[\s,;:x]*#)+"), "#"),
)
"""Paths, addresses and numbers: errors that differ in these alone are one."""


def alike(reason: str) -> str:
    """What errors of one kind have in common."""
    for pattern, instead in _VARYING:
        reason = pattern.sub(instead, reason)
    return " ".join(reason.split())


def failures(facts: Facts, place: Path) -> dict[str, Any] | str:
    """The groups, the largest first, with logs as seen from `place`, the page's folder."""
    groups: dict[tuple[str, str], list[TrialRecord]] = {}
    for trial in facts.trials:
        if trial.state == "failed":
            groups.setdefault((trial.kind, alike(trial.reason)), []).append(trial)
    if not groups:
        return "no trial failed"
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    shown = [_group(facts, kind, trials, place) for (kind, _), trials in ordered[:GROUPS]]
    rest = sum(len(trials) for _, trials in ordered[GROUPS:])
    return {
        "trials": len(facts.trials),
        "failed": sum(len(trials) for trials in groups.values()),
        "groups": shown,
        "more": rest and f"{rest} failures of {len(ordered) - GROUPS} further kinds are not shown",
    }


def _group(facts: Facts, kind: str, trials: list[TrialRecord], place: Path) -> dict[str, Any]:
    examples = []
    for trial in trials[:EXAMPLES]:
        log = Path(newest(str(trial_directory(facts.record.directory, trial.number)), LOG))
        there = os.path.relpath(log.absolute(), place.absolute()) if log.is_file() else None
        examples.append({"trial": trial.number, "log": there})
    lines = tail(facts.record.directory, trials[0].number, TAIL)
    return {
        "kind": kind,
        "count": len(trials),
        "reason": trials[0].reason[:LONGEST],
        "examples": examples,
        "tail": [line[:LONGEST] for line in lines],
        "nodes": sorted({trial.node for trial in trials if trial.node})[:EXAMPLES],
    }
