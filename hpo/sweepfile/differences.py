"""Two versions of a sweep → what differs, and whether a run that is under way can take it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HARMLESS = (
    "name",
    "description",
    "project",
    "entity",
    "controller",
    "run_cap",
    "hpo.concurrency",
    "hpo.resources",
    "hpo.time_budget",
    "hpo.trial_timeout",
    "hpo.max_failures",
    "hpo.kill_grace",
    "hpo.preload",
    "hpo.gpu_memory_fraction",
    "hpo.checkpoint",
    "hpo.trial_files",
    "hpo.tensorboard",
    "hpo.slurm",
    "hpo.wandb",
)
"""Keys, and all below them, that change neither what is searched nor how trials are judged."""
NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """One key whose value is not the same."""

    key: str
    """From the top, joined by dots."""
    before: str
    after: str
    harmless: bool

    def __str__(self) -> str:
        return f"{self.key}: {self.before} → {self.after}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What differs between two sweeps, in the order of the newer one."""
    old, new = dict(_flat(before)), dict(_flat(after))
    keys = [*new, *(key for key in old if key not in new)]
    return [
        Difference(".".join(key), old.get(key, NOTHING), new.get(key, NOTHING), _harmless(key))
        for key in keys
        if old.get(key) != new.get(key)
    ]


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _flat(below, (*path, str(key)))
    else:
        yield path, json.dumps(value, ensure_ascii=False, default=str)


def _harmless(key: tuple[str, ...]) -> bool:
    return any(key[: len(prefix)] == prefix for prefix in (tuple(name.split(".")) for name in HARMLESS))
