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
from tests.slots import await_no_slots

pytestmark = pytest.mark.ray

FULL = "No space left on device"
LEAN = {"kill_grace": 2, "seed": 1, "concurrency": 1, "tensorboard": False, "report": False}
"""One slot, and no process that writes TensorBoard's files or reports."""
FILLING = """
import hpo
x = hpo.config()["x"]
begun = (hpo.get_checkpoint() or {"step": 0})["step"]
for step in range(begun, 6):
    row, checkpoint = {"loss": x}, None
    if x < 4:
        row["text"] = "x" * 60_000
    elif x < 8:
        print("x" * 60_000)
    else:
        checkpoint = {"step": step + 1, "weights": bytes(400_000)}
    hpo.report(row, checkpoint=checkpoint)
"""
"""Four trials write long rows, the next four long logs, the last four checkpoints: 1.4 MB each."""


@pytest.fixture(scope="module")
def mounts() -> Iterator[Mounts]:
    with Mounts() as made:
        yield made


@pytest.fixture
def disk(mounts: Mounts, tmp_path: Path) -> Iterator[Disk]:
    with Disk(mounts, tmp_path / "disk", "1m") as made:
        yield made


def test_a_disk_that_others_fill_lets_a_run_neither_begin_nor_go_on_until_there_is_room(disk: Disk) -> None:
    write_sweep(disk.seen)
    run, full = disk.seen / "run", f"{FULL}; free some space first"
    words = ("run", "sweep.yaml", "--out", "run")
    filler = disk.fill()
    code, said = over(disk.hpo(*words))
    assert (code, said[-1]) == (75, f"hpo: cannot write in {disk.folder / 'run'}: {full}")
    assert not (run / "sweep.yaml").exists()
    filler.unlink()
    process = disk.hpo(*words, own_ray=True)
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
    assert (code, said[-1]) == (75, f"hpo: cannot write in {disk.folder / 'run'}: {full}")
    filler.unlink()
    assert over(disk.hpo("resume", "run", own_ray=True))[0] == 0
    assert done_in(run) >= before
    check_whole(run)


def test_trials_that_fill_the_disk_by_rows_logs_or_checkpoints_have_not_failed(disk: Disk) -> None:
    grid = {"x": {"values": list(range(COUNT))}}
    write_sweep(disk.seen, FILLING, method="grid", parameters=grid, hpo=LEAN)
    run = disk.seen / "run"
    words: tuple[str, ...] = ("run", "sweep.yaml", "--out", "run")
    for full, room in enumerate(("2200k", "3700k", "64m")):
        code, said = over(disk.hpo(*words))
        assert code == 75
        assert said[-1].startswith(f"hpo: cannot write {disk.folder / 'run'}")
        assert f"{FULL}; " in said[-1]
        assert said[-1].endswith("goes on")
        assert not [line for line in said if " failed" in line]
        assert 4 * full <= len(done_in(run)) < 4 * full + 4  # it is trials of this kind that filled it
        disk.remount(f"size={room}")
        words = ("resume", "run")
    assert over(disk.hpo(*words))[0] == 0
    check_whole(run)


def test_a_stock_tuner_ends_on_a_full_disk(disk: Disk) -> None:
    write_sweep(disk.seen, hpo=LEAN)
    process = disk.hpo("run", "sweep.yaml", "--out", "run", "--engine", "tune")
    until_ended(disk.seen / "run", 2, process)
    disk.fill()
    code, said = over(process)
    assert code == 1
    assert said[-1].startswith(f"hpo: cannot write {disk.folder / 'run'}")
    assert said[-1].endswith(f"{FULL}; the trials of a stock Tuner cannot go on: start it anew")


def test_a_driver_that_can_say_nothing_goes_on_and_a_read_only_disk_is_refused(disk: Disk) -> None:
    write_sweep(disk.seen, hpo=LEAN)
    with open("/dev/full", "w") as full:
        process = disk.hpo("run", "sweep.yaml", "--out", "old", "--count", "4", stderr=full)
        assert "4 trials: 4 finished" in process.communicate()[0]
    assert process.returncode == 0
    check_whole(disk.seen / "old", 4)
    until_all_left(str(disk.folder))
    disk.remount("ro")
    code, said = over(disk.hpo("run", "sweep.yaml", "--out", "run"))
    assert (code, said) == (1, [f"hpo: cannot write to {disk.folder}; name another --out"])
    code, said = over(disk.hpo("resume", "old", "--count", "6"))
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
    write_sweep(tmp_path, SLOW, run_cap=6, hpo=LEAN)
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
    await_no_slots()
    assert not run.exists()
    if moved:
        assert over(start(tmp_path, "resume", "other", RAY_ADDRESS=ray_here))[0] == 0
        check_whole(other, 6)
