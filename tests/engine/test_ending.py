"""What makes a run end, and how soon: requests from other processes, and signals."""

from __future__ import annotations

import signal
import threading

import pytest

from hpo.engine.ending import Ending, signals
from hpo.engine.ongoing import Limits


@pytest.mark.parametrize(("asked", "ended"), [("finish", False), ("now", True)])
def test_after_hpo_stop_running_trials_finish_until_ctrl_c_ends_them(asked: str, ended: bool) -> None:
    requests = [asked]
    ending = Ending(Limits(), lambda: requests.pop() if requests else None)
    with signals(ending):
        ending.look_up(1.0)
        assert (bool(ending), ending.at_once) == (True, ended)
        signal.raise_signal(signal.SIGINT)  # the first Ctrl-C, but no new trials begin already
        assert ending.at_once
    assert ending.outcome is not None
    assert ending.outcome.reason == "ended by `hpo stop`"


def test_a_run_in_another_thread_than_the_main_one_goes_on_without_signals() -> None:
    """As in a notebook whose cells run in an executor."""
    before, went_on = signal.getsignal(signal.SIGINT), threading.Event()

    def run() -> None:
        with signals(Ending(Limits())):
            went_on.set()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert went_on.is_set()
    assert signal.getsignal(signal.SIGINT) == before
