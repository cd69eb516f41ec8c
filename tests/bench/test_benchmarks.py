"""Each benchmark still runs, at tiny sizes; its figures are not judged."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.bench.__main__ import BENCHMARKS
from tests.bench.measure import ROOT, SHARED

pytestmark = pytest.mark.ray
ROWS = {
    "check": ("hpo check", "python -c pass"),
    "trials": ("bare limit (fork)", "hpo", "plain subprocess", "hpo.run(train=function)"),
    "reports": ("hpo, 2", "hpo.report in a trial", "script alone"),
    "scale": ("hpo, random", "hpo, TPE"),
    "startup": ("hpo run, one trial", "ray.init() alone"),
    "suggest": ("tpe", "gp", "cmaes", "qmc", "bohb"),
    "regret": ("hpo tpe", "hpo gp", "hpo cmaes", "hpo qmc", "hpo bohb"),
    "tensorboard": ("hpo", "hpo, tensorboard: false", "hpo, 50, data server", "hpo, 50, Python loader"),
    "report": ("20 trials", "200 trials"),
    "nodes": ("2 nodes of 2 slots",),
}
"""Benchmark → some of its rows."""
TORCH = ("suggest", "regret")
"""Those with a method that imports it."""
ALONE = ("startup", "nodes")
"""Those that measure what Ray's start costs, or start nodes; all others use this process's Ray."""


def test_every_benchmark_is_tried_here() -> None:
    assert set(ROWS) == set(BENCHMARKS)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.torch] * (name in TORCH)) for name in ROWS]
)
def test_prints_its_figures_and_goals(name: str, ray_here: str) -> None:
    argv = [sys.executable, "-m", "tests.bench", name, "--quick", "--no-peers"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)} | ({SHARED: ray_here} if name not in ALONE else {})
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for row in ROWS[name]:
        assert re.search(rf"│ {re.escape(row)} +│.*\d.*│", done.stdout), (
            f"{row}\n{done.stdout}\n{done.stderr}"
        )
    goals = [line for line in done.stdout.splitlines() if line.startswith("goal: ")]
    assert goals or name == "check"
    assert all(line.endswith((": met", ": not met", ": not measured")) for line in goals)
