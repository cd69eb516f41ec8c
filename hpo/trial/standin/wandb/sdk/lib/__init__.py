"""wandb.sdk.lib."""

from ..._run import Run as RunDisabled

__all__ = ["RunDisabled"]
