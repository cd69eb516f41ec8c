from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.trial.launch import Supervisor
from hpo.trial.spec import TrialEnd, TrialSpec

Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
UntilEnd = Callable[[Supervisor], list[dict[str, Any]]]
WaitUntil = Callable[..., None]


def rows_of(spec: TrialSpec) -> list[dict[str, Any]]:
    lines = (Path(spec.directory) / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def log_of(spec: TrialSpec) -> str:
    path = Path(spec.directory) / "log.txt"
    return path.read_text() if path.exists() else ""


def test_all_results_are_forwarded_without_milestones(
    shared: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    shared.start(spec("for i in range(4): log(loss=4 - i if i != 2 else 9)", milestones=None))
    *results, _ = until_end(shared)
    assert [(r["event"], r["trial"], r["iteration"], r["value"], r["best"]) for r in results] == [
        ("result", 1, 1, 4, 4),
        ("result", 1, 2, 3, 3),
        ("result", 1, 3, 9, 3),
        ("result", 1, 4, 1, 1),
    ]
    assert all(abs(r["time"] - time.time()) < 60 for r in results)


def test_only_milestones_and_the_target_are_forwarded(
    shared: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    code = "for i in range(100): log(other=1); log(loss=100 - i)"
    shared.start(spec(code, milestones=[3, 9, 500], target=50))
    *results, end = until_end(shared)
    assert [r["iteration"] for r in results] == [3, 9, 51]
    assert (end["iterations"], end["rows"], end["value"]) == (100, 200, 1)


def test_several_objectives_come_with_the_end(shared: Supervisor, spec: Spec, until_end: UntilEnd) -> None:
    shared.start(spec("log(loss=1, size=5); log(loss=2); log(size=4)", beside=["size"], milestones=None))
    *results, end = until_end(shared)
    assert [(r["iteration"], r["value"], r["best"]) for r in results] == [(1, 1, 1), (2, 2, 1)]
    assert (end["state"], end["value"], end["values"]) == ("finished", 1, {"loss": 2, "size": 4})


def test_without_one_of_several_objectives_a_trial_failed(
    shared: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    shared.start(spec("log(loss=1)", beside=["size"]))
    *_, end = until_end(shared)
    assert (end["state"], end["kind"]) == ("failed", "no metric")
    assert end["reason"] == "never logged 'size'; it logged: loss"


def test_a_heartbeat_tells_the_newest_result(shared: Supervisor, spec: Spec, until_end: UntilEnd) -> None:
    shared.start(spec("log(loss=3); log(loss=2); time.sleep(0.4); log(loss=1)", heartbeat=0.1))
    *results, end = until_end(shared)
    told = [(r["iteration"], r["value"], r["beat"]) for r in results]
    assert told[0] in [(1, 3, True), (2, 2, True)]  # a slow start makes the first row late already
    assert len(told) <= 3
    assert end["iterations"] == 3


def test_rows_are_on_disk_before_their_result_is_told(
    shared: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    it = spec("for i in range(50): log(loss=i)\ntime.sleep(60)", milestones=[50], kill_grace=1)
    shared.start(it)
    assert shared.events(60)[0]["iteration"] == 50
    assert len(rows_of(it)) == 50
    shared.stop("stopped")
    assert until_end(shared)[-1]["state"] == "stopped"


def test_rows_are_on_disk_while_the_trial_is_quiet(
    shared: Supervisor, spec: Spec, until_end: UntilEnd, wait_until: WaitUntil
) -> None:
    it = spec("log(loss=1); time.sleep(60)")
    shared.start(it)
    metrics = Path(it.directory) / "metrics.jsonl"
    wait_until(lambda: metrics.exists() and metrics.read_text())
    shared.stop("interrupted")
    end = until_end(shared)[-1]
    assert (end["state"], end["reason"], end["signal"], end["value"]) == (
        "interrupted",
        "",
        signal.SIGTERM,
        1,
    )


def test_a_script_may_end_well_after_a_stop(shared: Supervisor, spec: Spec, until_end: UntilEnd) -> None:
    it = spec(
        "signal.signal(15, lambda *_: (log(loss=0.1), sys.exit(0))); log(loss=1); time.sleep(60)",
        milestones=None,
    )
    shared.start(it)
    assert shared.events(60)[0]["iteration"] == 1
    shared.stop("stopped")
    events = until_end(shared)
    assert len(events) == 1  # nothing is decided any more, so nothing is forwarded
    end = TrialEnd.from_dict(events[0])
    assert (end.state, end.exit_code, end.value, end.iterations) == ("stopped", 0, 0.1, 2)


def test_a_script_that_ignores_the_stop_is_killed(
    shared: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    shared.start(
        spec(
            "signal.signal(15, signal.SIG_IGN); log(loss=1); time.sleep(60)", milestones=None, kill_grace=0.2
        )
    )
    assert shared.events(60)
    begun = time.monotonic()
    shared.stop("stopped")
    end = until_end(shared)[-1]
    assert 0.2 <= time.monotonic() - begun < 30
    assert (end["state"], end["signal"]) == ("stopped", signal.SIGKILL)
    assert end["reason"] == "killed: it did not end in time after SIGTERM"


def test_a_stop_after_the_end_is_without_effect(shared: Supervisor, spec: Spec, run: Run) -> None:
    assert run(shared, spec("log(loss=1)")).state == "finished"
    shared.stop("stopped")
    assert run(shared, spec("log(loss=1)", number=2)).state == "finished"


def test_an_end_that_came_before_the_stop_counts(
    shared: Supervisor, spec: Spec, until_end: UntilEnd, wait_until: WaitUntil
) -> None:
    """The script is gone, but what it left in its group holds the end up while the stop arrives."""
    child = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    code = f"log(loss=1)\nimport subprocess; subprocess.Popen([sys.executable, '-S', '-c', {child!r}])\n"
    code += "while 'up' not in open(os.environ['HPO_TRIAL_DIR'] + '/log.txt').read(): time.sleep(0.01)"
    it = spec(code, kill_grace=0.5)
    shared.start(it)
    wait_until(lambda: "up" in log_of(it))
    time.sleep(0.2)
    shared.stop("stopped")
    end = until_end(shared)[-1]
    assert (end["state"], end["exit_code"]) == ("finished", 0)


def test_leftovers_are_ended_and_reaped_at_once(shared: Supervisor, spec: Spec, run: Run) -> None:
    seconds = []
    for number in (1, 2, 3):
        begun = time.monotonic()
        end = run(shared, spec(argv=["sh", "-c", "sleep 60 & sleep 60 & exit 0"], metric="", number=number))
        seconds.append(time.monotonic() - begun)
        assert (end.state, end.reason) == ("finished", "")
    assert min(seconds) < 1.5  # some containers' init would reap them much later, or after LEFTOVER_GRACE


def test_children_that_hold_the_channel_open_do_not_hold_the_end_up(
    shared: Supervisor, spec: Spec, run: Run
) -> None:
    code = "log(loss=1)\nif os.fork() == 0:\n  os.setsid(); time.sleep(60); os._exit(0)"
    begun = time.monotonic()
    assert run(shared, spec(code)).state == "finished"
    assert time.monotonic() - begun < 30
