"""The scripts themselves, as they are read; tests/run.sh has them checked by shellcheck."""

from __future__ import annotations

from tests.cluster.lab import ROOT

SCRIPTS = {"submit.sh", "start-head.sh", "start-worker.sh", "node.sh"}


def test_scripts_can_be_followed() -> None:
    lengths = {name: len((ROOT / "slurm" / name).read_text().splitlines()) for name in SCRIPTS}
    assert max(lengths.values()) < 200, lengths
