"""The table of all 18 distributions of W&B sweeps: name → class.

Formulas follow W&B's `sweeps` 0.3.0; its two wrong ends are mended (at u = 0 its int_uniform gives min - 1
and its categorical the last value). A new distribution is one class and one line here.
"""

from __future__ import annotations

from hpo.space.bells import Beta, LogNormal, Normal, QBeta, QLogNormal, QNormal
from hpo.space.categories import Categorical, Constant, WeightedCategorical
from hpo.space.distribution import Distribution
from hpo.space.ranges import (
    IntUniform,
    InvLogUniform,
    InvLogUniformValues,
    LogUniform,
    LogUniformValues,
    QLogUniform,
    QLogUniformValues,
    QUniform,
    Uniform,
)

DISTRIBUTIONS: dict[str, type[Distribution]] = {
    cls.name: cls
    for cls in (
        Constant,
        Categorical,
        WeightedCategorical,
        IntUniform,
        Uniform,
        QUniform,
        LogUniform,
        LogUniformValues,
        QLogUniform,
        QLogUniformValues,
        InvLogUniform,
        InvLogUniformValues,
        Normal,
        QNormal,
        LogNormal,
        QLogNormal,
        Beta,
        QBeta,
    )
}
