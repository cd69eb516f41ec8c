"""`python -m tests.faithful`: real packages in trials that are forked, and in trials that are processes.

Each script is run twice with the same seeds. Rows, files, environment, descriptors, threads, logs and exit
codes must be equal. The packages are installed into an environment of their own, which is kept.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faithful.case import CASES, Case
from tests.faithful.compare import differences
from tests.faithful.running import Outcome, run

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-faithful"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    case: Case
    warm: Outcome
    found: list[str]
    seconds: float

    def __str__(self) -> str:
        forked = sum(one.forked for one in self.warm.trials.values())
        count = f"{forked} of {len(self.warm.trials)}"
        result = f"{len(self.found)} differ" if self.found else "the same"
        return f"{self.case.name:15} {count:>8}  {result:9} {self.seconds:4.0f} s  {self.case.about}"


def main() -> int:
    """Print a line for each case, then what differs; 1 where anything does."""
    chosen = _options()
    python = chosen.python or _environment()
    cases = [case for case in CASES if not chosen.case or case.name in chosen.case]
    folder = Path(tempfile.mkdtemp(prefix="hpo-faithful-", dir=chosen.folder))
    print(f"{'script':15} {'forked':>8}  warm/cold   time  what", flush=True)
    rows = [_row(case, python, folder, chosen.trials, chosen.slots) for case in cases]
    for row in rows:
        for one in (*row.found, *(f"said: {note}" for note in row.warm.notes)):
            print(f"{row.case.name}: {one}")
    differ = any(row.found for row in rows)
    if not (differ or chosen.keep):
        shutil.rmtree(folder)
    print(f"{sum(map(bool, (row.found for row in rows)))} of {len(rows)} scripts differ")
    return 1 if differ else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faithful", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("case", nargs="*", help=f"only these scripts: {', '.join(names)}")
    parser.add_argument("--trials", type=int, default=6, help="seeds of each sweep")
    parser.add_argument("--slots", type=int, default=2, help="trials at a time")
    parser.add_argument("--python", type=Path, help="an environment that has hpo and the packages already")
    parser.add_argument("--folder", type=Path, help="where the runs are made, instead of a temporary folder")
    parser.add_argument("--keep", action="store_true", help="keep the runs")
    chosen = parser.parse_args()
    if unknown := set(chosen.case) - set(names):
        parser.error(f"no script {', '.join(sorted(unknown))}: there are {', '.join(names)}")
    if chosen.trials < 1 or chosen.slots < 1:
        parser.error("--trials and --slots must be 1 or more")
    if chosen.python and not chosen.python.is_file():
        parser.error(f"--python: there is no {chosen.python}")
    return chosen


def _row(case: Case, python: Path, folder: Path, trials: int, slots: int) -> Row:
    begun = time.monotonic()
    warm = run(case, python, folder / case.name / "warm", warm=True, trials=trials, slots=slots)
    cold = run(case, python, folder / case.name / "cold", warm=False, trials=trials, slots=slots)
    row = Row(case, warm, differences(warm, cold), time.monotonic() - begun)
    print(row, flush=True)
    return row


def _environment() -> Path:
    """An environment with hpo and all packages, made anew when their list has changed."""
    python, asked = ENVIRONMENT / "bin" / "python", (Path(__file__).parent / "packages.txt").read_text()
    made = ENVIRONMENT / "packages.txt"
    if not made.is_file() or made.read_text() != asked:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        wanted = ["wandb", "-e", ".", "-c", "constraints.txt", "-r", "tests/faithful/packages.txt"]
        subprocess.run([python, "-m", "pip", "install", "-q", "torch", *wanted], check=True, cwd=ROOT)
        made.write_text(asked)
    return python


if __name__ == "__main__":
    sys.exit(main())
