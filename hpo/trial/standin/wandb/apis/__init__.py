"""wandb.apis: what asks W&B's server, which is not here."""

from __future__ import annotations

from typing import Any

from ..errors import Error


class Api:
    """Raises wandb.Error: there is no server to ask."""

    def __init__(self, *args: Any, **options: Any) -> None:
        raise Error("wandb.Api needs W&B's server; install wandb and set WANDB_MODE=online")


PublicApi = InternalApi = Api
