"""What the tests of sweep files share: text → what reading it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hpo.sweepfile.load import Loaded, read_sweep

Read = Callable[..., Loaded]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a text or bytes to sweep.yaml, and read that."""

    def one(text: str | bytes, overrides: Sequence[str] = ()) -> Loaded:
        path = tmp_path / "sweep.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_sweep(path, overrides)

    return one
