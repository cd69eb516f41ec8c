"""wandb.apis.public."""

from . import Api

__all__ = ["Api"]
