"""One moment of each kind of kill, in two runs in all; `python -m tests.faults.kills` is the whole matrix."""

from __future__ import annotations

import pytest

from tests.faults.case import KINDS
from tests.faults.contenders import SWEEPS
from tests.faults.kills import in_a_row

pytestmark = pytest.mark.ray
COUNT = 30
SHARES = {sweep: list(KINDS)[place :: len(SWEEPS)] for place, sweep in enumerate(SWEEPS)}
"""Every kind of kill has its sweep."""
ORDER = ["parent", "actor", "supervisor", "trial", "driver", "raylet", "all"]
"""What a run outlives comes first; a warm parent is known by its supervisor, which may die with an actor."""


@pytest.mark.parametrize("sweep", SWEEPS)
def test_nothing_is_lost_nor_run_twice_and_nobody_stays_behind(sweep: str) -> None:
    kinds = sorted(SHARES[sweep], key=lambda kind: ORDER.index(KINDS[kind][0]))
    one = in_a_row(kinds, sweep, COUNT)
    assert one.hit == len(kinds)
    assert one.code == 0
    assert (one.lost, one.twice, one.orphans, one.hung) == (0, 0, 0, 0)
    assert one.begun == COUNT
    assert one.ended + one.failed == COUNT
    assert one.failed <= ("a trial's script" in kinds)
