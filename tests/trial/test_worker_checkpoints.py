"""What a function trial saves when it is ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from hpo.trial.checkpoint import load, newest

pytestmark = pytest.mark.process
Calls = Callable[..., Any]


def test_a_function_that_handles_sigterm_gets_it_at_once_and_may_save_its_state(calls: Calls) -> None:
    slot = calls("""
        import signal, sys, time, hpo
        def train(config):
            def save(*_):
                hpo.report({"last": 1}, checkpoint={"epoch": 7})
            signal.signal(signal.SIGTERM, save)
            hpo.report({"loss": 1})
            time.sleep(config["seconds"])
    """)
    turn = slot.start({"seconds": 100})
    slot.until(lambda: slot.rows)
    turn.terminate(time.monotonic(), 60.0)
    stopped = slot.end(timeout=60.0)
    assert (stopped.rows, stopped.code, stopped.log) == ([{"loss": 1}, {"last": 1}], 0, "")
    assert load(str(slot.log_path.parent / "checkpoints" / "000001")) == {"epoch": 7}
    assert slot.run({"seconds": 0}).pid == stopped.pid


def test_the_checkpoint_of_the_report_that_ends_a_function_counts(calls: Calls) -> None:
    slot = calls("""
        import time, hpo
        def train(config):
            for step in range(1, 10_000):
                hpo.report({"loss": step}, checkpoint={"step": step})
                time.sleep(0.05)
    """)
    turn = slot.start()
    slot.until(lambda: len(slot.rows) > 1)
    turn.terminate(time.monotonic(), 60.0)
    stopped = slot.end(timeout=60.0)
    folder = slot.log_path.parent / "checkpoints"
    assert load(str(folder / (newest(str(folder)) or ""))) == {"step": stopped.rows[-1]["loss"]}
