"""wandb.sdk.data_types."""

from ..data_types import *  # noqa: F403 - the same names
