"""wandb.sdk.lib.runid."""

from ...util import generate_id

__all__ = ["generate_id"]
