"""Processes that take one lock, step by step: whatever one does between two steps of another."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from hpo.errors import Resumable, UserError
from hpo.record import holder, lock, shared
from hpo.record.holder import LOCK, Timing, owner
from hpo.record.lock import RunLock
from hpo.trial.identity import Process

HERE = Process.own()
DEAD = [replace(HERE, started=HERE.started - 1 - number) for number in range(3)]
ELSEWHERE = replace(HERE, host="node7")
HASTY = Timing(beat=0.05, silence=30.0, confirm=0.0)
FILES = {module.__file__ for module in (holder, lock, shared)}
PAIRS = 150


@pytest.fixture(scope="module")
def alive() -> Iterator[list[Process]]:
    """Three processes that live, for whom locks are taken."""
    sleepers = [subprocess.Popen(["sleep", "1000"]) for _ in range(3)]
    started = [Path(f"/proc/{one.pid}/stat").read_text().split()[21] for one in sleepers]
    yield [replace(HERE, pid=p.pid, started=int(s)) for p, s in zip(sleepers, started, strict=True)]
    for one in sleepers:
        one.kill()
        one.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        yield Path(name)


def interrupted(act: Callable[[], None], step: int, between: Callable[[], None]) -> int:
    """Run `act`, and `between` before its `step`-th step, a line of the lock's code; how many there were."""
    steps = 0
    raised: list[BaseException] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            steps += 1
            if steps == step:
                between()
        return trace

    def traced() -> None:
        sys.settrace(trace)
        try:
            act()
        except BaseException as error:
            raised.append(error)
        finally:
            sys.settrace(None)

    thread = threading.Thread(target=traced)
    thread.start()
    thread.join()
    for error in raised:
        raise error
    return steps


class Contender:
    """One who wants the lock; `lock` is there while it has it."""

    def __init__(self, run: Path, process: Process, timing: Timing | None = None) -> None:
        self.run = run
        self.process = process
        self.timing = timing
        self.lock: RunLock | None = None

    def acquire(self) -> None:
        try:
            self.lock = RunLock.acquire(self.run, self.timing, self.process)
        except UserError as error:
            if "is being run by" not in str(error):
                raise

    def release(self) -> None:
        if self.lock is not None:
            self.lock.release()
            self.lock = None

    def acquire_and_release(self) -> None:
        self.acquire()
        self.release()

    def acquire_and_die(self) -> None:
        """As a process dies: its thread and its descriptor are gone, its files stay."""
        self.acquire()
        if self.lock is not None:
            self.lock._over.set()
            self.lock._pulse.join()
            os.close(self.lock._descriptor)
            self.lock = None


def held(run: Path, *contenders: Contender) -> list[Contender]:
    """Those who have the lock; it is theirs, and nobody else gets it."""
    have = [one for one in contenders if one.lock is not None]
    for one in have:
        assert one.lock is not None
        one.lock.check()
        found = owner(run)
        assert found is not None
        assert found.token == one.lock.token
        assert found.alive
    return have


def runs(folder: Path, dead_owner: bool) -> Iterator[Path]:
    for number in itertools.count():
        run = folder / str(number)
        run.mkdir()
        if dead_owner:
            Contender(run, DEAD[0]).acquire_and_die()
        yield run


def every_step(attempt: Callable[[int], int]) -> None:
    """Try step after step until there is none any more."""
    step = 1
    while attempt(step) >= step:
        step += 1
    assert step > 20


@pytest.mark.parametrize("dead_owner", [False, True])
def test_between_any_two_steps_another_may_take_it_and_only_one_has_it(
    dead_owner: bool, folder: Path, alive: list[Process]
) -> None:
    made = runs(folder, dead_owner)

    def attempt(step: int) -> int:
        run = next(made)
        first, second = Contender(run, alive[0]), Contender(run, alive[1])
        steps = interrupted(first.acquire, step, second.acquire)
        have = held(run, first, second)
        assert len(have) == 1, f"step {step}"
        have[0].release()
        assert list(run.iterdir()) == []
        return steps

    every_step(attempt)


