"""Which seed a search starts from."""

from __future__ import annotations

import random

from hpo.sweepfile.model import Sweep


def fresh_seed(sweep: Sweep, seed: int | None = None) -> int:
    """`seed`, else the sweep's own (`hpo.search.seed`, `hpo.seed`), else a random one."""
    own = (seed, sweep.hpo.search.seed, sweep.hpo.seed)
    chosen = next((one for one in own if one is not None), None)
    return random.SystemRandom().randrange(2**31) if chosen is None else chosen
