"""What `hpo.report(…, checkpoint=…)` keeps, and what a trial that goes on finds."""

from __future__ import annotations

import os
import signal
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hpo.trial.checkpoint import load, newest, save
from hpo.trial.disk import at_fault
from hpo.trial.rows import Rows
from hpo.trial.spec import Resume
from tests.faults.disks import Disk, Mounts
from tests.trial.warm_runner import Runner


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "w.pt").write_bytes(b"weights")
    folder = str(tmp_path / "checkpoints")
    sources: list[Any] = [{"epoch": 3, "w": b"1"}, made, str(made / "deep" / "w.pt"), lambda: {"epoch": 4}]
    sources.append(SimpleNamespace(path=str(made)))  # as Ray's Checkpoint
    names = [save(source, folder) for source in sources]
    assert names == ["000001", "000002", "000003", "000004", "000005"] == sorted(os.listdir(folder))
    state, copy, file, called, of_ray = (load(os.path.join(folder, name)) for name in names)
    assert (state, called) == ({"epoch": 3, "w": b"1"}, {"epoch": 4})
    assert (copy / "deep" / "w.pt").read_bytes() == file.read_bytes() == b"weights"
    assert (of_ray / "deep").is_dir()
    assert newest(folder) == "000005"


class Unpicklable:
    def __reduce__(self) -> Any:
        raise ValueError("no")


@pytest.mark.parametrize("source", [{"x": Unpicklable()}, 3, "/nowhere/at/all", lambda: None])
def test_what_cannot_be_saved_leaves_nothing(tmp_path: Path, source: Any) -> None:
    first = save({"x": 1}, str(tmp_path))
    with pytest.raises((TypeError, ValueError, OSError)):
        save(source, str(tmp_path))
    assert os.listdir(tmp_path) == [first]


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert newest(str(tmp_path / "none")) is None


def test_kept_rows_count_and_the_rest_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"_step":0,"a":1}\n{"_step":5,"a":2}\n{"_step":6,"a":3}\n{"_st')
    rows = Rows(str(path), print, keep=2)
    assert [row["a"] for row in rows.kept] == [1, 2]
    rows.add({"a": 4}, None, 1.0, 0.0)
    rows.close()
    assert [line.partition(",")[0] for line in path.read_text().splitlines()] == [
        '{"_step":0',
        '{"_step":5',
        '{"_step":6',
    ]


SCRIPT = """
import hpo, os, sys, time
state = hpo.get_checkpoint() or {"epoch": 0}
for epoch in range(state["epoch"], 6):
    hpo.report({"loss": 10.0 - epoch}, checkpoint={"epoch": epoch + 1})
    if epoch == 3 and not os.path.exists("second"):
        open("second", "w")
        hpo.report({"loss": 0.0})  # comes after the checkpoint: it is logged anew
        os.kill(os.getpid(), 9)
"""


@pytest.mark.process
def test_a_trial_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    try:
        script = runner.script("train.py", SCRIPT)
        first = runner("python", script, metric="loss", warm=False)
        assert (first.end["signal"], first.end["iterations"]) == (signal.SIGKILL, 5)
        assert newest(str(first.directory / "checkpoints")) == "000004"
        resume = Resume(str(first.directory / "checkpoints" / "000004"), rows=4, iterations=4)
        env = {"HPO_CHECKPOINT": resume.checkpoint, "HPO_ITERATIONS": "4"}
        runner.number = 0  # the same trial
        end = runner("python", script, metric="loss", warm=False, resume=resume, more_env=env).end
        assert (end["state"], end["iterations"], end["value"], end["rows"]) == ("finished", 6, 5.0, 6)
    finally:
        runner.supervisor.close()
    rows = (first.directory / "metrics.jsonl").read_text().splitlines()
    assert [row.rpartition(":")[2].strip("}") for row in rows] == ["10.0", "9.0", "8.0", "7.0", "6.0", "5.0"]
    assert [row.partition(",")[0] for row in rows] == [f'{{"_step":{step}' for step in range(6)]


def test_a_full_disk_is_told_of_as_such_and_nothing_is_left(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "weights").write_bytes(bytes(2**17))
    with Mounts() as mounts, Disk(mounts, tmp_path / "disk", "64k") as disk:
        sources: list[Any] = [{"w": bytes(2**17)}, made, made / "weights"]
        for source in sources:
            with pytest.raises(OSError, match="No space left") as caught:
                save(source, str(disk.seen / "checkpoints"))
            assert at_fault(caught.value)
            assert os.listdir(disk.seen / "checkpoints") == []


def test_nothing_brings_a_vanished_trial_back(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save({"x": 1}, str(tmp_path / "0001" / "checkpoints"))
    assert os.listdir(tmp_path) == []


NESTED = """
import hpo, os, signal, time

class Slow:
    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGTERM)  # comes while the state is being saved
        return dict, ()

signal.signal(signal.SIGTERM, lambda *_: hpo.report({}, checkpoint={"epoch": 2}))
hpo.report({"loss": 1.0}, checkpoint={"epoch": 1, "slow": Slow()})
"""


def test_a_handler_may_save_in_the_middle_of_a_save(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    try:
        done = runner("python", runner.script("train.py", NESTED), metric="loss", warm=False)
        assert done.end["state"] == "finished", done.log
    finally:
        runner.supervisor.close()
    folder = done.directory / "checkpoints"
    assert [load(str(folder / name))["epoch"] for name in sorted(os.listdir(folder))] == [2, 1]


def test_what_a_killed_attempt_had_begun_to_save_is_gone_with_the_next(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    code = """
    import hpo, os
    class Deadly:
        def __reduce__(self):
            os.kill(os.getpid(), 9)
    hpo.report({"loss": 1.0}, checkpoint={"x": 1 if os.path.exists("second") else Deadly()})
    """
    try:
        script = runner.script("train.py", textwrap.dedent(code))
        first = runner("python", script, metric="loss", warm=False)
        (left,) = os.listdir(first.directory / "checkpoints")
        (tmp_path / "second").touch()
        runner.number = 0
        runner("python", script, metric="loss", warm=False, attempt=2)
        assert left.startswith(".partial-")
        assert os.listdir(first.directory / "checkpoints") == ["000001"]
    finally:
        runner.supervisor.close()
