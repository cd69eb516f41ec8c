"""Every key of a sweep file but the distributions: pydantic models whose docstrings are its documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from hpo.errors import suggest
from hpo.space.distribution import Number, Whole, fault
from hpo.space.space import SearchSpace
from hpo.sweepfile.early import EarlyTerminate
from hpo.sweepfile.search import METHODS, Search
from hpo.sweepfile.section import Count, Section
from hpo.sweepfile.slurm import SlurmSettings

LONGEST_TIME = 100
"""Characters; a longer time is none."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AMOUNT = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_SEARCHER = re.compile(rf"{_MODULE.pattern}:[A-Za-z_]\w*")
_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def _seconds(value: Any) -> Any:
    """Seconds from a number, «90m», «12h», «1:30:00» or Slurm's «1-12:00:00»."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()[:LONGEST_TIME]
    if match := re.fullmatch(rf"({_AMOUNT})\s*([smhd])", text):
        return float(match[1]) * _UNITS[match[2]]
    if match := re.fullmatch(r"(?:(\d+)-)?(\d+):(\d\d)(?::(\d\d))?", text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    raise fault(f"{value!r} is not a time", "write seconds, or 90m, 12h, 1:30:00")


def _bytes(value: Any) -> Any:
    """Bytes from a number or «4G», «512MB», «2GiB» (powers of 1024)."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(rf"({_AMOUNT})\s*([KMGT]?)(?:I?B)?", value.strip().upper())
    if not match:
        raise fault(f"{value!r} is not an amount of memory", "write bytes, or 4G, 512M")
    amount = float(match[1]) * _BYTES[match[2]]
    if amount == float("inf"):
        raise fault("no machine has so much memory", "write bytes, or 4G, 512M")
    return int(amount)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_text)]
Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, allow_inf_nan=False),
    WithJsonSchema({"type": ["number", "string"]}),
]
Amount = Annotated[Number, Field(ge=0), WithJsonSchema({"type": "number", "minimum": 0})]
Bytes = Annotated[int, BeforeValidator(_bytes), Field(gt=0), WithJsonSchema({"type": ["integer", "string"]})]


def _preload(value: Any) -> Any:
    """YAML 1.1 writes «off» as false."""
    if value is False:
        return "off"
    if isinstance(value, list) and all(isinstance(name, str) and _MODULE.fullmatch(name) for name in value):
        return value
    if value in ("auto", "off"):
        return value
    what = f"{value!r} is neither auto, off nor a list of modules"
    raise fault(what, "write for example [torch, sklearn.datasets]")


def _target(value: Any) -> Any:
    if isinstance(value, str) and value.count(":") == 1 and all(map(_MODULE.fullmatch, value.split(":"))):
        return value
    raise fault(f"{value!r} names no function", "write module:function, for example data:load")


def _method(value: Any) -> Any:
    if value in METHODS or (isinstance(value, str) and _SEARCHER.fullmatch(value)):
        return value
    if isinstance(value, str) and ":" in value:
        raise fault(f"{value!r} names no searcher", "write module:Searcher, for example search:MySearcher")
    raise fault(f"{value!r} is not a choice", suggest(value, METHODS))


Method = Annotated[
    str,
    BeforeValidator(_method),
    WithJsonSchema({"anyOf": [{"enum": list(METHODS)}, {"type": "string", "pattern": "^[\\w.]+:[\\w.]+$"}]}),
]
Preload = Annotated[
    Any,
    BeforeValidator(_preload),
    WithJsonSchema(
        {"anyOf": [{"enum": ["auto", "off", False]}, {"type": "array", "items": {"type": "string"}}]}
    ),
]
Mode = Annotated[
    Literal["off", "offline", "online"],
    BeforeValidator(lambda value: "off" if value is False else value),  # as YAML 1.1 has it
    WithJsonSchema({"enum": ["off", "offline", "online", False]}),
]
Target = Annotated[str, BeforeValidator(_target)]


class Metric(Section):
    """What to optimise: a metric that the script logs."""

    name: str = Field(min_length=1)
    """Name as given to `wandb.log`; `a.b` also finds b inside a logged mapping a."""
    goal: Literal["minimize", "maximize"] = "minimize"
    """Which way is better."""
    target: Number | None = None
    """No new trials start once some trial reaches this value; running ones end by themselves."""
    impute: Literal["latest", "best", "worst"] = "worst"
    """What bayes takes for a trial that failed (W&B's key; only `worst` has an effect of its own here)."""
    impute_while_running: Literal["latest", "best", "worst", "false", False] = "false"
    """W&B's key; accepted and without effect."""
    use: Literal["best", "last"] = "best"
    """Which of a trial's values counts for the search: the best so far (W&B's bayes) or the last."""


class Resources(Section):
    """What one trial needs; Ray places trials by it."""

    cpu: Amount = 1
    """CPU cores, fractions too."""
    gpu: Amount | None = None
    """GPUs, fractions too: 0.5 puts two trials on one; without it 1 where there are GPUs, else 0."""
    memory: Bytes | None = None
    """Memory in bytes, or as 4G; none is reserved without it."""


