from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.launch import ROOT, Supervisor, spawn
from hpo.trial.spec import TrialEnd, TrialSpec

Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
UntilEnd = Callable[[Supervisor], list[dict[str, Any]]]
WaitUntil = Callable[..., None]

SCRIPT = """
import json, os, socket, sys, time, signal
channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
channel.connect(os.environ["HPO_CHANNEL"])
def send(**message):
    channel.sendall(json.dumps(message).encode() + b"\\n")
def log(step=None, **row):
    send(row=row, step=step, time=time.time())
"""


def rows_of(spec: TrialSpec) -> list[dict[str, Any]]:
    lines = (Path(spec.directory) / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def log_of(spec: TrialSpec) -> str:
    path = Path(spec.directory) / "log.txt"
    return path.read_text() if path.exists() else ""


def test_a_trial_from_start_to_end(shared: Supervisor, spec: Spec, run: Run) -> None:
    it = spec(
        "log(loss=0.5, acc=float('nan')); log(step=7, loss=0.25, val={'acc': 1})\n"
        "log(other=1); log(loss=0.75)\n"
        "send(summary={'loss': 0.2}); send(define={'name': 'loss'}); print('bye')"
    )
    begun = time.monotonic()
    end = run(shared, it)
    assert 0 < end.seconds < time.monotonic() - begun
    assert (end.state, end.reason, end.kind, end.exit_code) == ("finished", "", "", 0)
    assert (end.value, end.last, end.iterations, end.rows) == (0.2, 0.2, 3, 4)
    assert end.logged == ["loss", "acc", "val.acc", "other"]
    rows = rows_of(it)
    assert [row.pop("_step") for row in rows] == [0, 7, 8, 9]
    assert all(abs(row.pop("_time") - time.time()) < 60 for row in rows)
    assert (
        str(rows)
        == "[{'loss': 0.5, 'acc': nan}, {'loss': 0.25, 'val': {'acc': 1}}, {'other': 1}, {'loss': 0.75}]"
    )
    assert log_of(it) == "bye\n"
    assert (Path(it.directory) / "params.yaml").read_text() == it.params_text


def test_the_environment_of_a_trial_is_the_specs(shared: Supervisor, spec: Spec, run: Run) -> None:
    run(shared, spec("print(json.dumps(dict(os.environ)), os.getcwd(), sys.path[0])", metric=""))
    it = spec("print(json.dumps(dict(os.environ)))", metric="")
    run(shared, it)
    seen = json.loads(log_of(it).splitlines()[-1])
    assert seen.pop("HPO_CHANNEL").startswith("/tmp/hpo-")
    assert {k: v for k, v in it.env.items() if k not in ("HPO_CHANNEL", "LC_CTYPE")}.items() <= seen.items()


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("raise ValueError('bad lr')", "exit", "exit code 1: ValueError: bad lr"),
        (
            "bytearray(2**60)",
            "oom",
            "out of memory: lower the batch size or hpo.concurrency (exit code 1: MemoryError)",
        ),
        ("print('no disk'); sys.exit(3)", "exit", "exit code 3: no disk"),
        ("os.kill(os.getpid(), 9)", "signal", "killed by SIGKILL (often: out of memory)"),
        (
            "log(**{'val/loss': 1})",
            "no metric",
            "never logged 'loss'; it logged: val/loss; did you mean 'val/loss'?",
        ),
        ("log(Loss=1)", "no metric", "never logged 'loss'; it logged: Loss; did you mean 'Loss'?"),
        ("log(loss=float('nan'))", "nan", "'loss' was never a finite number (only NaN or infinity)"),
    ],
)
def test_failures_have_a_reason(
    shared: Supervisor, spec: Spec, code: str, kind: str, reason: str, run: Run
) -> None:
    end = run(shared, spec(code))
    assert (end.state, end.kind, end.reason) == ("failed", kind, reason)


def test_a_failed_trial_shows_the_end_of_its_log(shared: Supervisor, spec: Spec, run: Run) -> None:
    it = spec("print('\\n'.join(map(str, range(100)))); sys.exit(1)")
    assert run(shared, it).log_tail == [str(i) for i in range(80, 100)]
    again = spec("sys.exit(2)", attempt=2)
    end = run(shared, again)
    assert (end.reason, end.log_tail) == ("exit code 2", [])  # not the log of the attempt before
    assert log_of(it).startswith("0\n")
    assert rows_of(it) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"argv": ["no-such-program"]}, "command not found: no-such-program (not on PATH)"),
        ({"cwd": "/no/where"}, "the working directory does not exist: /no/where"),
        ({"env": {"A=B": "x"}}, "illegal environment variable name"),
        ({"directory": "/proc/no"}, "No such file or directory: '/proc/no'"),
    ],
)
def test_what_cannot_start_fails_and_the_next_trial_runs(
    shared: Supervisor, spec: Spec, changes: dict[str, Any], reason: str, run: Run
) -> None:
    end = run(shared, spec(**changes))
    assert (end.state, end.kind, end.exit_code) == ("failed", "start", None)
    assert reason in end.reason
    assert run(shared, spec("log(loss=1)", number=2)).state == "finished"


