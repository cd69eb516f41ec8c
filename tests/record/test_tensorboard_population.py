"""What TensorBoard is told of a population, read back from its event files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hpo.record.scribe import rebuild
from tests.record.made import pbt_run
from tests.record.shown import (
    last,
    session,
    status,
    told,
)


def test_a_session_of_a_population_is_a_stretch_under_one_configuration(tmp_path: Path) -> None:
    run = pbt_run(tmp_path / "run", 4)
    root = rebuild(run)
    assert "_hparams_/session_start_info" not in told(root, "t0001")
    names = [str(path.relative_to(root)) for path in root.glob("t*/g*")]
    sessions = {name: session(root, name) for name in names}
    clones = [name for name, one in sessions.items() if one["generation"] > 1]
    assert len(clones) == 4  # one a turn but the last
    for name in clones:
        one, parent = sessions[name], int(sessions[name]["parent"])
        assert one["trial"] != parent > 0
        assert one["log10(lr)"] == pytest.approx(math.log10(one["lr"]))
        curve = dict(told(root, name.partition("/")[0])["hparam/lr"])
        begin, end_ = (int(last(root, name, f"segment/{tag}")) for tag in ("from", "to"))
        assert [curve[step] for step in range(begin, end_)] == pytest.approx([one["lr"]] * (end_ - begin))
    alive = [name for name in sessions if last(root, name, "segment/alive")]
    assert len(alive) == 4
    assert all(last(root, name, "segment/best") <= last(root, name, "segment/last") for name in sessions)
    assert all(status(root, name) == 1 for name in sessions)


def test_gain_counts_from_what_was_taken_over(tmp_path: Path) -> None:
    root = rebuild(pbt_run(tmp_path / "run", 4))
    name = next(path for path in sorted(root.glob("t*/g02"))).relative_to(root)
    donor = f"t{int(session(root, str(name))['parent']):04d}"
    begin = int(last(root, str(name), "segment/from"))
    before = dict(told(root, donor)["loss"])[begin - 1]
    gain = before - last(root, str(name), "segment/last")
    assert last(root, str(name), "segment/gain") == pytest.approx(gain, abs=1e-5)


def test_the_best_lineage_is_one_curve_with_its_schedule(tmp_path: Path) -> None:
    root = rebuild(pbt_run(tmp_path / "run", 6))
    curve = told(root, "_best_lineage")
    assert [step for step, _ in curve["loss"]] == list(range(1, 21))
    assert [step for step, _ in curve["hparam/lr"]] == list(range(1, 21))
    texts = told(root, "_sweep")
    assert "t000" in texts["winning lineage"][-1].tensor.string_val[0].decode()
    assert texts["exploits"][-1].tensor.string_val[0].decode().count("→") == 4
