"""Distribution → Ray Tune domain, for `param_space`."""

from __future__ import annotations

from typing import Any

from ray import tune
from ray.tune.search.sample import BaseSampler, Domain

from hpo.space.categories import Categorical, WeightedCategorical
from hpo.space.distribution import Distribution, Quantised
from hpo.space.ranges import IntUniform, LogUniform, Uniform
from hpo.space.space import SearchSpace


class Quantile(Domain):
    """A domain that samples by a distribution's quantile function, where Tune has none of the same law."""

    class _Sampler(BaseSampler):
        def sample(
            self, domain: Quantile, config: Any = None, size: int = 1, random_state: Any = None
        ) -> Any:
            """One value, or a list of `size` values."""
            import numpy

            generator = numpy.random.default_rng() if random_state in (None, "legacy") else random_state
            drawn = [domain.distribution.draw(float(generator.uniform(0.0, 1.0))) for _ in range(size)]
            return drawn[0] if size == 1 else drawn

    default_sampler_cls = _Sampler

    def __init__(self, distribution: Distribution) -> None:
        self.distribution = distribution

    def is_valid(self, value: Any) -> bool:
        """Whether `value` lies within the support."""
        support = self.distribution.support()
        return support is None or support[0] <= value <= support[1]

    @property
    def domain_str(self) -> str:
        """For Tune's tables."""
        return str(self.distribution)


def domain(distribution: Distribution) -> Any:
    """A native Tune domain where one has exactly the same law, else a Quantile; constants stay plain."""
    if distribution.constant:
        return distribution.ppf(0.5)
    if isinstance(distribution, (Quantised, WeightedCategorical)):
        return Quantile(distribution)
    if isinstance(distribution, Categorical):
        return tune.choice(distribution.values)
    if isinstance(distribution, IntUniform):
        return tune.randint(distribution.min, distribution.max + 1)
    if isinstance(distribution, Uniform):
        return tune.uniform(distribution.min, distribution.max)
    if isinstance(distribution, LogUniform):
        return tune.loguniform(*distribution.bounds())
    return Quantile(distribution)


def param_space(space: SearchSpace, *, conditional: bool = False) -> dict[str, Any]:
    """The space as Tune's `param_space`, nested as the script sees it.

    Tune has no conditions, and would keep a parameter that a suggestion leaves out: those with a `when` are
    not in it unless `conditional`, and come from the searcher alone.
    """
    shown = [conditional or not leaf.when for leaf in space.leaves]
    return space.nest((domain(leaf.distribution) for leaf in space.leaves), shown)
