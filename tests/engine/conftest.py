"""What tests of whole runs share."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

import hpo


@pytest.fixture
def run_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs a script by a sweep dict, in a fresh folder; without TensorBoard by default."""
    monkeypatch.chdir(tmp_path)

    def start(script: str, config: dict[str, Any], **options: Any) -> hpo.RunResult:
        Path("train.py").write_text(textwrap.dedent(script))
        whole = {"program": "train.py", "method": "random", "metric": {"name": "loss"}}
        own = {"tensorboard": False, **config.get("hpo", {})}
        return hpo.run(whole | config | {"hpo": own}, out=tmp_path / "run", **options)

    return start
