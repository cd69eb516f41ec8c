"""wandb.sdk.wandb_summary."""

from hpo.trial.summary import Summary

__all__ = ["Summary"]
