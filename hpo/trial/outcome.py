"""How a trial's process ended and what it logged → TrialEnd, with a reason that a person can act on."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import replace

from hpo.trial.objective import Objective
from hpo.trial.spec import Kind, State, TrialEnd
from hpo.trial.telling import REASON, last_exception, telling_line

TAIL_LINES = 20
SHOWN = 10
"""So many metric names are listed in a reason."""

LATE = "killed: it did not end in time after SIGTERM"

_MEANING: dict[int, str] = {
    signal.SIGKILL: "often: out of memory",
    signal.SIGBUS: "often: /dev/shm or the disk is full",
}
_CRASHES = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
"""Signals by which a process ends itself, often with a word why."""
_CHILD_KILLED = re.compile(r"killed by signal: Killed|BrokenProcessPool|SIGKILL|exit(ed with)? code:? -9")
"""How Python's and torch's worker pools tell that a process of theirs was killed."""
_ABORT = re.compile(
    r"\s*(terminate called after throwing.*|what\(\): .*|libc\+\+abi: .*|.{0,200}\bAssertion `.*' failed\b.*"
    r"|F\d{4} [\d:.]+ .*\] .*|.{0,200}\bCheck failed: .*|\*\*\* .* detected \*\*\*.*"
    r"|double free or corruption.*"
    r"|corrupted (size|double-linked).*"
    r"|\w+\(\): (invalid|corrupted|memory|mismatching|unaligned|largebin|unsorted).*"
    r"|pure virtual method called|thread '.*' panicked at .*)"
)
"""What C++, the C library, glog and Rust say before they abort."""
_FATAL = re.compile(r"Fatal Python error: .*")
_INNERMOST = re.compile(r'\s+(File ".*", line \d+ in .*)')


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_CAUSES: list[tuple[Kind, re.Pattern[str], str]] = [
    (
        "cuda",
        _any(
            r"(CUDA|HIP|XPU|MPS|GPU)\b.*out of memory",
            r"torch\.(cuda\.)?OutOfMemoryError|cupy\S*OutOfMemoryError",
            r"cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED",
            r"RESOURCE_EXHAUSTED: Out of memory|OOM when allocating tensor.*GPU",
        ),
        "out of GPU memory: lower the batch size, or raise hpo.resources.gpu",
    ),
    (
        "cuda",
        _any(r"device-side assert"),
        "a bad value in GPU code, often a label or index out of range: CUDA_LAUNCH_BLOCKING=1 tells where",
    ),
    (
        "cuda",
        _any(r"Cannot re-initialize CUDA in forked subprocess"),
        "CUDA was used before a fork: start worker processes by «spawn»",
    ),
    (
        "cuda",
        _any(
            r"No CUDA GPUs are available|[Nn]o CUDA-capable device|CUDA_ERROR_NO_DEVICE|no NVIDIA driver",
            r"CUDA driver (initialization|version)|busy or unavailable|not compiled with CUDA",
        ),
        "no usable GPU: look at hpo.resources.gpu, and at nvidia-smi on its node",
    ),
    (
        "cuda",
        _any(r"NCCL.*[Ee]rror|\bnccl\w*Error|DistBackendError"),
        "the GPUs could not talk to each other: NCCL_DEBUG=INFO tells more",
    ),
    (
        "cuda",
        _any(
            r"\b(CUDA|cuDNN|cuBLAS|cuFFT|cuSOLVER|cuSPARSE|HIP|MIOpen)( \w+)? error\b",
            r"\b(CUDNN|CUBLAS|CUFFT|CUSOLVER|CUSPARSE)_STATUS_|CUDA_ERROR_|cudaError|CUDARuntimeError",
        ),
        "a CUDA error: if it stays with one node, its GPU may be at fault",
    ),
    (
        "oom",
        _any(r"out of shared memory|No space left on device.*torch_"),
        "out of shared memory: fewer data loader workers, or a larger /dev/shm",
    ),
    (
        "oom",
        _any(
            r"^([\w.]+\.)?_?(Array)?MemoryError\b|OutOfMemoryError: Java",
            r"std::bad_alloc|[Cc]annot allocate memory|can't allocate memory|not enough memory",
        ),
        "out of memory: lower the batch size or hpo.concurrency",
    ),
]
KILLED = "out of memory, ended by the kernel: lower hpo.concurrency, or ask for more memory"
"""Said of a trial whose processes the kernel's out-of-memory killer has ended."""


