"""Which seed a search starts from."""

from __future__ import annotations

import random

from hpo.sweepfile.model import Sweep


def fresh_seed(sweep: Sweep, seed: int | None = None) -> int:
    """`seed`, else the sweep's own, else a random one."""
    chosen = seed if seed is not None else sweep.hpo.seed
    return random.SystemRandom().randrange(2**31) if chosen is None else chosen
