"""Function trials in one long-lived worker: what they share, and what they do not."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.process
Calls = Callable[..., Any]


def test_globals_stay_and_each_trial_has_its_own_config(calls: Calls) -> None:
    slot = calls("""
        loaded = []
        def train(config):
            if not loaded:
                loaded.append("data")
                print("loading")
            config["lr"] += 1
            return {"loss": config["lr"]}
    """)
    first, second = slot.run({"lr": 1}), slot.run({"lr": 5})
    assert (first.rows, second.rows) == ([{"loss": 2}], [{"loss": 6}])
    assert (first.code, second.code) == (0, 0)
    assert first.pid == second.pid
    assert (first.log, second.log) == ("loading\n", "")


def test_nothing_that_a_trial_has_set_reaches_the_next(calls: Calls) -> None:
    slot = calls("""
        import os, signal, sys
        def train():
            import hpo
            print(hpo.config(), os.environ.get("MINE"), os.environ["HPO_TRIAL"], os.environ.get("EXTRA"))
            print(os.path.basename(os.getcwd()), sys.argv, signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL)
            os.environ.update(MINE="set", HPO_TRIAL="9")
            del os.environ["HPO_CONFIG"], os.environ["PATH"]
            os.chdir("/")
            sys.argv.append("x")
            sys.stdout = None
            signal.signal(signal.SIGUSR1, print)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            return 1.0
    """)
    here = slot.folder.name
    for number, variables in ((1, {"EXTRA": "e"}), (2, {}), (3, {"EXTRA": "f"})):
        turned = slot.run({"n": number}, **variables)
        assert turned.log == (
            f"{{'n': {number}}} None {number} {variables.get('EXTRA')}\n{here} ['hpo'] True\n"
        )
        assert turned.rows == [{"loss": 1.0}]
    slot.start({"n": 4})
    time.sleep(0.4)
    assert slot.end().code == 0, "the timer of the trial before did not strike"


def test_a_stop_ends_a_function_at_its_next_report_and_the_worker_goes_on(calls: Calls) -> None:
    slot = calls("""
        import time, hpo
        def train(config):
            try:
                for step in range(config["steps"]):
                    try:
                        hpo.report({"loss": step})
                    except Exception:
                        print("swallowed")
                    time.sleep(0.01)
            finally:
                print("tidied up")
    """)
    turn = slot.start({"steps": 10_000})
    slot.until(lambda: len(slot.rows) > 3)
    turn.terminate(time.monotonic(), 60.0)
    stopped = slot.end(timeout=60.0)
    assert (stopped.code, stopped.log) == (0, "tidied up\n")
    after = slot.run({"steps": 2})
    assert (after.rows, after.pid) == ([{"loss": 0}, {"loss": 1}], stopped.pid)


def test_a_stop_that_comes_too_late_does_not_stop_the_next_trial(calls: Calls) -> None:
    slot = calls("def train(config): return {'loss': config['n']}")
    slot.run({"n": 1})
    slot.worker.stop()
    assert slot.run({"n": 2}).rows == [{"loss": 2}]


def test_a_stop_before_the_function_is_called_leaves_it_out(calls: Calls) -> None:
    slot = calls("def train(): print('called')")
    slot.start().terminate(time.monotonic(), 60.0)  # the worker is still importing
    turned = slot.end()
    assert (turned.code, turned.log) == (0, "")


def test_a_stop_that_is_not_heeded_ends_the_worker_after_the_grace(calls: Calls) -> None:
    slot = calls("""
        import signal, time, subprocess
        def train(config):
            if config["deaf"]:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen(["sleep", "100"])
            print(child.pid, flush=True)
            time.sleep(100)
    """)
    for deaf, ended_by in ((False, signal.SIGTERM), (True, signal.SIGKILL)):
        turn = slot.start({"deaf": deaf})
        slot.until(lambda: slot.log_path.read_text())
        turn.terminate(time.monotonic(), 0.2)
        turned = slot.end()
        assert turned.code == -ended_by
        with pytest.raises(ProcessLookupError):
            os.killpg(turned.pid, 0)


def test_a_stop_that_finds_the_worker_dead_is_no_matter(calls: Calls) -> None:
    slot = calls("""
        import time
        def train(config):
            time.sleep(config["seconds"])
            return config["seconds"]
    """)
    turn = slot.start({"seconds": 100})
    os.kill(turn.pid, signal.SIGKILL)
    os.waitid(os.P_PID, turn.pid, os.WEXITED | os.WNOWAIT)
    turn.terminate(time.monotonic(), 60.0)
    assert slot.end().code == -signal.SIGKILL
    assert slot.run({"seconds": 0}).rows == [{"loss": 0}]


def test_a_worker_that_is_closed_takes_its_trial_with_it_at_once(calls: Calls) -> None:
    slot = calls("""
        import signal, subprocess, time
        def train():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print(subprocess.Popen(["sleep", "100"]).pid, flush=True)
            time.sleep(100)
    """)
    slot.start()
    slot.until(lambda: slot.log_path.read_text())
    with os.fdopen(os.pidfd_open(int(slot.log_path.read_text()))) as child:
        slot.worker.close()
        assert os.waitpid(slot.worker.pid, 0)[1] == signal.SIGKILL
        assert select.select([child], [], [], 30)[0], "what the trial started has ended too"


@pytest.mark.parametrize(
    ("death", "code"),
    [("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", -9), ("os.abort()", -6), ("os._exit(0)", 0)],
)
def test_a_crash_is_that_of_one_trial(calls: Calls, death: str, code: int) -> None:
    slot = calls(f"""
        import os
        def train(config):
            import hpo
            hpo.report({{"loss": 1}})
            if config["die"]:
                {death}
    """)
    well = slot.run({"die": False})
    dead = slot.run({"die": True})
    after = slot.run({"die": False})
    assert [t.code for t in (well, dead, after)] == [0, code, 0]
    assert all(t.rows == [{"loss": 1}] for t in (well, dead, after))
    assert well.pid == dead.pid != after.pid


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no data')", 1, "no data\n"),
        ("raise KeyboardInterrupt", 130, "KeyboardInterrupt\n"),
        ("return 'text'", 0, ""),
    ],
)
def test_exit_codes(calls: Calls, ending: str, code: int, said: str) -> None:
    turned = calls(f"import sys\ndef train():\n    {ending}").run()
    assert turned.code == code
    assert turned.log.endswith(said)
    assert bool(turned.log) == bool(said)


def test_a_traceback_shows_the_users_frames_alone_and_the_worker_goes_on(
    calls: Calls, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("def inner():\n    1 / 0\ndef train():\n    inner()\n")
    slot = calls("def train():\n    import mine\n    mine.train()")
    for _ in (1, 2):
        turned = slot.run()
        assert turned.code == 1
        frames = [line.split(", ") for line in turned.log.splitlines() if line.startswith("  File ")]
        assert [frame[-1] for frame in frames] == ["in train", "in train", "in inner"]
        assert turned.log.startswith("Traceback (most recent call last):\n")
        assert turned.log.endswith("ZeroDivisionError: division by zero\n")
    assert slot.number == 2
    assert turned.pid == slot.worker.pid


def test_what_trials_print_stands_in_their_own_logs_in_order(calls: Calls) -> None:
    slot = calls("""
        import ctypes, logging, os, subprocess, sys
        def train(config):
            logging.basicConfig(format="%(message)s")
            n = config["n"]
            print("one", n)
            print("two", n, file=sys.stderr)
            os.write(1, f"three {n}\\n".encode())
            subprocess.run(["echo", "four", str(n)])
            logging.warning("five %s", n)
            ctypes.CDLL(None).printf(b"six %d\\n", n)
    """)
    for n in (1, 2, 3):
        log = slot.run({"n": n}, PYTHONUNBUFFERED="1").log
        assert log == "".join(f"{word} {n}\n" for word in ("one", "two", "three", "four", "five", "six"))


def test_streams_that_a_trial_closed_are_open_again_and_apart(calls: Calls) -> None:
    slot = calls("""
        import os, sys
        def train():
            kept, silent = os.dup(1), os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            print("lost", flush=True)
            print("an error", file=sys.stderr, flush=True)
            os.dup2(kept, 1)
            print("seen")
            sys.stdout.close(), sys.stderr.close()
    """)
    assert [slot.run().log for _ in (1, 2, 3)] == ["an error\nseen\n"] * 3


def test_buffered_output_does_not_reach_the_next_log(calls: Calls) -> None:
    slot = calls("def train(config): print(config['n'])")
    slot.environment["PYTHONUNBUFFERED"] = ""
    assert [slot.run({"n": n}, PYTHONUNBUFFERED="").log for n in (1, 2)] == ["1\n", "2\n"]


def test_a_users_own_module_called_hpo_is_no_matter(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "hpo.py").write_text("raise ImportError('not this one')")
    (tmp_path / "json.py").write_text("raise ImportError('nor this one')")
    assert calls("def train(): return 2.0").run().rows == [{"loss": 2.0}]


def test_a_function_that_cannot_be_loaded_fails_its_trial(calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "gone.py").write_text("def train(): return 1.0")
    sys.path.insert(0, str(tmp_path))
    try:
        slot = calls("from gone import train")
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules["gone"]
    (tmp_path / "gone.py").rename(tmp_path / "there.py")
    turned = slot.run()
    assert turned.code == 1
    assert turned.log.endswith("ModuleNotFoundError: No module named 'gone'\n")
    (tmp_path / "there.py").rename(tmp_path / "gone.py")
    assert slot.run().rows == [{"loss": 1.0}]


WANDB = """
    def train():
        import os, wandb
        told = [wandb.run is None]
        try:
            wandb.config.lr
        except Exception as error:
            told.append(type(error).__name__)
        run = wandb.init(config={"lr": 0, "batch": 8})
        told += [wandb.config.lr, wandb.config.get("other"), run.id, run.step]
        wandb.log({"loss": wandb.config.lr})
        wandb.config.update({"other": 1})
        wandb.log({"loss": 0.5, "late": 1}, step=7)
        wandb.log({"acc": 1}, step=7)
        print(*told)
