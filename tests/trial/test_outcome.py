from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.cgroup import oom_kills
from hpo.trial.objective import Objective
from hpo.trial.outcome import closest, not_started, outcome
from hpo.trial.spec import State, TrialEnd, TrialSpec
from hpo.trial.telling import telling_line


def end_of(
    status: int,
    rows: list[dict[str, Any]],
    log: list[str] | None = None,
    metric: str = "loss",
    stopped: State | None = None,
) -> TrialEnd:
    objective = Objective(metric, "minimize")
    for row in rows:
        objective.add_row(row)
    return outcome(objective, status, stopped=stopped, seconds=1.23456, log=log or [])


def test_finished() -> None:
    end = end_of(0, [{"loss": 2}, {"loss": 1}, {"loss": 3, "acc": 1}], log=["bye"])
    assert end == TrialEnd(
        "finished", exit_code=0, value=1, last=3, iterations=3, rows=3, seconds=1.2346, logged=["loss", "acc"]
    )


def test_finished_without_a_metric_in_the_sweep() -> None:
    assert end_of(0, [], metric="") == TrialEnd("finished", exit_code=0, seconds=1.2346)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (1, "exit", "exit code 1: last words"),
        (137, "exit", "exit code 137 (SIGKILL, often: out of memory): last words"),
        (255, "exit", "exit code 255: last words"),
        (-9, "signal", "killed by SIGKILL (often: out of memory)"),
        (-11, "signal", "killed by SIGSEGV"),
        (-63, "signal", "killed by signal 63"),
        (-7, "signal", "killed by SIGBUS (often: /dev/shm or the disk is full)"),
    ],
)
def test_failed(status: int, kind: str, reason: str) -> None:
    end = end_of(status, [{"loss": 2}], log=["x"] * 30 + ["last words"])
    assert (end.state, end.kind, end.reason, end.value) == ("failed", kind, reason, 2)
    assert (end.exit_code, end.signal) == ((status, None) if status > 0 else (None, -status))
    assert end.log_tail == ["x"] * 19 + ["last words"]


@pytest.mark.parametrize("status", [0, 1, -15])
@pytest.mark.parametrize("state", ["stopped", "interrupted"])
def test_a_stop_that_was_asked_for_is_no_failure(state: State, status: int) -> None:
    end = end_of(status, [], stopped=state)
    assert (end.state, end.kind, end.reason) == (state, "", "")


def test_a_stop_that_had_to_kill_says_so() -> None:
    assert end_of(-9, [], stopped="stopped").reason == "killed: it did not end in time after SIGTERM"


@pytest.mark.parametrize(
    ("metric", "row", "kind", "reason"),
    [
        ("loss", {}, "no metric", "never logged 'loss'; it logged nothing"),
        ("val_loss", {"a": 1, "b": 2}, "no metric", "never logged 'val_loss'; it logged: a, b"),
        ("val_acc", {"val/acc": 1}, "no metric", "it logged: val/acc; did you mean 'val/acc'?"),
        ("vall_los", {"val": {"loss": 1}}, "no metric", "it logged: val.loss; did you mean 'val.loss'?"),
        ("acc ", {"acc": 1}, "no metric", "never logged 'acc '; it logged: acc; did you mean 'acc'?"),
        ("acc", {"acc ": 1}, "no metric", "never logged 'acc'; it logged: 'acc '; did you mean 'acc '?"),
        ("loss", {"loss": math.nan}, "nan", "'loss' was never a finite number (only NaN or infinity)"),
        ("loss", {"loss": "0.1"}, "no metric", "'loss' was logged, but as str, not as a number"),
    ],
)
def test_ended_well_but_without_the_objective(
    metric: str, row: dict[str, Any], kind: str, reason: str
) -> None:
    end = end_of(0, [row], metric=metric)
    assert (end.state, end.kind) == ("failed", kind)
    assert end.reason.endswith(reason)


def test_many_names_are_cut() -> None:
    reason = end_of(0, [{f"k{i}": 1 for i in range(25)}]).reason
    assert reason.endswith("k8, k9 and 15 more")


def test_close_names() -> None:
    assert closest("Val Acc", ["train/acc", "val_acc", "val-acc"]) == "val_acc"
    assert closest("eval/loss", ["train/acc"]) == ""
    assert closest("x", []) == ""


