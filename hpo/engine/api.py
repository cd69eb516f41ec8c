"""The Python face: hpo.run, and hpo.sweep with hpo.agent as in W&B's notebooks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpo.engine.plan import Plan, RunOptions, Watch
from hpo.engine.planning import plan
from hpo.engine.reopening import reopen
from hpo.engine.result import RunResult
from hpo.engine.run import Session, execute
from hpo.errors import UserError
from hpo.sweepfile.load import Loaded, read_sweep


def run(
    sweep: str | Path | Mapping[str, Any],
    train: Callable[..., Any] | None = None,
    *,
    out: str | Path | None = None,
    count: int | None = None,
    seed: int | None = None,
    concurrency: int | None = None,
    address: str | None = None,
    engine: str = "hpo",
    replay: str | Path | None = None,
    prior: Sequence[str | Path] = (),
    watch: Watch = lambda state: None,
) -> RunResult:
    """Run a sweep file or dict and return its result.

    Args:
        sweep: Path of a sweep file, or a W&B config dict.
        train: A function to call for each trial in place of the sweep's program; it takes no argument, or the
            configuration. One process a slot calls it for one trial after another, so that what it has loaded
            stays loaded; seed inside of it. Inside, `wandb.init/config/log` or
            `hpo.config()/hpo.report()` work.
        out: The run directory, by default runs/NAME-DATE-TIME.
        count: How many trials; goes before the sweep's run_cap.
        seed: Seed of the search; goes before the sweep's hpo.seed.
        concurrency: Most trials at once.
        address: A Ray cluster's address; without it Ray is started on this machine for this run.
        engine: `hpo`, or `tune` for the same trials through a stock ray.tune.Tuner.
        replay: A file that `hpo schedule` printed; one trial is trained with it.
        prior: Directories of earlier runs whose trials the search learns from.
        watch: Called with the run's state whenever something may have changed.

    Raises:
        SweepError: The sweep has problems; all are named.
        UserError: It cannot run here (no script, no count, no room, no place to write).
    """
    given = {"out": out, "seed": seed, "concurrency": concurrency, "address": address, "engine": engine}
    options = RunOptions(count=count, train=train, **_with_paths({**given, "replay": replay, "prior": prior}))
    return execute(plan(read_sweep(sweep), options), watch)


def resume(
    run: str | Path,
    train: Callable[..., Any] | None = None,
    *,
    count: int | None = None,
    concurrency: int | None = None,
    address: str | None = None,
    retry_failed: bool = False,
    watch: Watch = lambda state: None,
) -> RunResult:
    """Go on with a run that was cut off, or that is to be longer, and return its result.

    Args:
        run: Its directory.
        train: The function, where hpo.run was given one.
        count: How many trials in all.
        concurrency: Most trials at once.
        address: A Ray cluster's address.
        retry_failed: Whether trials that failed are tried again.
        watch: Called with the run's state whenever something may have changed.

    Raises:
        UserError: There is no run, or it cannot go on.
    """
    options = RunOptions(None, count, None, concurrency, address, train=train, retry_failed=retry_failed)
    return execute(reopen(Path(run), options), watch)


@dataclass
class _Registered:
    loaded: Loaded
    plan: Plan | None = None
    session: Session | None = None


_sweeps: dict[str, _Registered] = {}


def sweep(sweep: Mapping[str, Any], project: str | None = None, entity: str | None = None) -> str:
    """Register a W&B config dict and return its id, as `wandb.sweep` does; raises SweepError."""
    config = dict(sweep) | {k: v for k, v in (("project", project), ("entity", entity)) if v}
    loaded = read_sweep(config)
    loaded.valid()
    sweep_id = secrets.token_hex(4)
    _sweeps[sweep_id] = _Registered(loaded)
    return sweep_id


def agent(
    sweep_id: str,
    function: Callable[..., Any] | None = None,
    count: int | None = None,
    *,
    watch: Watch = lambda state: None,
    **options: Any,
) -> RunResult:
    """Run `count` trials of a registered sweep, as `wandb.agent` does; `watch` and `options` as for hpo.run.

    Each trial calls `function`, as with hpo.run. A further call goes on with the same search in the
    same run directory. Raises UserError for an id that is not known, and for another directory.
    """
    registered = _sweeps.get(sweep_id.rsplit("/", 1)[-1])
    if registered is None:
        raise UserError(f"sweep '{sweep_id}' is not known in this process; call hpo.sweep(config) first")
    options = _with_paths(options)
    if registered.plan is None or registered.session is None:
        registered.plan = plan(registered.loaded, RunOptions(count=count, train=function, **options))
        registered.session = Session()
    elif options.get("out") not in (None, registered.plan.options.out, registered.plan.directory):
        where = registered.plan.directory
        raise UserError(f"sweep '{sweep_id}' goes on in {where}; leave `out` out, or call hpo.sweep again")
    chosen = replace(registered.plan.options, count=count, train=function, **options)
    again = replace(registered.plan, options=chosen, count=count or registered.plan.count)
    return execute(again, watch, registered.session)


def _with_paths(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run with paths where these may be texts."""
    found = dict(options)
    for name in {"out", "replay"} & found.keys():
        found[name] = Path(found[name]) if found[name] else None
    if "prior" in found:
        found["prior"] = tuple(map(Path, found["prior"]))
    return found