def outcome(
    objective: Objective,
    status: int,
    *,
    stopped: State | None,
    seconds: float,
    log: Sequence[str],
    began: float | None = None,
    timeout: float | None = None,
    oom_killed: bool = False,
    elsewhere: int | None = None,
) -> TrialEnd:
    """The end of a trial whose leader left `status` (an exit code, or minus a signal).

    `stopped` is the state that was asked for while it still ran; it then holds whatever the status.
    `timeout` is given where it was ended since it ran longer than so many seconds, `oom_killed` says that the
    kernel's out-of-memory killer struck meanwhile. `elsewhere` is the rank, other than 0, that logged the
    objective which is lacking.
    """
    code, number = (status, None) if status >= 0 else (None, -status)
    end = TrialEnd(
        state="finished",
        exit_code=code,
        signal=number,
        value=objective.best,
        values={name: value for name, value in objective.values.items() if value is not None},
        last=objective.last,
        iterations=objective.iterations,
        rows=objective.rows,
        began=began,
        seconds=round(seconds, 4),
        logged=objective.logged,
    )
    if stopped:
        return replace(end, state=stopped, reason=LATE if number == signal.SIGKILL else "")
    if timeout is not None:
        late = f"; {LATE}" if number == signal.SIGKILL else ""
        reason = f"ran longer than hpo.trial_timeout ({timeout:g} s){late}"
        end = replace(end, state="failed", kind="timeout", reason=reason)
    elif status:
        kind, reason = _failure(status, log, oom_killed)
        end = replace(end, state="failed", kind=kind, reason=reason)
    elif missing := lacking(objective):
        kind, reason = _without_metric(missing, elsewhere)
        end = replace(end, state="failed", kind=kind, reason=reason)
    return replace(end, log_tail=list(log[-TAIL_LINES:])) if end.state == "failed" else end


def lacking(objective: Objective) -> Objective | None:
    """The first objective that was asked for and has no value; None where all have one."""
    wanted = (one for one in (objective, *objective.beside) if one.name)
    return next((one for one in wanted if one.best is None), None)


def not_started(reason: str) -> TrialEnd:
    """The end of a trial that never was."""
    return TrialEnd(state="failed", kind="start", reason=reason)


def alike(reason: str) -> str:
    """What failures have in common that differ in numbers only."""
    return re.sub(r"[\d.]+(e[-+]?\d+)?|0x[0-9a-f]+", "#", reason)


def _failure(status: int, log: Sequence[str], oom_killed: bool) -> tuple[Kind, str]:
    """The kind and reason of a status that is not 0."""
    kind: Kind = "exit" if status > 0 else "signal"
    by = -status if status < 0 else status - 128  # a shell tells so of a killed child
    line = _crash_line(log, by == signal.SIGABRT) if by in _CRASHES else ""
    if status < 0:
        line = line or last_exception(log)  # of a rank, whose launcher then kills all
        meaning = f" ({_MEANING[by]})" if by in _MEANING else ""
        reason = f"killed by {_signal_name(by)}{meaning}"
    else:
        line = line or telling_line(log)
        reason = f"exit code {status}"
        if by in {s.value for s in signal.Signals}:
            reason += f" ({', '.join(filter(None, [_signal_name(by), _MEANING.get(by)]))})"
    reason = f"{reason}: {line}" if line else reason
    if oom_killed and (by == signal.SIGKILL or _CHILD_KILLED.search(line)):
        return "oom", f"{KILLED} ({reason})".replace(f" ({_MEANING[signal.SIGKILL]})", "")
    if found := _cause(line):
        return found[0], f"{found[1]} ({reason})"
    return kind, reason


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _without_metric(objective: Objective, elsewhere: int | None) -> tuple[Kind, str]:
    name = objective.name
    if objective.had_nan:
        return "nan", f"'{name}' was never a finite number (only NaN or infinity)"
    if objective.odd_type:
        return "no metric", f"'{name}' was logged, but as {objective.odd_type}, not as a number"
    logged = objective.logged
    if elsewhere is not None:
        return "no metric", f"'{name}' was logged by rank {elsewhere}, but only what rank 0 reports counts"
    if not logged:
        return "no metric", f"never logged '{name}'; it logged nothing"
    more = f" and {len(logged) - SHOWN} more" if len(logged) > SHOWN else ""
    names = ", ".join(n if n == n.strip() else repr(n) for n in logged[:SHOWN])
    close = closest(name, logged)
    hint = f"; did you mean '{close}'?" if close else ""
    return "no metric", f"never logged '{name}'; it logged: {names}{more}{hint}"


def closest(name: str, logged: Sequence[str]) -> str:
    """The logged name that was probably meant: equal but for blanks, case and separators, else near."""
    from difflib import get_close_matches  # only a failed trial needs it

    plain = {re.sub(r"[\s/._\-]+", "", n).lower(): n for n in reversed(logged)}
    word = re.sub(r"[\s/._\-]+", "", name).lower()
    near = get_close_matches(word, plain, cutoff=0.7)
    return plain[near[0]] if near else ""


def _crash_line(log: Sequence[str], aborted: bool) -> str:
    """What was said before a crash: by what aborted, else by Python; else nothing."""
    found = [match[1] for line in log if aborted and (match := _ABORT.match(line))]
    if found:
        return found[-1].strip()[:REASON]
    at = next((i for i in reversed(range(len(log))) if _FATAL.match(log[i])), len(log))
    where = next((match[1] for line in log[at:] if (match := _INNERMOST.match(line))), "")
    return ", ".join(filter(None, [*log[at : at + 1], where]))[:REASON]


def _cause(line: str) -> tuple[Kind, str] | None:
    """`oom` or `cuda`, and what a person can do, for a line that tells of memory or of a GPU; else None."""
    return next(((kind, hint) for kind, pattern, hint in _CAUSES if pattern.search(line)), None)
