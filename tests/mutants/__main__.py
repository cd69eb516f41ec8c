"""`python -m tests.mutants`: changes hpo in small ways, one at a time; counts how many the tests notice.

cosmic-ray makes the mutants (pip install -e '.[mutants]'). The first session also finds out which lines each
file of tests executes, which takes longer than to run all tests. A session that was cut off is continued.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import tempfile
from concurrent.futures import as_completed
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mutants.executed import Recorded
    from tests.mutants.journal import Journal
    from tests.mutants.sites import Mutant
    from tests.mutants.units import Unit

COUNT = 312
OUT = Path(tempfile.gettempdir()) / "hpo-mutants"


def main() -> int:
    """Print the table and the survivors; 1 where fewer are noticed than the goal says."""
    chosen = _options()
    if importlib.util.find_spec("cosmic_ray") is None:
        sys.exit("cosmic-ray makes the mutants, and is not here: pip install -e '.[mutants]'")
    from tests.mutants.executed import load, record
    from tests.mutants.journal import Journal
    from tests.mutants.sample import sample
    from tests.mutants.table import GOAL, NOTICED, share, survivors, table
    from tests.mutants.units import FOLDERS

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen.out.mkdir(parents=True, exist_ok=True)
    file = chosen.out / "executed.jsonl"
    known = load(file) if chosen.as_recorded else record(file, chosen.jobs)
    mutants = sample(chosen.count, chosen.seed, chosen.only or FOLDERS)
    journal = Journal(chosen.out / "judged.jsonl")
    due = [
        one
        for one in mutants
        if (verdict := journal.verdict(one)) is None or (chosen.again and verdict.state not in NOTICED)
    ]
    _judge(due, known, journal, chosen.jobs, chosen.budget)
    judged = {one: verdict for one in mutants if (verdict := journal.verdict(one)) is not None}
    print(f"\n{survivors(judged)}\n{table(judged)}")
    return 0 if share(list(judged.values())) >= GOAL else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help=f"mutants in all, {COUNT} if not given")
    parser.add_argument("--seed", type=int, default=0, help="another sample")
    parser.add_argument(
        "--only", action="append", metavar="FOLDER", help="of hpo; may be given several times"
    )
    parser.add_argument("--jobs", type=int, default=1, help="so many mutants at a time")
    parser.add_argument(
        "--budget",
        type=float,
        default=600,
        help="seconds after which no further slow tests are begun for a mutant",
    )
    parser.add_argument(
        "--out", type=Path, default=OUT, help=f"folder of what is known so far, {OUT} if not given"
    )
    parser.add_argument("--again", action="store_true", help="judge those once more that no test noticed")
    parser.add_argument(
        "--as-recorded", action="store_true", help="use only the tests recorded in --out, record no others"
    )
    return parser.parse_args()


def _judge(
    due: list[Mutant], known: dict[Unit, Recorded], journal: Journal, jobs: int, budget: float
) -> None:
    """One line is printed, and one written, as each becomes known."""
    from tests.mutants.judge import judge
    from tests.mutants.plan import steps
    from tests.mutants.workers import workers

    if not due:
        return
    with workers(jobs) as pool:
        waiting = {pool.submit(judge, mutant, steps(mutant, known), budget): mutant for mutant in due}
        for number, future in enumerate(as_completed(waiting), 1):
            mutant, verdict = waiting[future], future.result()
            journal.add(mutant, verdict)
            print(
                f"[{number}/{len(due)}] {mutant}: {verdict.state} {verdict.seconds:.0f} s {verdict.by}",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
