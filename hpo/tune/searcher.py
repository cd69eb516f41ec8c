"""What every searcher of a sweep shares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ray.tune.search import Searcher

from hpo.space.cells import Cells
from hpo.space.space import SearchSpace
from hpo.space.start import Start
from hpo.space.tried import Tried
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

    Where every parameter has finitely many values and the subclass is `unique`, nothing is suggested twice
    until all that draws can give was suggested; `allow_duplicates` turns that off. Trials of earlier runs
    (`recall`) may come again.
    """

    costly = False
    """Whether a suggestion takes so long that it should be made beside the loop that runs trials."""
    unique: ClassVar[bool] = False
    """Whether it makes no suggestion twice; a subclass that says so takes heed of `tried`."""

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int,
        metric: str | None,
        mode: str,
        options: Search | None = None,
        allow_duplicates: bool = False,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self.space = space
        self.seed = seed
        self.options = options or Search()
        self.start = Start(space, seed, self.options.points)
        self.suggested = 0
        cells = Cells.of(space) if self.unique and not allow_duplicates else None
        self.tried = None if cells is None else Tried(cells)
        """What was suggested; None where that does not matter."""
        self.notes: list[str] = []
        """What the user should know; whoever reads them takes them away."""

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        """Accept what Tune passes on: it came from the same translation."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """The next configuration, or Searcher.FINISHED."""
        config = self.propose(trial_id, self.suggested)
        if config is not None and config != Searcher.FINISHED:
            self.announce()
            self.count(self.cell(config))
        return config

    def propose(self, trial_id: str, index: int) -> Any:
        """Configuration number `index`, from 0."""
        raise NotImplementedError

    def drawn(self, index: int) -> dict[str, Any]:
        """Draw number `index`, one that was not tried before where there is one."""
        return self.start.config(index) if self.tried is None else self.tried.draw(self.start, index)

    def resumed(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Take over the next suggestion from the record of a run with the same sweep and seed.

        Told what that run was told, the search goes on as if it had made the suggestion now. Raises KeyError
        or ValueError where the configuration is none of the space.
        """
        self.count(self.cell(config))

    def cell(self, config: Mapping[str, Any]) -> int | None:
        """The number of a configuration, None where it does not matter what was tried."""
        return None if self.tried is None else self.tried.cells.number(config)

    def count(self, cell: int | None, change: int = 1) -> None:
        """A suggestion was made, or with -1 the newest was taken back; `cell` is its number."""
        self.suggested += change
        if self.tried is None or cell is None:
            return
        if change < 0:
            self.tried.remove(cell)
            return
        self.tried.add(cell)

    def announce(self) -> None:
        """Before a suggestion is counted: say that it is the first that repeats, where it is."""
        if self.tried is not None and self.tried.exhausted and not self.tried.again:
            size = self.tried.size
            self.notes.append(f"all {size:,} configurations of the space were tried; from now on they repeat")

    def recall(self, trials: list[Earlier]) -> bool:
        """Learn from earlier runs before the first suggestion; False where nothing can be learnt."""
        return False

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn, unless a subclass does."""

    def save(self, checkpoint_path: str) -> None:
        """Write the place in the sequence as JSON, and what was tried."""
        tried = [] if self.tried is None else self.tried.numbers
        Path(checkpoint_path).write_text(json.dumps({"suggested": self.suggested, "tried": tried}))

    def restore(self, checkpoint_path: str) -> None:
        """Go on from a saved place."""
        saved = json.loads(Path(checkpoint_path).read_text())
        self.suggested = saved["suggested"]
        if self.tried is not None:
            self.tried.numbers = list(saved["tried"])
