"""The fast or the slow tests of one file: what is run at once."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.contained import Ended, run

FOLDERS = ("engine", "trial", "record", "tune", "sweepfile", "space")
"""Those of hpo that are mutated."""
SLOW = "process or ray or wandb or oracle"
NEVER = "slurm or browser"
MARKS = {"fast": f"not ({SLOW} or {NEVER})", "slow": f"({SLOW}) and not ({NEVER})"}
"""As in tests/run.sh."""
LEFT_OUT = ("tests/browser", "tests/cluster", "tests/bench", "tests/mutants")
"""A Chromium, a Slurm, whole benchmarks; and the harness itself."""
PASSED = (0, 5)
"""Exit codes of pytest: all passed, or there was none to run."""
LONGEST = 1800.0
"""Seconds for the tests of a file where nothing is known of them."""


@dataclass(frozen=True, order=True)
class Unit:
    """A file of tests, and which of them."""

    file: str
    kind: str

    @property
    def folder(self) -> str:
        """tests/space/test_grid.py → space."""
        return self.file.split("/")[1]

    def __str__(self) -> str:
        return f"{self.file} ({self.kind})"


def environment(home: Path) -> dict[str, str]:
    """In which everything, its children too, imports the copy and writes below `home`."""
    scratch = home / "tmp"
    scratch.mkdir(exist_ok=True)
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        **os.environ,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": str(home / "tree"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(scratch),
    }


def pytest(
    home: Path, kind: str, timeout: float, what: Iterable[str], without: Iterable[str] = (), *more: str
) -> Ended:
    """Run pytest on these files or tests of one kind, apart from some, in the copy below `home`."""
    left_out = [f"--deselect={one}" for one in without]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", MARKS[kind]]
    try:
        return run([*command, *more, *left_out, *what], home / "tree", environment(home), timeout)
    finally:
        shutil.rmtree(home / "tmp", ignore_errors=True)


def collected(home: Path) -> list[Unit]:
    """Every unit that has tests: fast ones first, and those of mutated folders before others."""
    found = []
    for kind in MARKS:
        ended = pytest(home, kind, LONGEST, [f"--ignore={name}" for name in LEFT_OUT], (), "--collect-only")
        if ended.code != 0:
            raise RuntimeError(f"pytest --collect-only: exit code {ended.code}\n{ended.output[-3000:]}")
        files = dict.fromkeys(re.findall(r"^(tests/[^\s:]+\.py)::", ended.output, re.MULTILINE))
        found += sorted((Unit(file, kind) for file in files), key=lambda unit: unit.folder not in FOLDERS)
    return found


def failed(output: str) -> list[str]:
    """The ids of the tests that pytest's summary calls failed."""
    return re.findall(r"^(?:FAILED|ERROR) (tests/\S+?(?:\[.*?\])?)(?: - .*)?$", output, re.MULTILINE)
