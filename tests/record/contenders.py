"""Processes that want one lock: `contenders.py {dead,elsewhere,churn} DIRECTORY`; prints what came of it."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpo.errors import UserError
from hpo.record.holder import LOCK, Timing
from hpo.record.lock import RunLock
from hpo.trial.identity import Process

CONTENDERS = 10
ROUNDS = 20
SECONDS = 8.0
fork = multiprocessing.get_context("fork")


def die_holding(run: Path, host: str) -> None:
    """Leave the lock of a process that is dead."""
    child = os.fork()
    if not child:
        RunLock.acquire(run, process=replace(Process.own(), host=host))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def contend(run: Path, host: str, timing: Timing, barrier: Any, told: Any) -> None:
    barrier.wait()
    try:
        lock = RunLock.acquire(run, timing, replace(Process.own(), host=host))
    except UserError as error:
        told.put(str(error))
        barrier.wait()
        return
    told.put("won")
    barrier.wait()
    lock.check()
    lock.release()


def one_round(run: Path, elsewhere: bool) -> dict[str, int]:
    """All want the lock of a dead owner at once: how many won, how many were told by whom it is held."""
    run.mkdir()
    here = Process.own().host
    die_holding(run, "lost" if elsewhere else here)
    os.utime(run / LOCK, (1e9, 1e9))
    timing = Timing(0.05, 30.0, 0.1) if elsewhere else Timing()
    barrier, told = fork.Barrier(CONTENDERS), fork.Queue()
    hosts = [f"node{i}" if elsewhere else here for i in range(CONTENDERS)]
    children = [fork.Process(target=contend, args=(run, host, timing, barrier, told)) for host in hosts]
    for child in children:
        child.start()
    answers = Counter(told.get(timeout=100) for _ in children)
    for child in children:
        child.join()
    won = answers.pop("won", 0)
    return {
        "won": won,
        "refused": sum(number for text, number in answers.items() if "is being run by process" in text),
        "codes": sum(abs(child.exitcode or 0) for child in children),
        "left": len(list(run.iterdir())),
    }


def churn(run: Path, seed: int, told: int) -> None:
    """Take and give back for ever; the kernel's own lock is the witness that nobody else has it."""
    random.seed(seed)
    witness = os.open(run / "witness", os.O_RDWR | os.O_CREAT)
    while True:
        try:
            lock = RunLock.acquire(run)
        except UserError:
            time.sleep(random.uniform(0, 0.003))
            continue
        os.write(told, b"." if alone(witness) else b"!")
        time.sleep(random.uniform(0, 0.01))
        lock.check()
        fcntl.flock(witness, fcntl.LOCK_UN)
        lock.release()


def alone(witness: int) -> bool:
    """Whether nobody who lives has the witness; the threads of a killed process let go of it one by one."""
    try:
        fcntl.flock(witness, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stat = Path(f"/proc/{os.pread(witness, 20, 0).decode().strip()}/stat")
        if stat.exists() and stat.read_text().rpartition(") ")[2][0] not in "ZX":
            return False
        fcntl.flock(witness, fcntl.LOCK_EX)
    os.pwrite(witness, f"{os.getpid():20}".encode(), 0)
    return True


def fork_churn(run: Path, seed: int, told: int) -> int:
    child = os.fork()
    if not child:
        try:
            churn(run, seed, told)
        finally:
            os.write(told, b"?")
            os._exit(1)
    return child


def killed_at_random(run: Path) -> dict[str, int]:
    """Processes take turns, while one after another is killed wherever it stands."""
    read, write = os.pipe()
    seeds = iter(range(1, 10**9))
    children = [fork_churn(run, next(seeds), write) for _ in range(CONTENDERS)]
    killed, end = 0, time.monotonic() + SECONDS
    random.seed(0)
    while time.monotonic() < end:
        time.sleep(random.uniform(0.0, 0.06))
        child = children.pop(random.randrange(len(children)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1
        children.append(fork_churn(run, next(seeds), write))
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(write)
    seen = Counter(os.fdopen(read).read())
    RunLock.acquire(run).release()
    return {"killed": killed, "won": seen["."], "both": seen["!"], "broken": seen["?"]}


if __name__ == "__main__":
    kind, place = sys.argv[1], Path(sys.argv[2])
    if kind == "churn":
        print(json.dumps(killed_at_random(place)))
    else:
        print(json.dumps([one_round(place / str(n), kind == "elsewhere") for n in range(ROUNDS)]))
