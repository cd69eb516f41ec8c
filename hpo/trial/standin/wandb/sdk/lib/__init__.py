"""wandb.sdk.lib."""

from . import config_util, runid, telemetry
from .disabled import RunDisabled, SummaryDisabled

__all__ = ["RunDisabled", "SummaryDisabled", "config_util", "runid", "telemetry"]
