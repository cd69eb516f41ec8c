"""A node on which trials kept failing while they succeeded elsewhere, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.record.trial import as_whole


@dataclass(frozen=True)
class SetAside:
    """A node that gets no more trials."""

    node: str
    """Its host name."""
    failed: int
    """So many trials in a row failed there,"""
    elsewhere: int
    """while so many succeeded on other nodes."""
    reason: str
    """What most of them failed of."""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> SetAside:
        """As the journal tells it."""
        node, reason = (str(event.get(key, "")) for key in ("node", "reason"))
        failed, elsewhere = (as_whole(event.get(key), 0) for key in ("failed", "elsewhere"))
        return cls(node, failed, elsewhere, reason)

    def __str__(self) -> str:
        here = f"{self.failed} trials in a row failed there ({self.reason})"
        return f"{here} while {self.elsewhere} succeeded elsewhere"
