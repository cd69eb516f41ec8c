"""What was judged so far, a line each, so that a session that was cut off goes on where it was."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from tests.mutants.copies import ROOT
from tests.mutants.judge import Verdict
from tests.mutants.sites import Mutant, mutated


class Journal:
    """Verdicts by mutant; one about a module's earlier text counts no more."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._verdicts: dict[str, Verdict] = {}
        for text in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
            entry = json.loads(text)
            self._verdicts[entry["key"]] = Verdict(**entry["verdict"])

    def verdict(self, mutant: Mutant) -> Verdict | None:
        """The newest one, if there is any."""
        return self._verdicts.get(key(mutant))

    def add(self, mutant: Mutant, verdict: Verdict) -> None:
        """Write it down before anything else is judged."""
        self._verdicts[key(mutant)] = verdict
        entry = {
            "key": key(mutant),
            "verdict": asdict(verdict),
            "mutant": asdict(mutant),
            "diff": diff(mutant),
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def key(mutant: Mutant) -> str:
    """The mutant, and the text that it changes."""
    digest = hashlib.sha256((ROOT / mutant.path).read_bytes()).hexdigest()[:16]
    return f"{mutant.path} {mutant.operator} {mutant.occurrence} {digest}"


def diff(mutant: Mutant) -> str:
    """What it changes, as a unified diff without lines around."""
    source = (ROOT / mutant.path).read_text(encoding="utf-8")
    before, after = source.splitlines(), (mutated(mutant, source) or "").splitlines()
    lines = difflib.unified_diff(before, after, mutant.path, mutant.path, lineterm="", n=0)
    return "\n".join(list(lines)[2:])
