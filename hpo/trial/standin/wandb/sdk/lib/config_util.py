"""wandb.sdk.lib.config_util."""

from ...errors import ConfigError

__all__ = ["ConfigError"]
