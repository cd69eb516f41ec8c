"""A trial that runs longer than it may is ended, however it was started, and keeps the values it had."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from hpo.trial.launch import Supervisor
from hpo.trial.spec import TrialEnd, TrialSpec
from tests.trial.warm_runner import Runner

Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
LIMITS: dict[str, Any] = {"timeout": 2.0, "kill_grace": 0.3}
LATE = "killed: it did not end in time after SIGTERM"
REPORTS = "import hpo, signal, time\nhpo.report({'loss': 2.0})\n"
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
ENDINGS = [
    ("time.sleep(60)", -15, ""),
    ("signal.signal(15, lambda *_: (hpo.report({'loss': 1.0}), exit(0)))\ntime.sleep(60)", 0, ""),
    (IGNORES + "time.sleep(60)", -9, LATE),
]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(tmp_path_factory.mktemp("warm"), modules=["hpo.trial.client"])
    yield runner
    runner.supervisor.close(10)


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize(("rest", "status", "late"), ENDINGS)
def test_a_script_is_ended(runner: Runner, warm: bool, rest: str, status: int, late: str) -> None:
    script = runner.script("late.py", REPORTS + rest)
    limits = LIMITS | {"kill_grace": 0.3 if late else 30.0}
    end = runner("python", script, warm=warm, metric="loss", **limits).end
    assert (end["state"], end["kind"]) == ("failed", "timeout")
    assert end["reason"] == "ran longer than hpo.trial_timeout (2 s)" + (f"; {late}" if late else "")
    assert end["exit_code" if status >= 0 else "signal"] == abs(status)
    assert end["value"] == (1.0 if status == 0 else 2.0)
    assert 2.0 <= end["seconds"] < 50
    assert (
        runner("python", runner.script("ok.py", REPORTS), warm=warm, metric="loss", **LIMITS).end["value"]
        == 2
    )


def test_a_silent_trial_is_ended_too(runner: Runner) -> None:
    end = runner(
        "python", runner.script("silent.py", "import time; time.sleep(60)"), metric="loss", **LIMITS
    ).end
    assert (end["kind"], end["value"], end["log_tail"]) == ("timeout", None, [])


def test_waiting_for_imports_is_no_running_time(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time; time.sleep(5)")
    runner = Runner(tmp_path, modules=["slow"])
    script = runner.script("train.py", "import slow, hpo; hpo.report({'loss': 1})")
    assert runner("python", script, metric="loss", timeout=3.0).end["state"] == "finished"
    runner.supervisor.close(10)


def reports_for_ever(config: dict[str, Any]) -> None:
    import hpo

    while True:
        hpo.report({"loss": 2.0, "pid": os.getpid()})
        time.sleep(0.05)


def sleeps(config: dict[str, Any]) -> None:
    time.sleep(60)


@pytest.mark.parametrize("train", [reports_for_ever, sleeps])
def test_a_function_is_ended_and_the_next_one_runs(
    supervisor: Supervisor, spec: Spec, run: Run, train: Callable[..., None]
) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    function = cloudpickle.dumps(train)
    ends = [run(supervisor, spec(function=True, number=n, **LIMITS), function) for n in (1, 2)]
    assert [(end.state, end.kind) for end in ends] == [("failed", "timeout")] * 2
    assert [end.value for end in ends] == [2.0 if train is reports_for_ever else None] * 2


CLASS = """
import time
class Net:
    def step(self):
        time.sleep(PAUSE)
        return {"loss": 2.0}
"""


@pytest.mark.parametrize("pause", [0.05, 60.0])
def test_a_class_is_ended_and_the_next_one_runs(
    supervisor: Supervisor, spec: Spec, run: Run, tmp_path: Path, pause: float
) -> None:
    (tmp_path / "net.py").write_text(CLASS.replace("PAUSE", str(pause)))
    ends = [run(supervisor, spec(trainable="net:Net", number=n, **LIMITS)) for n in (1, 2)]
    assert [(end.state, end.kind) for end in ends] == [("failed", "timeout")] * 2
    assert [end.value for end in ends] == [2.0 if pause < 1 else None] * 2


def test_the_time_of_each_attempt_counts_anew(shared: Supervisor, spec: Spec, run: Run) -> None:
    for attempt in (1, 2):
        it = spec("time.sleep(1.8); log(loss=1)", attempt=attempt, timeout=3.4)
        assert run(shared, it).state == "finished"


def test_a_stop_before_the_time_is_a_stop(shared: Supervisor, spec: Spec) -> None:
    code = "signal.signal(15, lambda *_: (time.sleep(3), sys.exit(0))); log(loss=1); time.sleep(60)"
    shared.start(spec(code, milestones=None, timeout=2.5))
    assert shared.events(60)[0]["event"] == "result"
    shared.stop("stopped")
    assert [(event["state"], event["kind"]) for event in shared.events(10)] == [("stopped", "")]
