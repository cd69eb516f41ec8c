"""How often the kernel's out-of-memory killer has struck among the processes of this one's cgroup."""

from __future__ import annotations

import contextlib
import os
from functools import cache

ROOT = "/sys/fs/cgroup"


def oom_kills(proc: str = "/proc/self/cgroup", root: str = ROOT) -> int | None:
    """The counter of this process's cgroup, v2 or v1; None where there is none to be read.

    All trials of a slot share its cgroup, perhaps also those of other slots: that it rose while a trial ran
    and was killed says why in all likelihood.
    """
    for path in _files(proc, root):
        with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            counts = dict(line.split()[:2] for line in file if len(line.split()) == 2)
            if "oom_kill" in counts:
                return int(counts["oom_kill"])
    return None


@cache
def _files(proc: str, root: str) -> list[str]:
    """Where the counter may stand, the likeliest first: in a container the paths are those of outside."""
    try:
        with open(proc, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    found = []
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if "memory" in controllers.split(","):
            found += [f"{root}/memory{place}/memory.oom_control" for place in (path.rstrip("/"), "")]
        elif not controllers:
            found += [f"{root}{place}/memory.events" for place in (path.rstrip("/"), "")]
    return [path for path in dict.fromkeys(found) if os.path.exists(path)]
