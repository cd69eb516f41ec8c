"""How a trial's process ended and what it logged → TrialEnd, with a reason that a person can act on."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import replace

from hpo.trial.causes import KILLED, cause, crash_line
from hpo.trial.objective import Objective
from hpo.trial.spec import Kind, State, TrialEnd
from hpo.trial.telling import last_exception, telling_line

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
    line = crash_line(log, by == signal.SIGABRT) if by in _CRASHES else ""
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
    if found := cause(line):
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