def test_a_function_trial_without_its_function_fails(spec: Spec, run: Run) -> None:
    slot = spawn()
    assert run(slot, spec(function=True)).reason == "the trial's function did not arrive"
    slot.close(5)


def test_a_trial_given_ahead_waits_for_the_one_before(
    shared: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    shared.start(spec("log(loss=1); time.sleep(60)"))
    shared.start(spec("log(loss=2)", number=2))
    shared.stop("stopped", 1)
    assert (until_end(shared)[-1]["trial"], until_end(shared)[-1]["trial"]) == (1, 2)


def test_a_trial_that_waits_can_be_taken_back(shared: Supervisor, spec: Spec, until_end: UntilEnd) -> None:
    second = spec("log(loss=2)", number=2)
    shared.start(spec("log(loss=1); time.sleep(60)"))
    shared.start(second)
    shared.stop("interrupted", 2)
    taken_back = until_end(shared)[-1]
    assert (taken_back["trial"], taken_back["state"]) == (2, "interrupted")
    assert not Path(second.directory).exists()
    shared.stop("stopped", 1)
    assert until_end(shared)[-1]["trial"] == 1


def test_a_stop_that_comes_too_late_does_not_hit_the_next_trial(
    shared: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    shared.start(spec("log(loss=1)"))
    shared.start(spec("time.sleep(0.5); log(loss=2)", number=2))
    assert until_end(shared)[-1]["trial"] == 1
    shared.stop("stopped", 1)
    assert until_end(shared)[-1]["state"] == "finished"


def test_all_processes_of_a_trial_may_report(shared: Supervisor, spec: Spec, run: Run) -> None:
    child = SCRIPT + "log(loss=int(sys.argv[1]))"
    code = "import subprocess\nfor i in (3, 1, 2):\n"
    code += f"  subprocess.run([sys.executable, '-S', '-c', {child!r}, str(i)])"
    end = run(shared, spec(code))
    assert (end.iterations, end.value, end.last) == (3, 1, 2)


def test_broken_reports_do_no_harm(shared: Supervisor, spec: Spec, run: Run) -> None:
    code = (
        "send(row=3); send(nothing=1); send(summary=[1]); channel.sendall(b'{\\n'); log(step='x', loss=1)\n"
        "send(row={'loss': 2, '_step': 'mine'}, time='t')"
    )
    it = spec(code)
    end = run(shared, it)
    assert (end.state, end.iterations) == ("finished", 2)
    assert [row["_step"] for row in rows_of(it)] == [0, 1]
    assert log_of(it) == "hpo: a report that is no JSON object was dropped\n"


def test_the_json_file_of_the_parameters(shared: Supervisor, spec: Spec, tmp_path: Path, run: Run) -> None:
    path = str(tmp_path / "0001" / "args.json")
    it = spec(config={"b": 2.0, "a": [1]}, argv=["cat", path], metric="")
    assert run(shared, it).state == "finished"
    assert log_of(it) == '{"a": [1], "b": 2}'
    run(shared, spec(number=2, argv=["true"], metric=""))
    assert not (tmp_path / "0002" / "args.json").exists()


def test_ten_thousand_rows_cost_ten_times_what_a_thousand_cost(
    shared: Supervisor, spec: Spec, run: Run
) -> None:
    def seconds(count: int, number: int) -> float:
        it = spec(f"for i in range({count}): log(loss=i / 7, acc=0.5)", goal="maximize", number=number)
        begun = time.monotonic()
        end = run(shared, it)
        taken = time.monotonic() - begun
        assert (end.rows, end.iterations, end.value) == (count, count, (count - 1) / 7)
        assert [row["_step"] for row in rows_of(it)] == list(range(count))
        return taken

    assert any(seconds(10_000, turn) < 20 * seconds(1000, turn + 1) for turn in (1, 3, 5))


def test_a_slow_slot_does_not_hold_the_trial_up(
    shared: Supervisor, spec: Spec, until_end: UntilEnd, wait_until: WaitUntil
) -> None:
    it = spec(
        "for i in range(5000): log(loss=i)\nopen(os.environ['HPO_TRIAL_DIR'] + '/done', 'w')", milestones=None
    )
    shared.start(it)
    wait_until((Path(it.directory) / "done").exists)
    events = until_end(shared)
    assert [e.get("iteration") for e in events] == [*range(1, 5001), None]


def test_importing_the_supervisor_loads_little(run: Run) -> None:
    code = "import sys, hpo.trial.supervisor; print(len(sys.modules), *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=True,
    )
    count, *names = done.stdout.split()
    assert int(count) < 130
    assert not {"tempfile", "shutil", "difflib", "asyncio", "logging", "cloudpickle"} & set(names)