class CheckpointSettings(Section):
    """What scripts save by `hpo.report(…, checkpoint=…)`."""

    keep: Count = 1
    """How many of a trial's newest checkpoints stay on disk."""


class HpoSettings(Section):
    """What W&B has no key for; W&B warns about the key and goes on."""

    seed: Whole | None = None
    """Seed of the search; without it a fresh one is drawn, printed and recorded."""
    search: Search = Search()
    """Options of the search strategy: startup, points, and each method's own."""
    allow_duplicates: StrictBool = False
    """Whether a configuration may be tried again while there are untried ones; else only where a parameter is
    continuous, or after all were tried."""
    resources: Resources = Resources()
    """What one trial needs: cpu, gpu, memory."""
    concurrency: Count | None = None
    """Most trials at once; without it as many as the machine or cluster has room for."""
    time_budget: Seconds | None = None
    """Seconds after which the run ends, or 90m, 12h, 1:30:00."""
    max_failures: Annotated[Whole, Field(ge=0), WithJsonSchema({"type": "integer", "minimum": 0})] = 0
    """How often a failed trial is tried again."""
    trial_timeout: Seconds | None = None
    """Seconds, or 90m, that one attempt at a trial may run; then it is ended and has failed."""
    kill_grace: Seconds = 30.0
    """Seconds between SIGTERM and SIGKILL when a trial is ended."""
    preload: Preload = "auto"
    """What a node imports once before it forks a process for each trial: `auto` (what the first trial
    imported), a list of modules, or `off` (each trial starts Python anew)."""
    setup: Target | None = None
    """`module:function` that is called once a node before trials are forked, for example to load a data set;
    a trial gets what it returned from `hpo.setup_value()`, shared copy-on-write."""
    gpu_memory_fraction: Annotated[Number, Field(gt=0, le=1)] | None = None
    """Share of a GPU's memory that torch may take in one trial; without it all."""
    wandb: Mode = "off"
    """Whether the real wandb logs each trial too, as a run of one group: `off`, `online`, or `offline` for
    `wandb sync`."""
    checkpoint: CheckpointSettings = CheckpointSettings()
    """What scripts save of their state: keep."""
    trial_files: Literal["full", "lean"] = "full"
    """`lean` keeps metrics.jsonl and end.json of each trial, and log and parameters of failed ones only."""
    tensorboard: StrictBool = True
    """Whether a run writes TensorBoard's files, in `tensorboard` of its directory."""
    report: StrictBool = True
    """Whether the run directory gets a report.html, every five minutes at most and at the end."""
    slurm: SlurmSettings = SlurmSettings()
    """What `hpo submit` asks Slurm for: nodes, gpus_per_node, time, …."""


class Controller(BaseModel):
    """W&B's switch for where suggestions are made; here always on your machine."""

    model_config = ConfigDict(frozen=True, extra="allow")
    type: Literal["local", "cloud"] = "cloud"


class Sweep(BaseModel):
    """A sweep: what to run, what to vary, what to optimise."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", use_attribute_docstrings=True, arbitrary_types_allowed=True
    )

    program: Text | None = None
    """Training script, relative to where hpo is started, or else to the sweep file."""
    method: Method
    """Search strategy; `bayes` chooses between gp and tpe, module:Searcher is a Ray Searcher of your own."""
    parameters: dict[str, Any] = Field(min_length=1)
    """The search space: parameter name → distribution, or `parameters:` for a nested block."""
    metric: Metric | None = None
    """What to optimise; bayes and early_terminate need it."""
    metrics: list[Metric] | None = Field(default=None, min_length=1)
    """Several objectives, for a Pareto front, in place of `metric:`; early stopping and `target` go by the
    first. A trial's values are the last ones it logged."""
    early_terminate: EarlyTerminate | None = None
    """When to stop trials that do poorly."""
    command: list[Any] | None = None
    """The trial's command line with macros such as ${program} and ${args}, one item an argument."""
    run_cap: Count | None = None
    """How many trials to run; the command line's --count goes before it."""
    name: Text | None = None
    """Name of the run's directory."""
    description: Text | None = None
    """Free text."""
    project: Text | None = None
    """W&B project, passed on to the script as WANDB_PROJECT."""
    entity: Text | None = None
    """W&B entity, passed on to the script as WANDB_ENTITY."""
    controller: Controller | None = None
    """W&B's key; accepted and without effect."""
    hpo: HpoSettings = HpoSettings()
    """Settings that W&B has no key for."""

    @model_validator(mode="after")
    def _first_metric(self) -> Sweep:
        """The first of several objectives is the one that all but the search goes by."""
        if self.metrics and self.metric is None:
            object.__setattr__(self, "metric", self.metrics[0])
        return self

    @property
    def several(self) -> tuple[Metric, ...]:
        """The objectives where there are several, else none."""
        return tuple(self.metrics) if self.metrics and len(self.metrics) > 1 else ()

    @cached_property
    def space(self) -> SearchSpace:
        """The parameters as a search space."""
        return SearchSpace.of(self.parameters)

    @property
    def goal(self) -> Literal["minimize", "maximize"]:
        """Which way is better; minimize where there is no metric."""
        return self.metric.goal if self.metric else "minimize"


Raw = Mapping[str, Any]
