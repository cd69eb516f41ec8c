"""A clock that jumps by an hour while a run goes on, as after a network's time server came back."""

from __future__ import annotations

import itertools
import json
import re
import signal
from pathlib import Path

import pytest

import hpo
from hpo.record.journal import JOURNAL
from tests import command
from tests.faults.whole import over, start, until_ended, write_sweep

HOUR = 3600
SHIFTED = """
import os, time
_real, _file = time.time, os.environ["HPO_TEST_SHIFT"]

def _shifted():
    try:
        with open(_file) as file:
            return _real() + float(file.read() or 0)
    except OSError:
        return _real()

time.time = _shifted
"""
SCRIPT = """
import time, hpo
for step in range(1, 7):
    time.sleep(600 if hpo.config()["x"] == 6 else 0.05)
    hpo.report({"loss": hpo.config()["x"] + 1 / step})
"""


@pytest.mark.ray
def test_jumps_forward_and_backward_harm_no_run(tmp_path: Path) -> None:
    """Forward while trials run that must not time out, backward while one runs that must."""
    (tmp_path / "sitecustomize.py").write_text(SHIFTED)
    path = f"{tmp_path}:{Path(hpo.__file__).parents[1]}"
    settings = {"PYTHONPATH": path, "HPO_TEST_SHIFT": str(tmp_path / "shift")}
    own = {"kill_grace": 2, "concurrency": 2, "trial_timeout": 15, "time_budget": 300}
    grid = {"x": {"values": list(range(12))}}
    write_sweep(tmp_path, SCRIPT, method="grid", parameters=grid, hpo=own)
    process = start(tmp_path, "run", "sweep.yaml", "--out", "run", **settings)
    for ended, shift in ((3, HOUR), (8, -HOUR)):
        until_ended(tmp_path / "run", ended, process)
        process.send_signal(signal.SIGSTOP)  # it must not have ended before a second one has judged it
        (tmp_path / "shift").write_text(str(shift))
        code, said = over(start(tmp_path, "resume", "run", **settings))
        process.send_signal(signal.SIGCONT)
        assert code == 1
        assert f"is being run by process {process.pid} on " in said[-1]
    code, said = over(process)
    assert code == 0
    (failed,) = (line for line in said if " failed" in line and "trial 7" in line)
    assert "ran longer than hpo.trial_timeout (15 s)" in failed
    done = command.hpo("resume", "run", cwd=tmp_path)
    assert done.returncode == 0
    assert "nothing is left to do: all 12 trials have ended" in done.stderr
    check_journal(tmp_path / "run")


def check_journal(run: Path) -> None:
    """Every trial has ended once, but for one well; and the clock has jumped both ways."""
    events = [json.loads(line) for line in (run / JOURNAL).read_text().splitlines()]
    ends = [event for event in events if event["event"] == "end"]
    assert sorted(event["trial"] for event in ends) == list(range(1, 13))
    assert [event["trial"] for event in ends if event["state"] != "finished"] == [7]
    assert all(event["seconds"] < HOUR / 2 for event in ends)
    steps = [b["time"] - a["time"] for a, b in itertools.pairwise(events)]
    for jump in (HOUR, -2 * HOUR):
        assert any(abs(step - jump) < HOUR / 2 for step in steps)


WALL_CLOCK = {
    "hpo/engine/live.py": "stamps events",
    "hpo/record/journal.py": "stamps events",
    "hpo/record/lock.py": "says since when a run is driven",
    "hpo/record/shared.py": "stands in for the folder's clock where nothing can be written",
    "hpo/record/stop_request.py": "says when it was asked",
    "hpo/review/report/facts.py": "says when a run was looked at",
    "hpo/review/terminal.py": "says how long ago something was",
    "hpo/trial/client.py": "stamps rows",
    "hpo/trial/history.py": "stamps rows",
    "hpo/trial/media.py": "stamps pictures",
    "hpo/trial/summary.py": "wandb's own _timestamp and _runtime",
    "hpo/trial/standin/wandb/_run.py": "wandb's own start_time",
    "hpo/trial/moments.py": "tells times of now among what modules keep",
    "hpo/trial/randomness.py": "tells seeds by the clock from given ones",
    "hpo/trial/watch.py": "stamps rows, and the start of a trial",
}
"""All that reads the clock that jumps; what waits or measures goes by time.monotonic."""


def test_nothing_waits_by_the_wall_clock() -> None:
    root = Path(hpo.__file__).parents[1]
    found = {
        str(path.relative_to(root))
        for path in root.glob("hpo/**/*.py")
        if re.search(r"\btime\.time\(|from time import .*\btime\b|datetime\.now", path.read_text())
    }
    assert found == set(WALL_CLOCK)
