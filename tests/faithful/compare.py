"""Two runs of a case, warm and cold → what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.faithful.running import Outcome, Trial

LOOSE = {"draws", "fresh", "seeded", "command"}


def differences(warm: Outcome, cold: Outcome) -> list[str]:
    """What a user could see, a line each; none where warm is as cold."""
    found = []
    if set(warm.trials) != set(cold.trials):
        found.append(f"trials: warm {sorted(warm.trials)}, cold {sorted(cold.trials)}")
    for number in sorted(set(warm.trials) & set(cold.trials)):
        found += [f"trial {number}: {one}" for one in _of_trial(warm.trials[number], cold.trials[number])]
    for number, trial in sorted(cold.trials.items()):
        if trial.end[0] != "finished":
            found.append(f"trial {number} is no comparison: {trial.end}")
    found += [f"fresh values: {one}" for one in (*_repeated("warm", warm), *_repeated("cold", cold))]
    for name in sorted(warm.files ^ cold.files):
        found.append(f"file only {'warm' if name in warm.files else 'cold'}: {name}")
    return found


def _of_trial(warm: Trial, cold: Trial) -> Iterator[str]:
    if warm.end != cold.end:
        yield f"end: warm {warm.end}, cold {cold.end}"
    if warm.rows != cold.rows:
        yield f"rows: warm {_short(warm.rows, cold.rows)}, cold {_short(cold.rows, warm.rows)}"
    loose = LOOSE - ({"draws"} if cold.seen.get("seeded") else set())
    for name in sorted(set(warm.seen) | set(cold.seen)):
        if name not in loose and warm.seen.get(name) != cold.seen.get(name):
            yield f"{name}: {_unequal(warm.seen.get(name), cold.seen.get(name))}"
    if warm.files != cold.files:
        yield f"files: {_unequal(warm.files, cold.files)}"
    if warm.lines != cold.lines:
        yield f"log: {_unequal(sorted(warm.lines), sorted(cold.lines))}"


def _short(mine: list[Any], other: list[Any]) -> str:
    return str(next((one for i, one in enumerate(mine) if other[i : i + 1] != [one]), f"{len(mine)} rows"))


def _unequal(warm: Any, cold: Any) -> str:
    if isinstance(warm, Mapping) and isinstance(cold, Mapping):
        names = sorted(name for name in {*warm, *cold} if warm.get(name) != cold.get(name))
        return "; ".join(f"{name}: warm {warm.get(name)!r}, cold {cold.get(name)!r}" for name in names)
    if isinstance(warm, list) and isinstance(cold, list):
        more = [one for one in warm if one not in cold], [one for one in cold if one not in warm]
        return f"only warm {more[0]}, only cold {more[1]}" if any(more) else f"warm {warm}, cold {cold}"
    return f"warm {warm!r}, cold {cold!r}"


def _repeated(kind: str, run: Outcome) -> Iterator[str]:
    """Values that no seed was set for are never drawn twice."""
    values: dict[str, list[Any]] = {}
    for trial in run.trials.values():
        seen = trial.seen
        loose = {} if seen.get("seeded") else {"fresh": seen.get("fresh", {})}
        for values_of in loose.values():
            for name, value in values_of.items():
                values.setdefault(name, []).append(value)
    for name, drawn in values.items():
        if len(set(drawn)) < len(drawn):
            yield f"{kind} trials drew equal ones of '{name}'"
