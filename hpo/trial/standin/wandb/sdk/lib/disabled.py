"""wandb.sdk.lib.disabled: kinds that integrations test for; no run here is one of them."""

from __future__ import annotations


class RunDisabled:
    """A run of older releases in mode disabled."""


class SummaryDisabled(dict):  # type: ignore[type-arg]
    """Its summary."""
