"""wandb.sdk.lib.telemetry: integrations note here which features are used; nothing is noted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any


@contextlib.contextmanager
def context(*args: Any, **options: Any) -> Iterator[SimpleNamespace]:
    """Something to note features in."""
    yield SimpleNamespace(feature=SimpleNamespace(), env=SimpleNamespace())