TRACEBACK = ["Traceback (most recent call last):", '  File "t.py", line 1, in <module>', "    f()", "    ~^^"]


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ([], ""),
        (["epoch 1", "  bye "], "bye"),
        ([*TRACEBACK, "ValueError: bad lr", "wandb: done"], "ValueError: bad lr"),
        ([*TRACEBACK, "KeyError: 'a'", "During handling…", *TRACEBACK, "pkg.mod.Error"], "pkg.mod.Error"),
        (["[rank1]: " + line for line in [*TRACEBACK, "RuntimeError: oom"]], "RuntimeError: oom"),
        ([*TRACEBACK[:2]], 'File "t.py", line 1, in <module>'),
        (['  File "t.py", line 1', "    if x", "SyntaxError: expected ':'"], "SyntaxError: expected ':'"),
        (["python: can't open file 't.py': [Errno 2]"], "python: can't open file 't.py': [Errno 2]"),
        ([*TRACEBACK, "ValueError: " + "x" * 999], "ValueError: " + "x" * 288),
        (
            [*TRACEBACK, "ValueError: bad", "W0102", *TRACEBACK, "torch.x.ChildFailedError: "],
            "ValueError: bad",
        ),
        ([*TRACEBACK, "ChildFailedError:"], "ChildFailedError:"),
    ],
)
def test_the_line_that_tells_why(log: list[str], line: str) -> None:
    assert telling_line(log) == line