@pytest.mark.parametrize("dead_owner", [False, True])
@pytest.mark.parametrize("way", ["acquire_and_release", "acquire_and_die"])
def test_between_any_two_steps_another_may_take_it_and_be_gone(
    way: str, dead_owner: bool, folder: Path, alive: list[Process]
) -> None:
    made = runs(folder, dead_owner)

    def attempt(step: int) -> int:
        run = next(made)
        first = Contender(run, alive[0])
        second = Contender(run, DEAD[1] if way == "acquire_and_die" else alive[1])
        steps = interrupted(first.acquire, step, getattr(second, way))
        assert held(run, first) == [first], f"step {step}"
        first.release()
        assert not (run / LOCK).exists()
        return steps

    every_step(attempt)


def test_while_one_gives_it_back_another_may_get_it_and_keeps_it(folder: Path, alive: list[Process]) -> None:
    made = runs(folder, dead_owner=False)
    got = []

    def attempt(step: int) -> int:
        run = next(made)
        first, second, third = (Contender(run, process) for process in alive)
        first.acquire()
        steps = interrupted(first.release, step, second.acquire)
        got.append(second.lock is not None)
        if second.lock is not None:
            third.acquire()
        assert held(run, second, third) == ([second] if second.lock else [])
        third.acquire()
        assert len(held(run, second, third)) == 1
        return steps

    every_step(attempt)
    assert {True, False} == set(got)


def test_three_who_stand_anywhere_when_the_next_one_comes(folder: Path, alive: list[Process]) -> None:
    made, draw = runs(folder, dead_owner=True), random.Random(0)
    for _ in range(PAIRS):
        run, outer, inner = next(made), draw.randrange(1, 120), draw.randrange(1, 120)
        first, second, third = (Contender(run, process) for process in alive)
        end = draw.choice([third.acquire, third.acquire_and_release])

        def meanwhile(inner: int = inner, second: Contender = second, end: Callable[[], None] = end) -> None:
            interrupted(second.acquire, inner, end)

        interrupted(first.acquire, outer, meanwhile)
        assert len(held(run, first, second, third)) == 1, (outer, inner)


def silenced(run: Path) -> None:
    """Nobody has given a sign of life for long."""
    for path in run.iterdir():
        os.utime(path, (1e9, 1e9))


def test_an_owner_found_dead_while_it_gives_the_lock_back_leaves_the_next_one_alone(folder: Path) -> None:
    made = runs(folder, dead_owner=False)

    def attempt(step: int) -> int:
        run = next(made)
        first = RunLock.acquire(run, Timing(beat=1e6), ELSEWHERE)
        silenced(run)
        got: list[RunLock] = []
        other = threading.Thread(target=lambda: got.append(RunLock.acquire(run, HASTY)))

        def meanwhile() -> None:
            other.start()
            other.join(0.03)

        steps = interrupted(first.release, step, meanwhile)
        if steps >= step:
            other.join()
            got[0].check()
            got[0].release()
        assert not (run / LOCK).exists()
        return steps

    every_step(attempt)


def test_who_is_found_dead_while_it_takes_the_lock_does_not_take_it_from_the_next_one(folder: Path) -> None:
    made = runs(folder, dead_owner=True)

    def attempt(step: int) -> int:
        run = next(made)
        silenced(run)
        first = Contender(run, ELSEWHERE, HASTY)
        got: list[RunLock] = []

        def meanwhile() -> None:
            silenced(run)
            got.append(RunLock.acquire(run, HASTY))

        steps = interrupted(first.acquire, step, meanwhile)
        if got:
            got[0].check()
            if first.lock is not None:
                with pytest.raises(Resumable, match="taken over"):
                    first.lock.check()
                first.release()
            found = owner(run)
            assert found is not None
            assert found.token == got[0].token
            got[0].release()
        return steps

    every_step(attempt)
