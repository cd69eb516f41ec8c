"""Run directories → TensorBoard on them: a log directory that is whole, or links to the chosen trials."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from hpo.errors import UserError
from hpo.record.front import ordered
from hpo.record.layout import mutated_by
from hpo.record.observed import Observed, observe
from hpo.record.scribe import rebuild, told_of
from hpo.record.sweep_log import LINEAGE, SWEEP
from hpo.record.tensorboard import ENDED
from hpo.record.trials import RunRecord, has_value
from hpo.review.merged import merge
from hpo.trial.media import LOGS, MEDIA, name_of

BEST = 10
"""So many of the best trials a link selects."""
PINNED = 4
"""So many scalars a link pins."""
LONGEST_LINK = 1500
"""Characters of a list of trials in a link."""


@dataclass(frozen=True)
class Shown:
    """One run as it is shown."""

    record: RunRecord
    root: Path
    """Its log directory."""
    name: str = ""
    """What its trials' names begin with, beside those of other runs."""
    driven: bool = False

    def trials(self, top: int | None) -> list[str]:
        """Names of the best trials, or of all that have begun."""
        best = ordered(self.record)
        chosen = [trial for trial in best if has_value(trial)][:top] if top else best
        return [name_of(trial.number) for trial in chosen if trial.started is not None]

    def selected(self, top: int) -> list[str]:
        """Names of what a link selects: the best trials, and what led a population to its best."""
        return [*([LINEAGE] if mutated_by(self.record.sweep) else []), *self.trials(top)]

    def again(self) -> Shown:
        """The run as it is now."""
        return replace(self, record=observe(self.record.directory).record) if self.driven else self


def remade(run: Path) -> Path:
    """A run's log directory, made anew from its record.

    Raises UserError where there is no run, where somebody drives it, or where it cannot be written.
    """
    seen = observe(run)
    if seen.driver and seen.driver.alive:
        what = "writes its TensorBoard files as it goes on"
        raise UserError(
            f"{seen.driver.name} drives {run} and {what}; wait for its end, or leave --rebuild out"
        )
    _check_trials(seen)
    return rebuild(run)


@contextmanager
def log_directory(runs: Sequence[Path], top: int | None) -> Iterator[tuple[Path, list[Shown]]]:
    """What TensorBoard is to be started on; links that were made for it are gone afterwards.

    Raises UserError where a run is none or has no trials.
    """
    with tempfile.TemporaryDirectory(prefix="hpo-tensorboard-") as scratch:
        shown = [_whole(run, Path(scratch) / f"made-{place}") for place, run in enumerate(runs)]
        if len(shown) == 1 and top is None:
            yield shown[0].root, shown
            return
        farm = Path(scratch) / "runs"
        farm.mkdir()
        if len(shown) > 1:
            shown = [replace(one, name=name) for one, name in zip(shown, _names(runs), strict=True)]
            merge([one.root / SWEEP for one in shown], farm / SWEEP)
        for one in shown:
            link(one, farm, top)
        yield farm, shown


def link(one: Shown, farm: Path, top: int | None) -> None:
    """Have a folder lead to a run's trials, the best or all; what leads to others goes."""
    place = farm / one.name
    place.mkdir(exist_ok=True)
    names = [*one.trials(top), LINEAGE, *([] if one.name else [SWEEP])]
    wanted = {name for name in names if (one.root / name).is_dir()}
    for path in place.iterdir():
        if path.is_symlink() and path.name not in wanted:
            path.unlink()
    for name in wanted:
        with suppress(FileExistsError):
            (place / name).symlink_to(one.root / name, target_is_directory=True)


def links(base: str, shown: Sequence[Shown], top: int | None) -> dict[str, str]:
    """What to open: page → address, the objective pinned, no smoothing, the best trials selected."""
    tags = dict.fromkeys(one.record.metric for one in shown if one.record.metric)
    tags |= dict.fromkeys(f"hparam/{name}" for one in shown for name in mutated_by(one.record.sweep) or ())
    pinned = [{"plugin": "scalars", "tag": tag} for tag in list(tags)[:PINNED]]
    query = f"?pinnedCards={_quoted(pinned)}&smoothing=0" if pinned else "?smoothing=0"
    best = [f"{one.name}/{name}".lstrip("/") for one in shown for name in one.selected(top or BEST)]
    chosen = _expression(best)
    return {
        "HParams": f"{base}/#hparams",
        "Time Series": f"{base}/{query}{f'&runFilter={quote(chosen)}' if chosen else ''}#timeseries",
    }


def _expression(names: list[str]) -> str:
    """What matches these runs alone, the first of them where they are too many."""
    kept: list[str] = []
    for name in names:
        if sum(map(len, kept)) + len(name) > LONGEST_LINK:
            break
        kept.append("".join(one if one.isalnum() or one in "/_-" else f"\\{one}" for one in name))
    return f"^({'|'.join(kept)})(/{MEDIA})?$" if kept else ""


def _quoted(value: object) -> str:
    return quote(json.dumps(value, separators=(",", ":")))


def _whole(run: Path, spare: Path) -> Shown:
    """A run with a log directory in which nothing is missing: its own, else one made in `spare`."""
    seen = observe(run)
    _check_trials(seen)
    root, driven = run.absolute() / LOGS, bool(seen.driver and seen.driver.alive)
    if not (root / SWEEP).is_dir() or (not driven and _lacks(seen.record, root)):
        try:
            root = rebuild(run.absolute()) if not driven else rebuild(run.absolute(), spare)
        except UserError:  # it may belong to somebody else
            root = rebuild(run.absolute(), spare)
    return Shown(seen.record, root, driven=driven)


def _lacks(record: RunRecord, root: Path) -> bool:
    """Whether the process that wrote it did not live to tell all."""
    told = told_of(root)
    return any(told.get(one.number) != one.attempts for one in record.trials if one.state in ENDED)


def _check_trials(seen: Observed) -> None:
    if not any(trial.started is not None for trial in seen.record.trials):
        raise UserError(f"{seen.record.directory} has no trials yet; there is nothing to show")


def _names(runs: Sequence[Path]) -> list[str]:
    """The runs' own names, told apart where two are called alike."""
    found: list[str] = []
    for run in runs:
        name, number = run.resolve().name or "run", 2
        while name in found:
            name, number = f"{run.resolve().name}-{number}", number + 1
        found.append(name)
    return found
