"""Processes that run tests, each in a copy of the checkout of its own; none outlives the harness."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import FrameType

from tests.mutants import contained
from tests.mutants.copies import copied

_home: Path | None = None


@contextmanager
def workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """So many at a time; however the block is left, they and what they started are gone afterwards."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        homes: SimpleQueue[Path] = context.SimpleQueue()
        for _ in range(jobs):
            homes.put(stack.enter_context(copied()))
        pool = ProcessPoolExecutor(jobs, context, _begin, (homes,))
        try:
            yield pool
        finally:
            for process in multiprocessing.active_children():
                process.terminate()
            pool.shutdown(cancel_futures=True)


def home() -> Path:
    """Where this worker's copy stands, as `tree`."""
    assert _home is not None, "not in a worker"
    return _home


def _begin(homes: SimpleQueue[Path]) -> None:
    global _home
    _home = homes.get()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it all gets it, too, and ends its workers
    signal.signal(signal.SIGTERM, _end)
    contained.die_with_parent()


def _end(number: int, frame: FrameType | None) -> None:
    """Leave at once; what an exception cuts off, the pool takes for done, and goes on with the next."""
    contained.end_children()
    os._exit(1)
