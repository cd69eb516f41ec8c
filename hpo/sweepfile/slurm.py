"""`hpo.slurm`: what `hpo submit` asks Slurm for."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from hpo.space.distribution import Number, Whole, fault
from hpo.sweepfile.section import Count, Section

OURS = {
    "chdir": "start hpo submit where trials are to run",
    "export": "write it as a line of hpo.slurm.prologue: export NAME=value",
    "ntasks": "each node gets one task; give nodes",
    "ntasks-per-node": "each node gets one task; give nodes",
    "signal": "hpo.slurm.grace says how long before its end a job is warned",
    "wrap": "the job's script is hpo's own",
}
"""Options of sbatch that a job's scripts rely on → what does what was meant."""
OWN_KEYS = ("nodes", "gpus-per-node", "cpus-per-task", "time", "partition", "account")
SHORTEST = 600
"""Seconds; a lower number was meant to be minutes, as Slurm has it."""
_TIME = re.compile(r"(?:(\d+)-)?(\d+):(\d\d):(\d\d)|(\d+)\s*([mhd])")
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}


def _time(value: Any) -> Any:
    """Slurm's way to write `D-HH:MM:SS`, `90m`, `12h`, `2d` or seconds, which YAML makes of `H:MM:SS`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not SHORTEST <= value < 1e8:
            raise fault(
                f"{value:g} s is no time for a job", f"write {value:g}m if minutes are meant, or 12:00:00"
            )
        return f"{int(value) // 3600}:{int(value) // 60 % 60:02}:{int(value) % 60:02}"
    match = _TIME.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None:
        raise fault(f"{value!r} is not a time", "write 12:00:00, 1-12:00:00, 90m or 12h")
    if match[5] is None:
        return match[0]
    minutes = int(match[5]) * _MINUTES[match[6]]
    return f"{minutes // 60}:{minutes % 60:02}:00"


def _word(value: Any) -> Any:
    """Text of one line, from a number too."""
    text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise fault(f"{value!r} is not a word or number", "write one line of text")
    return text


def _sbatch(value: Any) -> Any:
    """Option → value; true for an option that has none."""
    if not isinstance(value, dict):
        raise fault(f"{value!r} is not a mapping", "write for example {qos: high, constraint: a100}")
    found: dict[str, str | bool] = {}
    for key, given in value.items():
        name = str(key).lstrip("-").replace("_", "-")
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise fault(f"{key!r} is no long option of sbatch", "write for example qos, for --qos", str(key))
        if name in OURS:
            raise fault(f"'{name}' is set by hpo", OURS[name], str(key))
        if name in OWN_KEYS:
            own = name.replace("-", "_")
            raise fault(f"'{name}' stands beside `sbatch:`", f"write hpo.slurm.{own}", str(key))
        if not isinstance(given, (str, int, float)):
            raise fault(f"{given!r} is no value of an option of sbatch", "write text, or true", str(key))
        if given is not False:
            found[name] = given if given is True else _word(given)
    return found


Word = Annotated[str, BeforeValidator(_word), WithJsonSchema({"type": ["string", "number"]})]


class SlurmSettings(Section):
    """What `hpo submit` asks Slurm for; its options of the same names go before these."""

    nodes: Count = 1
    """How many nodes."""
    gpus_per_node: Word | None = None
    """GPUs of each node: 4, or with their kind a100:4."""
    cpus_per_task: Count | None = None
    """CPU cores of each node, for all trials on it; without it what the site gives."""
    time: Annotated[str, BeforeValidator(_time), WithJsonSchema({"type": "string"})] | None = None
    """Wall time of one job, as 12:00:00, 1-12:00:00, 90m or 12h; the sweep goes on in the next one."""
    partition: Word | None = None
    """The site's name of a group of nodes."""
    account: Word | None = None
    """Who pays."""
    sbatch: Annotated[
        dict[str, str | bool],
        BeforeValidator(_sbatch),
        WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}),
    ] = Field(default_factory=dict)
    """Any other option of sbatch, without its dashes: {qos: high, exclusive: true}."""
    prologue: str = ""
    """Lines of shell before the sweep starts: module load …, export NAME=value."""
    grace: Annotated[Number, Field(ge=30)] = 120
    """Seconds before the job's end at which trials are told to end and the sweep is made ready to go on."""
    max_requeues: Whole = 20
    """How often a job goes on by itself when its time was up or its nodes were lost."""
