"""What a function trial leaves behind in its worker: threads and processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.process
Calls = Callable[..., Any]


def test_threads_that_python_waits_for_are_waited_for(calls: Calls) -> None:
    slot = calls("""
        import threading, time
        def train(config):
            import hpo
            def later():
                time.sleep(0.2)
                hpo.report({"loss": 1})
            threading.Thread(target=later).start()
    """)
    assert [slot.run().rows for _ in (1, 2)] == [[{"loss": 1}]] * 2


def test_a_daemon_thread_of_an_earlier_trial_reports_into_no_other(calls: Calls) -> None:
    slot = calls("""
        import threading, time
        tries, before = [], []
        def train(config):
            import hpo
            def on(n):
                while True:
                    tries.append(n)
                    hpo.report({"loss": n})
                    time.sleep(0.01)
            if config["n"] == 1:
                threading.Thread(target=on, args=(1,), daemon=True).start()
            while before and len(tries) == before[0]:
                time.sleep(0.01)
            time.sleep(0.2)
            hpo.report({"loss": config["n"]})
            before.append(len(tries))
    """)
    slot.run({"n": 1})
    second = slot.run({"n": 2})
    assert second.rows == [{"loss": 2}]
    assert second.log == "hpo: a thread of an earlier trial reported; it is ended\n"


def test_a_pool_of_threads_serves_the_next_trial_too(calls: Calls) -> None:
    slot = calls("""
        from concurrent.futures import ThreadPoolExecutor
        pool = []
        def train(config):
            import hpo
            if not pool:
                pool.append(ThreadPoolExecutor(1))
            pool[0].submit(hpo.report, {"loss": config["n"]}).result()
    """)
    first, second = slot.run({"n": 1}), slot.run({"n": 2})
    assert (first.rows, second.rows) == ([{"loss": 1}], [{"loss": 2}])
    assert first.pid == second.pid


@pytest.mark.parametrize("how", ["return", "raise ValueError"])
def test_a_process_left_in_the_background_ends_with_its_trial(calls: Calls, how: str) -> None:
    slot = calls(f"""
        import subprocess
        def train():
            print(subprocess.Popen(["sleep", "100"]).pid, flush=True)
            {how}
    """)
    turned = slot.run()
    with pytest.raises(ProcessLookupError):
        os.kill(int(turned.log.split()[0]), 0)


def test_a_child_that_returns_from_the_function_ends_there(calls: Calls) -> None:
    slot = calls("""
        import os
        def train():
            import hpo
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                hpo.report({"loss": 1})
    """)
    assert [slot.run().rows for _ in (1, 2)] == [[{"loss": 1}]] * 2
