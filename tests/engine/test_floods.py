"""Scripts that print or report without measure: disk and memory of all that watches them stay bounded."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.trial.log import LIMIT
from tests.engine.left_behind import rows

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]

PRINTED, REPORTED = 2**30, 100_000
SCRIPT = """
import os, time, hpo
def peak(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))
def slots():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if file.read().startswith(b"ray::Slot"):
                    yield peak(name)
        except OSError:
            pass
kind = hpo.config()["kind"]
if kind == "1 prints":
    for number in range(2**10):
        os.write(1, f"{number:<99}\\n".encode() * 10_486)
if kind == "2 reports":
    for number in range(100_000):
        hpo.report({"loss": number, "acc": 0.5})
time.sleep(1)
hpo.report({"loss": -1.0, "supervisor": peak(os.getppid()), "slot": max(slots()), "driver": peak(DRIVER)})
"""


@pytest.mark.parametrize("rule", [None, {"type": "median", "min_samples": 3}], ids=["plain", "every row"])
def test_a_gigabyte_printed_and_100_000_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any] | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT.replace("DRIVER", str(os.getpid())))
    kinds = ["0 is quiet", "1 prints", "2 reports", "3 is quiet"]
    sweep: dict[str, Any] = {
        "program": "train.py",
        "method": "grid",
        "metric": {"name": "loss"},
        "parameters": {"kind": {"values": kinds}},
        "hpo": {"preload": "off", "concurrency": 1, "tensorboard": False},
    }
    if rule:
        sweep["early_terminate"] = rule
    result = hpo.run(sweep, out=tmp_path / "run")
    assert [(t.state, t.value, t.iterations) for t in result.trials] == [
        ("finished", -1.0, count) for count in (1, 1, REPORTED + 1, 1)
    ]
    log = (tmp_path / "run/trials/0002/log.txt").stat().st_size
    assert LIMIT / 2 <= log <= LIMIT
    last = {kind: rows(tmp_path / "run", number)[-1] for number, kind in enumerate(kinds, 1)}
    assert len(rows(tmp_path / "run", 3)) == REPORTED + 1
    watchers = ("supervisor", "slot", "driver")
    print(json.dumps({kind: {name: row[name] for name in watchers} for kind, row in last.items()}, indent=1))
    growth = {name: last["3 is quiet"][name] - last["0 is quiet"][name] for name in watchers}
    assert growth["supervisor"] < 24, growth  # MB; a gigabyte, or all rows, would be far more
    assert growth["slot"] < 50, growth
    assert growth["driver"] < 60, growth
