"""Which seed a search starts from."""

from __future__ import annotations

import random

from hpo.errors import UserError
from hpo.sweepfile.model import Sweep


def fresh_seed(sweep: Sweep, seed: int | None = None) -> int:
    """`seed`, else the sweep's own (`hpo.search.seed`, `hpo.seed`), else a random one.

    Raises UserError if it is negative.
    """
    own = (seed, sweep.hpo.search.seed, sweep.hpo.seed)
    chosen = next((one for one in own if one is not None), None)
    if chosen is not None and chosen < 0:
        raise UserError(f"a seed is 0 or more, not {chosen}")
    return random.SystemRandom().randrange(2**31) if chosen is None else chosen
