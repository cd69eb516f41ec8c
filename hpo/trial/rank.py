"""The environment that a launcher gives to each process of a trial → the rank of this one.

torchrun, accelerate, deepspeed, Lightning, srun and MPI number the processes of a training, and only rank 0
reports for all. `hpo` itself may run under one of them: what it has inherited says nothing of a trial.
Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

OUTER = "HPO_OUTER_RANK"
"""Environment variable with those of the variables below, as JSON, that were there before the trial."""
_RENDEZVOUS = ("WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")
RANKS: dict[str, tuple[str, ...]] = {
    "RANK": ("LOCAL_RANK", *_RENDEZVOUS),
    "LOCAL_RANK": _RENDEZVOUS,
    "OMPI_COMM_WORLD_RANK": (
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_MCA_ess_base_jobid",
        "OMPI_FILE_LOCATION",
        "PMIX_NAMESPACE",
    ),
    "PMIX_RANK": ("PMIX_NAMESPACE", "PMIX_SERVER_URI2", "PMIX_SERVER_URI41"),
    "PMI_RANK": ("PMI_SIZE", "PMI_FD", "PMI_ID", "PMI_JOBID", "HYDI_CONTROL_FD", "MPI_LOCALRANKID"),
    "MV2_COMM_WORLD_RANK": ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK", "MPISPAWN_ID", "PMI_ID"),
    "HOROVOD_RANK": ("HOROVOD_SIZE", "HOROVOD_LOCAL_RANK", "HOROVOD_CONTROLLER", "HOROVOD_RENDEZVOUS_PORT"),
    "PALS_RANKID": ("PALS_APID", "PALS_LOCAL_RANKID", "PALS_SPOOL_DIR"),
    "JSM_NAMESPACE_RANK": ("JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_LOCAL_RANK", "JSM_JSRUN_PID"),
    "FLUX_TASK_RANK": ("FLUX_JOB_ID", "FLUX_JOB_SIZE", "FLUX_TASK_LOCAL_ID"),
    "SLURM_PROCID": ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_STEPID", "SLURM_TASK_PID"),
}
"""Variable with a rank → what the same launcher sets beside it: a trial's launcher may give a process the
very rank that was there before. The first that counts is taken: mpirun under Slurm starts its processes by
one srun a node, whose number is no rank of theirs."""
NODES = ("GROUP_RANK", "NODE_RANK")
"""Where LOCAL_RANK counts from, by torchrun and by Lightning."""
PAUSE = 0.001
"""Seconds between two looks for torch's group: to make one takes longer, and rows may come faster."""
NAMES = frozenset(RANKS).union(NODES, *RANKS.values())


def outer(environ: Mapping[str, str]) -> dict[str, str]:
    """What a trial is to know of the environment that it inherits: nothing where that says of no rank."""
    found = {name: environ[name] for name in sorted(NAMES & environ.keys())}
    return {OUTER: json.dumps(found)} if found else {}


def told(environ: Mapping[str, str]) -> int | None:
    """The rank that the trial's own launcher gave to a process with this environment; None: none did."""
    before: dict[str, str] = json.loads(environ.get(OUTER) or "{}")
    ranks = {name: rank for name in RANKS if (rank := _number(environ.get(name))) is not None}

    def anew(name: str) -> bool:
        return name in environ and environ[name] != before.get(name)

    for name in (*filter(anew, ranks), *(name for name in ranks if any(map(anew, RANKS[name])))):
        return ranks[name] + (_below(environ, anew) if name == "LOCAL_RANK" else 0)
    return None


def _below(environ: Mapping[str, str], anew: Callable[[str], bool]) -> int:
    """The ranks on the nodes before this one, whose number says nothing where it was there before."""
    node = next((environ[name] for name in NODES if anew(name)), None)
    return (_number(node) or 0) * (_number(environ.get("LOCAL_WORLD_SIZE")) or 1)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


class Rank:
    """The rank of this process. What the environment says is read once, at its first report.

    Without a variable, as with `torch.multiprocessing.spawn`, torch's own group says it, once there is one.
    """

    def __init__(self) -> None:
        self._rank: int | None = None
        self._read = self._settled = False
        self._next = 0.0
        """When to look again for torch's group."""

    def other(self) -> int | None:
        """The rank where it is another one than 0, so that this process's rows do not count; else None."""
        if not self._settled and (now := time.monotonic()) >= self._next:
            self._next = now + PAUSE
            self._look()
        return self._rank or None

    def _look(self) -> None:
        if not self._read:
            self._rank, self._read = told(os.environ), True
            self._settled = bool(self._rank)
        group = sys.modules.get("torch.distributed")
        if group is not None and not self._settled and _has_begun(group):
            self._rank, self._settled = group.get_rank(), True


def _has_begun(group: Any) -> bool:
    """Whether torch's default group is there; a torch that was built without them lacks the very question."""
    begun = getattr(group, "is_initialized", None)
    return begun is not None and bool(begun())