@pytest.mark.parametrize(
    ("kind", "hint", "line"),
    [
        ("oom", "lower the batch size", "MemoryError"),
        (
            "oom",
            "lower the batch size",
            "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7 TiB",
        ),
        ("oom", "lower the batch size", "OSError: [Errno 12] Cannot allocate memory"),
        (
            "oom",
            "lower the batch size",
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory",
        ),
        ("oom", "/dev/shm", "RuntimeError: DataLoader worker is killed: workers are out of shared memory."),
        ("cuda", "out of GPU memory", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"),
        (
            "cuda",
            "out of GPU memory",
            "jaxlib.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 9",
        ),
        ("cuda", "out of GPU memory", "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"),
        (
            "cuda",
            "CUDA_LAUNCH_BLOCKING=1",
            "torch.AcceleratorError: CUDA error: device-side assert triggered",
        ),
        (
            "cuda",
            "its GPU may be at fault",
            "RuntimeError: CUDA error: an illegal memory access was encountered",
        ),
        ("cuda", "its GPU may be at fault", "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        (
            "cuda",
            "NCCL_DEBUG",
            "torch.distributed.DistBackendError: NCCL error in: x.cpp:1, unhandled system error",
        ),
        ("cuda", "no usable GPU", "RuntimeError: No CUDA GPUs are available"),
        ("cuda", "«spawn»", "RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA"),
        ("exit", "", "ValueError: expected a batch on the CPU, found CUDA: memory is not pinned"),
        ("exit", "", "KeyError: 'MemoryError'"),
    ],
)
def test_memory_and_gpus_are_told_apart_from_other_failures(kind: str, hint: str, line: str) -> None:
    end = end_of(1, [{"loss": 2}], log=[*TRACEBACK, line, "wandb: done"])
    assert (end.state, end.kind, end.exit_code, end.value) == ("failed", kind, 1, 2)
    assert hint in end.reason
    assert f"exit code 1: {line}" in end.reason
    assert end_of(0, [{"loss": 2}], log=[*TRACEBACK, line]).kind == ""


def test_an_abort_is_told_by_its_last_words() -> None:
    log = [
        "epoch 1",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "  what():  std::bad_alloc",
    ]
    for status in (-6, 134):
        end = end_of(status, [{"loss": 2}], log=[*log, "Aborted"])
        assert end.kind == "oom"
        assert end.reason.endswith(": what():  std::bad_alloc)")
    assert end_of(-6, [], log=["  what():  CUDA error: unspecified launch failure"]).kind == "cuda"
    assert end_of(-11, [], log=log).kind == "signal"  # what a segmentation fault follows is not its cause


FAULT = [
    "Fatal Python error: Segmentation fault",
    "Current thread 0x00007f (most recent call first):",
    '  File "train.py", line 5 in step',
    '  File "train.py", line 9 in <module>',
]


@pytest.mark.parametrize(
    ("status", "log", "reason"),
    [
        (-11, FAULT, f"killed by SIGSEGV: {FAULT[0]}, {FAULT[2].strip()}"),
        (139, FAULT, f"exit code 139 (SIGSEGV): {FAULT[0]}, {FAULT[2].strip()}"),
        (-6, ["malloc(): corrupted top size"], "killed by SIGABRT: malloc(): corrupted top size"),
        (-6, ["double free or corruption (out)"], "killed by SIGABRT: double free or corruption (out)"),
        (
            -6,
            ["t: a.cc:12: f(): Assertion `n' failed."],
            "killed by SIGABRT: t: a.cc:12: f(): Assertion `n' failed.",
        ),
        (
            -6,
            ["F1130 12:00:00.0 7 t.py:3] no data", *FAULT],
            "killed by SIGABRT: F1130 12:00:00.0 7 t.py:3] no data",
        ),
        (
            -9,
            [
                "[rank1]: Traceback (most recent call last):",
                '[rank1]:   File "t.py"',
                "[rank1]: ValueError: bad",
            ],
            "killed by SIGKILL (often: out of memory): ValueError: bad",  # the launcher killed the others
        ),
    ],
)
def test_a_crash_is_told_by_what_was_said_before_it(status: int, log: list[str], reason: str) -> None:
    assert end_of(status, [], log=["epoch 1", *log]).reason == reason


@pytest.mark.parametrize(
    ("status", "line", "kind"),
    [
        (-9, "epoch 1", "oom"),
        (137, "Killed", "oom"),
        (1, "RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed. ", "oom"),
        (1, "concurrent.futures.process.BrokenProcessPool: A process in the process pool was", "oom"),
        (-15, "epoch 1", "signal"),
        (1, "ValueError: bad lr", "exit"),
    ],
)
def test_a_kill_while_the_kernel_was_out_of_memory(status: int, line: str, kind: str) -> None:
    end = outcome(Objective("loss", "minimize"), status, stopped=None, seconds=1, log=[line], oom_killed=True)
    assert end.kind == kind
    assert ("ended by the kernel" in end.reason) == (kind == "oom")
    assert end_of(status, [], log=[line]).kind in ("exit", "signal")


def test_a_trial_that_ran_for_too_long_has_failed_with_the_values_it_had() -> None:
    objective = Objective("loss", "minimize")
    objective.add_row({"loss": 2})
    for status in (0, 1, -15, -9):
        end = outcome(objective, status, stopped=None, seconds=1, log=["epoch 1"], timeout=90)
        assert (end.state, end.kind, end.value, end.log_tail) == ("failed", "timeout", 2, ["epoch 1"])
        assert end.reason.startswith("ran longer than hpo.trial_timeout (90 s)")
        assert ("after SIGTERM" in end.reason) == (status == -9)


V2 = "low 0\nhigh 0\nmax 4\noom 4\noom_kill 3\n"
V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"


@pytest.mark.parametrize(
    ("cgroup", "files", "kills"),
    [
        ("0::/slurm/job_1\n", {"slurm/job_1/memory.events": V2, "memory.events": V2}, 3),
        ("0::/outside/of/the/container\n", {"memory.events": V2}, 3),
        ("4:memory:/job\n1:cpu:/\n0::/\n", {"memory/job/memory.oom_control": V1}, 2),
        ("4:cpu,memory:/outside\n", {"memory/memory.oom_control": V1}, 2),
        ("0::/\n", {}, None),
    ],
)
def test_the_kernels_kills_are_counted(
    tmp_path: Path, cgroup: str, files: dict[str, str], kills: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "cgroup").write_text(cgroup)
    assert oom_kills(str(tmp_path / "cgroup"), str(tmp_path)) == kills


def test_records_travel_as_plain_data() -> None:
    spec = TrialSpec(1, 1, ["a"], "/", {"A": "b"}, "/d", "", {"lr": 1}, milestones=[1], target=0.0)
    assert TrialSpec.from_dict(spec.to_dict()) == spec
    end = not_started("no such file: x")
    assert TrialEnd.from_dict({"event": "end", "trial": 3, **end.to_dict()}) == end
    assert (end.state, end.kind) == ("failed", "start")


def test_several_objectives_have_their_last_finite_values() -> None:
    objective = Objective("loss", "minimize", beside=["net.size"])
    for row in ({"loss": 1.0, "net": {"size": 5}}, {"loss": 3.0}, {"loss": math.nan, "net.size": 7}):
        objective.add_row(row)
    end = outcome(objective, 0, stopped=None, seconds=1.0, log=[])
    assert (end.state, end.value, end.last, end.iterations) == ("finished", 1.0, 3.0, 2)
    assert end.values == {"loss": 3.0, "net.size": 7}
    objective.add_summary({"net.size": 8})
    assert outcome(objective, 0, stopped=None, seconds=1.0, log=[]).values["net.size"] == 8


def test_a_trial_that_lacks_one_of_several_objectives_failed() -> None:
    objective = Objective("loss", "minimize", beside=["size", "speed"])
    objective.add_row({"loss": 1.0, "size": 2, "sped": 3})
    end = outcome(objective, 0, stopped=None, seconds=1.0, log=[])
    assert (end.state, end.kind, end.values) == ("failed", "no metric", {"loss": 1.0, "size": 2})
    assert end.reason == "never logged 'speed'; it logged: loss, size, sped; did you mean 'sped'?"
    assert outcome(objective, 0, stopped="stopped", seconds=1.0, log=[]).state == "stopped"
