"""A sweep → Ray Tune's objects: the search space, searcher, scheduler, number of trials and stopper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.tune.schedulers import TrialScheduler
from ray.tune.stopper import Stopper

from hpo.errors import UserError
from hpo.package_name import install
from hpo.sweepfile.choice import choose, lacking
from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.model import Metric, Sweep
from hpo.sweepfile.population import Population
from hpo.tune.custom import CustomSearcher
from hpo.tune.domains import param_space
from hpo.tune.schedulers import scheduler
from hpo.tune.searchers import SEARCHERS, GridSearcher, ModelSearcher, SpaceSearcher
from hpo.tune.seed import fresh_seed


@dataclass(frozen=True)
class Translation:
    """What `ray.tune.Tuner` needs to run a sweep.

        Tuner(train, param_space=t.param_space, run_config=RunConfig(stop=t.stop), tune_config=TuneConfig(
            search_alg=t.search_alg, scheduler=t.scheduler, num_samples=t.num_samples))

    Your function is called with each configuration and reports the sweep's metric with `ray.tune.report`.
    `num_samples` is -1 where neither run_cap nor a grid ends the sweep.
    """

    param_space: dict[str, Any]
    search_alg: SpaceSearcher
    scheduler: TrialScheduler
    num_samples: int
    stop: Stopper | None


class TargetStopper(Stopper):
    """Ends an experiment once a trial has reached `metric.target`."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.reached = False

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        """Look at one result; no trial is stopped by itself."""
        self.reached = self.reached or reaches(self.metric, result.get(self.metric.name))
        return False

    def stop_all(self) -> bool:
        """Whether the target has been reached."""
        return self.reached


def reaches(metric: Metric | None, value: Any) -> bool:
    """Whether a value is as good as `metric.target` (0 is a target too)."""
    if (
        metric is None
        or metric.target is None
        or isinstance(value, bool)
        or not isinstance(value, (int, float))
    ):
        return False
    return value <= metric.target if metric.goal == "minimize" else value >= metric.target


def translate(sweep: str | Path | Mapping[str, Any] | Sweep, *, seed: int | None = None) -> Translation:
    """Translate a sweep file, dict or loaded Sweep; raises SweepError with all problems.

    The seed is `seed`, else the sweep's `hpo.seed`, else a fresh one.
    """
    beside = Path(sweep).resolve().parent if isinstance(sweep, (str, Path)) else Path.cwd()
    sweep = load_sweep(sweep)
    if isinstance(sweep.early_terminate, Population):
        what = f"{sweep.early_terminate.type} starts trials from each other's checkpoints"
        raise UserError(f"{what}, which a stock Tuner cannot; use hpo.run")
    seed = fresh_seed(sweep, seed)
    search_alg = searcher(sweep, seed)
    early = scheduler(sweep, seed, (Path.cwd(), beside))
    count = sweep.run_cap or (search_alg.grid.size if isinstance(search_alg, GridSearcher) else -1)
    stopper = TargetStopper(sweep.metric) if sweep.metric and sweep.metric.target is not None else None
    return Translation(param_space(sweep.space), search_alg, early, count, stopper)


def searcher(
    sweep: Sweep,
    seed: int,
    count: int | None = None,
    folders: Sequence[Path] = (Path(),),
    sampler: str | None = None,
) -> SpaceSearcher:
    """The searcher of a sweep of `count` trials; a class of the user's is imported from `folders`.

    `sampler` is that of a run which goes on, so that more trials choose no other.
    """
    sampler = sampler or choose(sweep, count).sampler
    metric = sweep.metric.name if sweep.metric else None
    own = sweep.hpo.search
    settings: dict[str, Any] = {"seed": seed, "metric": metric, "mode": sweep.goal[:3], "options": own}
    if sampler == "custom":
        return CustomSearcher(sweep.space, target=sweep.method, folders=folders, **settings)
    if missing := lacking(sampler):
        raise UserError(f"{sampler} needs {' and '.join(missing)}; {install(sampler)}")
    cls = SEARCHERS[sampler]
    settings["allow_duplicates"] = sweep.hpo.allow_duplicates
    if issubclass(cls, ModelSearcher) and sweep.metric:
        settings["use"] = sweep.metric.use
        settings["goals"] = {one.name: one.goal for one in sweep.several}
    return cls(sweep.space, **settings)
