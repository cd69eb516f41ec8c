"""The line that tells why a trial failed → whether that is memory or a GPU, with what helps."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hpo.trial.spec import Kind
from hpo.trial.telling import REASON

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


def crash_line(log: Sequence[str], aborted: bool) -> str:
    """What was said before a crash: by what aborted, else by Python; else nothing."""
    found = [match[1] for line in log if aborted and (match := _ABORT.match(line))]
    if found:
        return found[-1].strip()[:REASON]
    at = next((i for i in reversed(range(len(log))) if _FATAL.match(log[i])), len(log))
    where = next((match[1] for line in log[at:] if (match := _INNERMOST.match(line))), "")
    return ", ".join(filter(None, [*log[at : at + 1], where]))[:REASON]


def cause(line: str) -> tuple[Kind, str] | None:
    """`oom` or `cuda`, and what a person can do, for a line that tells of memory or of a GPU; else None."""
    return next(((kind, hint) for kind, pattern, hint in _CAUSES if pattern.search(line)), None)
