"""Disks that are full, read-only or not there, as a user meets them: message and exit code of each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import hpo
from tests.faults.disks import Disk, Mounts
from tests.faults.whole import (
    COUNT,
    check_whole,
    done_in,
    over,
    start,
    until_all_left,
    until_ended,
    write_sweep,
)

pytestmark = pytest.mark.ray

FULL = "No space left on device"
ROWS = """
import hpo
for step in range(6):
    hpo.report({"loss": hpo.config()["x"], "text": "x" * 20_000})
"""
LOG = """
import hpo
for step in range(6):
    print("x" * 20_000)
    hpo.report({"loss": hpo.config()["x"]})
"""
CHECKPOINTS = """
import hpo
begun = (hpo.get_checkpoint() or {"step": 0})["step"]
for step in range(begun, 6):
    hpo.report({"loss": hpo.config()["x"]}, checkpoint={"step": step + 1, "weights": bytes(150_000)})
"""


@pytest.fixture(scope="module")
def mounts() -> Iterator[Mounts]:
    with Mounts() as made:
        yield made


@pytest.fixture
def disk(mounts: Mounts, tmp_path: Path) -> Iterator[Disk]:
    with Disk(mounts, tmp_path / "disk", "1m") as made:
        yield made


def test_a_disk_that_others_fill_ends_the_run_which_goes_on_once_there_is_room(disk: Disk) -> None:
    write_sweep(disk.seen)
    process = disk.hpo("run", "sweep.yaml", "--out", "run")
    run = disk.seen / "run"
    until_ended(run, 3, process)
    filler = disk.fill()
    code, said = over(process)
    assert code == 75
    assert said[-1].startswith("hpo: cannot write ")
    assert f"{FULL}; " in said[-1]
    assert "free some space, then `hpo resume" in said[-1]
    before = done_in(run)
    assert len(before) >= 3
    code, said = over(disk.hpo("resume", "run"))
    assert (code, said[-1]) == (
        75,
        f"hpo: cannot write in {disk.folder / 'run'}: {FULL}; free some space first",
    )
    filler.unlink()
    assert over(disk.hpo("resume", "run"))[0] == 0
    assert done_in(run) >= before
    check_whole(run)


@pytest.mark.parametrize("script", [ROWS, LOG, CHECKPOINTS], ids=["rows", "logs", "checkpoints"])
def test_trials_that_fill_the_disk_have_not_failed(disk: Disk, script: str) -> None:
    write_sweep(disk.seen, script)
    code, said = over(disk.hpo("run", "sweep.yaml", "--out", "run", shared=True))
    assert code == 75
    assert said[-1].startswith(f"hpo: cannot write {disk.folder / 'run'}")
    assert f"{FULL}; " in said[-1]
    assert said[-1].endswith("goes on")
    assert not [line for line in said if " failed" in line]
    disk.remount("size=64m")
    assert over(disk.hpo("resume", "run", shared=True))[0] == 0
    check_whole(disk.seen / "run")


def test_a_stock_tuner_ends_on_a_full_disk(disk: Disk) -> None:
    write_sweep(disk.seen)
    process = disk.hpo("run", "sweep.yaml", "--out", "run", "--engine", "tune")
    until_ended(disk.seen / "run", 2, process)
    disk.fill()
    code, said = over(process)
    assert code == 1
    assert said[-1].startswith(f"hpo: cannot write {disk.folder / 'run'}")
    assert said[-1].endswith(f"{FULL}; the trials of a stock Tuner cannot go on: start it anew")


def test_a_run_begins_on_a_full_disk_once_there_is_room(disk: Disk) -> None:
    write_sweep(disk.seen)
    filler = disk.fill()
    code, said = over(disk.hpo("run", "sweep.yaml", "--out", "run", shared=True))
    assert (code, said[-1]) == (
        75,
        f"hpo: cannot write in {disk.folder / 'run'}: {FULL}; free some space first",
    )
    assert not (disk.seen / "run" / "sweep.yaml").exists()
    filler.unlink()
    assert over(disk.hpo("run", "sweep.yaml", "--out", "run", shared=True))[0] == 0
    check_whole(disk.seen / "run")


def test_a_driver_that_can_say_nothing_more_goes_on(tmp_path: Path, disk: Disk) -> None:
    write_sweep(disk.seen)
    with open("/dev/full", "w") as full:
        process = disk.hpo("run", "sweep.yaml", "--out", "run", shared=True, stderr=full)
        assert f"{COUNT} trials: {COUNT} finished" in process.communicate()[0]
    assert process.returncode == 0
    check_whole(disk.seen / "run")


def test_a_read_only_disk_is_refused_before_anything_starts(disk: Disk) -> None:
    write_sweep(disk.seen)
    assert over(disk.hpo("run", "sweep.yaml", "--out", "old", "--count", "2", shared=True))[0] == 0
    until_all_left(str(disk.folder))
    disk.remount("ro")
    code, said = over(disk.hpo("run", "sweep.yaml", "--out", "run"))
    assert (code, said) == (1, [f"hpo: cannot write to {disk.folder}; name another --out"])
    code, said = over(disk.hpo("resume", "old", "--count", "4"))
    assert code == 1
    lock = disk.folder / "old" / "driver.lock"
    assert said[-1].startswith(f"hpo: cannot take {lock}: Read-only file system; ")


@pytest.mark.usefixtures("ray_here")
def test_directories_that_are_missing_are_refused(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    done = hpo("resume", "nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"hpo: {tmp_path / 'nowhere'}: no such directory; ")
    done = hpo("run", "sweep.yaml", "--out", "train.py/run", cwd=tmp_path)
    assert done.returncode == 1
    assert str(tmp_path / "train.py" / "run") in done.stderr.splitlines()[-1]
    assert not (tmp_path / "nowhere").exists()


SLOW = """
import time, hpo
for step in range((hpo.get_checkpoint() or {"step": 0})["step"], 6):
    time.sleep(0.3)
    hpo.report({"loss": hpo.config()["x"]}, checkpoint={"step": step + 1})
"""


@pytest.mark.parametrize("moved", [False, True], ids=["removed", "moved"])
def test_a_run_directory_that_vanishes_ends_the_run_and_does_not_come_back(
    tmp_path: Path, moved: bool, ray_here: str
) -> None:
    write_sweep(tmp_path, SLOW)
    own = {"RAY_ADDRESS": ray_here} if moved else {}
    process = start(tmp_path, "run", "sweep.yaml", "--out", "run", **own)
    run, other = tmp_path / "run", tmp_path / "other"
    until_ended(run, 2, process)
    run.rename(other)
    if not moved:
        shutil.rmtree(other)
    code, said = over(process)
    assert code == 1
    assert said[-1].startswith("hpo: ")
    assert "vanished" in said[-1]
    assert "nothing more is written" in said[-1]
    until_all_left(str(tmp_path))
    assert not run.exists()
    if moved:
        assert over(start(tmp_path, "resume", "other", **own))[0] == 0
        check_whole(other)