"""


@pytest.mark.wandb
@pytest.mark.parametrize("mode", ["disabled", "offline"])
def test_each_trial_has_a_run_of_the_real_wandb_of_its_own(calls: Calls, mode: str) -> None:
    slot = calls(WANDB)
    for lr in (0.1, 0.2):
        turned = slot.run({"lr": lr}, WANDB_MODE=mode)
        assert turned.code == 0, turned.log
        assert turned.log == f"True Error {lr} None run-{slot.number} 0\n"
        assert turned.rows == [{"loss": lr}, {"loss": 0.5, "late": 1}, {"acc": 1}]
    assert slot.worker.pid == turned.pid


def test_a_large_configuration_arrives_whole(calls: Calls) -> None:
    slot = calls("def train(config): return {'loss': len(config['text'])}")
    assert [slot.run({"text": "x" * size}).rows for size in (10, 100_000)] == [
        [{"loss": 10}],
        [{"loss": 100_000}],
    ]


def test_hundreds_of_trials_leave_nothing_open(calls: Calls) -> None:
    slot = calls("""
        import os, threading
        def train():
            import hpo
            hpo.report({"open": len(os.listdir("/proc/self/fd")), "threads": threading.active_count()})
    """)
    slot.run()
    before = len(os.listdir("/proc/self/fd"))
    rows = [slot.run().rows for _ in range(300)]
    assert all(row == rows[0] for row in rows)
    assert len(os.listdir("/proc/self/fd")) < before + 30
