"""What a trial needs to start and what is known at its end: two records that travel as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Goal = Literal["minimize", "maximize"]
State = Literal["finished", "stopped", "failed", "interrupted", "paused"]
Kind = Literal["", "exit", "signal", "oom", "cuda", "timeout", "no metric", "nan", "start"]
"""What made a trial fail: `oom` and `cuda` are exits and signals whose cause is known."""


@dataclass(frozen=True)
class WarmStart:
    """What a run asks of warm starts."""

    directory: str
    """For sockets, of this run alone; made on each node when it is needed."""
    log: str
    """File for what is printed while modules are imported and the setup runs."""
    modules: list[str] | None = None
    """Names to import before forking; None: those that the first trial imported."""
    setup: str | None = None
    """`module:function` to call once a node."""


@dataclass(frozen=True)
class Resume:
    """Where a trial goes on, that has run before."""

    checkpoint: str
    """Folder of the checkpoint to start from, its own or another trial's."""
    rows: int
    """Rows of its own that count; those after them are logged anew."""
    iterations: int
    """How many of these were iterations."""


@dataclass(frozen=True)
class TrialSpec:
    """One attempt at a trial. The supervisor adds HPO_CHANNEL to `env`, which is otherwise complete."""

    number: int
    """Counts from 1."""
    attempt: int
    """Counts from 1; a repeated trial appends to its log and starts its metrics anew."""
    argv: list[str]
    """Command; empty for a function trial, which has a command of its own."""
    cwd: str
    env: dict[str, str]
    directory: str
    """Absolute; made if it is missing."""
    params_text: str
    """Content of params.yaml."""
    config: dict[str, Any]
    metric: str = ""
    """Objective's name; empty where the sweep has none."""
    goal: Goal = "minimize"
    kill_grace: float = 30.0
    """Seconds between SIGTERM and SIGKILL."""
    timeout: float | None = None
    """Seconds after which it is ended as failed; None: never."""
    milestones: list[int] | None = None
    """Iterations at which a result is forwarded; None: all, []: none."""
    heartbeat: float = 1.0
    """Seconds after which the newest result is forwarded whatever its iteration."""
    target: float | None = None
    """Objective that is good enough; the first result to reach it is forwarded."""
    function: bool = False
    """Whether the trial calls a pickled function instead of a program."""
    trainable: str = ""
    """`module:Class` of a trial that steps a class instead of running a program."""
    warm: WarmStart | None = None
    """How to fork it from a warm parent; None starts a plain process."""
    nan_counts: bool = False
    """Whether a row whose objective is NaN is an iteration."""
    lean: bool = False
    """Whether log and parameters are removed once the trial has not failed."""
    resume: Resume | None = None
    """Where it goes on; None: from the start."""
    beside: list[str] = field(default_factory=list)
    """Names of further objectives, whose last values count."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; it shares the spec's own dictionaries."""
        parts = {name: vars(part) if (part := getattr(self, name)) else None for name in ("warm", "resume")}
        return {**vars(self), **parts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrialSpec:
        """Back from `to_dict`; keys that are no field are left out."""
        parts = {
            name: part(**data[name]) if data.get(name) else None
            for name, part in (("warm", WarmStart), ("resume", Resume))
        }
        return cls(**{**_known(cls, data), **parts})


@dataclass(frozen=True)
class TrialEnd:
    """How an attempt ended and what it had logged by then."""

    state: State
    reason: str = ""
    """One line; empty when finished."""
    kind: Kind = ""
    """What made it fail."""
    exit_code: int | None = None
    signal: int | None = None
    value: float | None = None
    """Best objective by the goal, over finite logged values and summary."""
    last: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    """Last finite value of each objective where there are several."""
    iterations: int = 0
    """Rows that carried the objective as a finite number, or as NaN where that counts."""
    rows: int = 0
    began: float | None = None
    """When the process was started, unix seconds."""
    seconds: float = 0.0
    """Wall time of the process."""
    log_tail: list[str] = field(default_factory=list)
    """Last lines of the log of a failed trial."""
    logged: list[str] = field(default_factory=list)
    """Names of logged metrics, nested ones dotted."""
    unread: bool = False
    """Whether it was passed no parameter, and its Python process has asked for none."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrialEnd:
        """Back from `to_dict`, also out of an event: keys that are no field are left out."""
        return cls(**_known(cls, data))


def _known(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: data[f.name] for f in fields(cls) if f.name in data}
