"""`method: module:Searcher`: any Searcher of Ray Tune's, the user's own too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from hpo.errors import UserError
from hpo.space.space import SearchSpace
from hpo.tune.domains import param_space
from hpo.tune.own_class import instance
from hpo.tune.searcher import SpaceSearcher


class CustomSearcher(SpaceSearcher):
    """A Searcher of another make, asked over the sweep's space as a stock Tuner would ask it.

    What it leaves out of a configuration is filled with the sweep's constants, inactive parameters are taken
    out. Raises UserError where it cannot be loaded, or does not take the metric or the space.
    """

    def __init__(
        self, space: SearchSpace, *, target: str, folders: Sequence[Path] = (Path(),), **settings: Any
    ) -> None:
        super().__init__(space, **settings)
        self.target, self.folders = target, folders
        self.strangers: set[str] = set()
        """Trials whose configurations this inner searcher has not made."""
        self.resumes: list[str] = []
        taken = {leaf.path: leaf.distribution.ppf(0.5) for leaf in space.leaves if leaf.distribution.constant}
        self.constants = taken
        self.inner = self._fresh()

    def _fresh(self) -> Searcher:
        inner: Searcher = instance(
            self.target, Searcher, self.folders, self.options.options, "hpo.search.options"
        )
        try:
            accepted = inner.set_search_properties(
                self.metric, self.mode, param_space(self.space, conditional=True)
            )
        except Exception as error:
            raise UserError(f"{self.target} does not take this search space: {error}") from error
        if not accepted:
            raise UserError(f"{self.target} takes no search space; give it none of its own, nor a metric")
        return inner

    def propose(self, trial_id: str, index: int) -> Any:
        """What the inner searcher says; None where it wants to be asked later."""
        config = self.inner.suggest(trial_id)
        if config is None or config == Searcher.FINISHED:
            return config
        values = [self._value(config, leaf.path) for leaf in self.space.leaves]
        return self.space.nest(values, self.space.active(values))

    def resumed(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Ask the inner searcher again; if it answers otherwise it begins anew, knowing nothing."""
        self.suggested += 1
        self.resumes.append(trial_id)
        if not self.strangers and self.propose(trial_id, self.suggested - 1) == config:
            return
        if not self.strangers:
            self.inner = self._fresh()
            told = f"{self.target} makes other suggestions when it is asked again: it goes on without what it"
            self.notes.append(f"{told} had learnt; give it a seed")
        self.strangers.update(self.resumes)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass it on."""
        if trial_id in self.strangers:
            return
        self.inner.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Pass it on; a trial that gave no value has failed for it."""
        if trial_id in self.strangers:
            return
        self.inner.on_trial_complete(trial_id, result, error=error or not result)

    def save(self, checkpoint_path: str) -> None:
        """Let it write its state."""
        self.inner.save(checkpoint_path)

    def restore(self, checkpoint_path: str) -> None:
        """Let it read its state."""
        self.inner.restore(checkpoint_path)

    def _value(self, config: Mapping[str, Any], path: tuple[str, ...]) -> Any:
        value: Any = config
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                if path in self.constants:
                    return self.constants[path]
                raise UserError(f"the searcher's suggestion lacks '{'.'.join(path)}'")
            value = value[key]
        return value
