"""A run directory → a plan of how it goes on: what may have changed since, and what has not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpo.engine.live import SCHEDULE
from hpo.engine.plan import Plan, RunOptions, timed
from hpo.engine.planning import trial_count
from hpo.errors import UserError
from hpo.record.journal import read_journal
from hpo.sweepfile.differences import Difference, differences
from hpo.sweepfile.load import Loaded, read_sweep
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.program import working_directory
from hpo.sweepfile.replay import read_schedule, replayed
from hpo.tune.earlier import Earlier

Event = Mapping[str, Any]


def reopen(
    directory: Path, options: RunOptions, loaded: Loaded | None = None, change: Sequence[str] = ()
) -> Plan:
    """How a run goes on, by its own sweep file with these changes, or by another version of it.

    Raises:
        UserError: There is no run, or it cannot go on so: what is in the way, and what to do.
        SweepError: The sweep file has problems by now.
    """
    directory = directory.absolute()
    events = read_journal(directory)
    runs = [event for event in events if event["event"] == "run"]
    if not runs:
        raise UserError(f"{directory} holds an empty journal: its run never began; start it anew")
    last = runs[-1]
    _check_kind(directory, last, options)
    given, loaded = loaded, loaded or _own(directory, last, change)
    sweep = timed(loaded.valid(), options, events)
    changed = differences(last["sweep"], json.loads(json.dumps(dict(loaded.source), default=str)))
    _refuse(directory, [one for one in changed if not one.harmless])
    if not last["function"]:
        _check_script(directory, sweep, Path(last["cwd"]))
    if last["replay"]:
        sweep = replayed(sweep, read_schedule(directory / SCHEDULE))
    fresh_cap = any(one.key == "run_cap" for one in changed)
    count = _count(directory, sweep, events, options.count or (sweep.run_cap if fresh_cap else last["count"]))
    warned = [] if given else [str(problem) for problem in loaded.warnings]
    return Plan(
        sweep,
        dict(loaded.source),
        loaded.file,
        _as_begun(replace(options, out=directory), last),
        directory,
        Path(last["cwd"]),
        last["seed"],
        count,
        dict(os.environ),
        tuple(_earlier(event) for event in events if event["event"] == "earlier"),
        (*warned, *(f"changed since: {one}" for one in changed)),
        folders=tuple(map(Path, last["folders"])),
        changes=loaded.overrides,
        past=tuple(events),
        again=failed_again(events, sweep, options),
        sampler=last["sampler"],
    )


def _count(directory: Path, sweep: Sweep, events: Sequence[Event], wanted: int | None) -> int | None:
    begun = sum(event["event"] == "trial" for event in events)
    count = trial_count(sweep, wanted)
    if count is not None and count < begun:
        raise UserError(f"{directory} has begun {begun} trials already; give --count {begun} or more")
    return count


def _as_begun(options: RunOptions, run: Event) -> RunOptions:
    """The options with those that a run has for good."""
    replay = Path(run["replay"]) if run["replay"] else None
    return replace(options, prior=tuple(map(Path, run["prior"])), replay=replay)


def _check_kind(directory: Path, run: Event, options: RunOptions) -> None:
    if run["engine"] == "tune":
        raise UserError(f"{directory} was run by a stock Tuner, whose trials cannot go on; start it anew")
    if options.engine != "hpo":
        raise UserError(f"{directory} goes on without a stock Tuner, which cannot; leave --engine out")
    if run.get("function") and options.train is None:
        raise UserError(f"{directory} ran a Python function; call hpo.resume({str(directory)!r}, train=…)")
    if options.seed not in (None, run["seed"]):
        raise UserError(
            f"{directory} was begun with seed {run['seed']}, not {options.seed}; leave --seed out"
        )
    if options.train is not None and not run.get("function"):
        raise UserError(f"{directory} ran a program, not a function; leave `train` out")
    asked = {"replay": [options.replay] if options.replay else [], "prior": list(options.prior)}
    for name, paths in asked.items():
        begun = [run[name]] if isinstance(run[name], str) else run[name] or []
        if paths and [str(path.absolute()) for path in paths] != begun:
            how = f"with --{name} {' '.join(begun)}" if begun else f"without --{name}"
            raise UserError(f"{directory} was begun {how}; leave --{name} out")


def _check_script(directory: Path, sweep: Sweep, cwd: Path) -> None:
    if not cwd.is_dir():
        raise UserError(f"{cwd}, where the trials of {directory} run, is gone; put it back to go on")
    try:
        working_directory(sweep, None, cwd)
    except UserError as error:
        raise UserError(f"{directory} cannot go on: {error}") from error


def _own(directory: Path, run: Event, change: Sequence[str]) -> Loaded:
    """The run's own copy of its sweep file, with what was set on the command line then and now."""
    file = directory / "sweep.yaml"
    if file.exists():
        return read_sweep(file, [*run.get("set", ()), *change])
    return read_sweep(run["sweep"], change)


def _refuse(directory: Path, harmful: Sequence[Difference]) -> None:
    if harmful:
        listed = "\n".join(f"    {one}" for one in harmful)
        raise UserError(
            f"the sweep is not the one that {directory} was begun with:\n{listed}\n"
            f"undo that to go on, or start a new run that learns from this one: --prior {directory}"
        )


def _earlier(event: Event) -> Earlier:
    steps = {int(step): value for step, value in (event.get("steps") or {}).items()}
    return Earlier(event["config"], event["value"], steps, event.get("values") or {})


def failed_again(events: Sequence[Event], sweep: Sweep, options: RunOptions) -> frozenset[int]:
    """Trials whose last word is a failure that is not to be for good."""
    failed: set[int] = set()
    failures: dict[int, int] = {}
    for event in events:
        if event["event"] == "end" and event["state"] == "failed":
            failures[event["trial"]] = failures.get(event["trial"], 0) + (not event.get("spared"))
            failed.add(event["trial"])
        elif event["event"] in ("end", "start", "requeue"):
            failed.discard(event["trial"])
        elif event["event"] == "aside":  # these failed on a sick node
            for number in event["trials"]:
                failures[number] -= 1
    spare = sweep.hpo.max_failures
    return frozenset(n for n in failed if options.retry_failed or failures[n] <= spare)
