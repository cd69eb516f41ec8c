"""One moment of each kind of kill; `python -m tests.faults.kills` is the whole matrix."""

from __future__ import annotations

import pytest

from tests.faults.case import KINDS
from tests.faults.contenders import SWEEPS
from tests.faults.kills import row

pytestmark = pytest.mark.ray
CASES = [(name, list(SWEEPS)[number % len(SWEEPS)]) for number, name in enumerate(KINDS)]


@pytest.mark.parametrize(("name", "sweep"), CASES)
def test_nothing_is_lost_nor_run_twice_and_nobody_stays_behind(name: str, sweep: str) -> None:
    (one,) = row(name, sweep, moments=1, count=20)
    assert one.hit
    assert one.code == 0
    assert (one.lost, one.twice, one.orphans) == (0, 0, 0)
    assert one.begun == 20
    assert one.ended + one.failed == 20
    assert one.failed <= (name == "a trial's script")
