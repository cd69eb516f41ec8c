"""The searcher as the event loop sees it: asked for configurations, told results, never waited for."""

from __future__ import annotations

from typing import Any

from hpo.tune.searchers import SpaceSearcher


class LocalAsking:
    """A searcher that answers at once."""

    def __init__(self, searcher: SpaceSearcher) -> None:
        self.searcher = searcher
        self.notes: list[str] = []

    def suggest(self, number: int) -> Any:
        """The configuration of trial `number`; None: none now; Searcher.FINISHED: no more."""
        return self.searcher.suggest(str(number))

    def result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A trial has a result."""
        self.searcher.on_trial_result(trial_id, result)

    def complete(self, trial_id: str, result: dict[str, Any] | None, *, error: bool) -> None:
        """A trial has ended."""
        self.searcher.on_trial_complete(trial_id, result, error=error)

    def pace(self, slots: int, seconds: float) -> None:
        """How many slots there are, and how long a trial lasts."""

    @property
    def refs(self) -> list[Any]:
        """What the loop is to be woken by."""
        return []

    def close(self) -> SpaceSearcher:
        """The searcher itself."""
        return self.searcher


def asking(searcher: SpaceSearcher, first: int) -> LocalAsking:
    """The way to ask this searcher."""
    return LocalAsking(searcher)


Asking = LocalAsking
