"""numba: functions compiled in the trial, one with threads."""

import numpy as np
import seen
from numba import njit, prange

import hpo


@njit(parallel=True)
def total(values):
    result = 0.0
    for i in prange(len(values)):
        result += values[i]
    return result


seed = hpo.config()["seed"]
hpo.report({"loss": total(np.arange(1000.0) * seed)})
seen.note(seeded=False)
