"""What every searcher of a sweep shares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from hpo.space.space import SearchSpace
from hpo.space.start import Start
from hpo.sweepfile.search import Search
from hpo.tune.earlier import Earlier

BEST = "hpo_best"
"""Key of a result under which the controller passes a trial's best value so far."""
END = "hpo_end"
"""Key of a stock Tuner's last result under which a trial's process tells how it ended."""


class SpaceSearcher(Searcher):
    """The space, the seed, the options of `hpo.search`, and how many suggestions were made.

    In a `tune.Tuner` the space is already set; `param_space`, `metric` and `mode` given there are the same
    ones and are accepted.
    """

    costly = False
    """Whether a suggestion takes so long that it should be made beside the loop that runs trials."""

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        metric: str | None,
        mode: str,
        options: Search | None = None,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self.space = space
        self.seed = seed
        self.options = options or Search()
        self.start = Start(space, seed, self.options.points)
        self.suggested = 0

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        """Accept what Tune passes on: it came from the same translation."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """The next configuration, or Searcher.FINISHED."""
        config = self.propose(trial_id, self.suggested)
        self.suggested += config is not None and config != Searcher.FINISHED
        return config

    def propose(self, trial_id: str, index: int) -> Any:
        """Configuration number `index`, from 0."""
        raise NotImplementedError

    def resumed(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Take over a recorded suggestion, made by a searcher that knew the same."""
        self.suggested += 1

    def recall(self, trials: list[Earlier]) -> bool:
        """Learn from earlier runs before the first suggestion; False where nothing can be learnt."""
        return False

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn, unless a subclass does."""

    def save(self, checkpoint_path: str) -> None:
        """Write the place in the sequence as JSON."""
        Path(checkpoint_path).write_text(json.dumps({"suggested": self.suggested}))

    def restore(self, checkpoint_path: str) -> None:
        """Go on from a saved place."""
        self.suggested = json.loads(Path(checkpoint_path).read_text())["suggested"]
