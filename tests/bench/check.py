"""What `hpo check` costs beside an empty Python and beside importing what it must not import."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.measure import ROOT
from tests.bench.table import Options, compare

GRID = "method: grid\nprogram: x.py\nparameters:\n" + "".join(
    f"  {name}: {{min: 1, max: {size}}}\n" for name, size in {"a": 720, "b": 36, "c": 10}.items()
)


def main(options: Options) -> None:
    """Print the table, then which of Ray and torch a check loads."""
    python = sys.executable
    sweep = str(ROOT / "configs/digits/bayes-hyperband.yaml")
    with tempfile.TemporaryDirectory() as folder:
        grid = Path(folder, "grid.yaml")
        grid.write_text(GRID)
        compare(
            "hpo check",
            {
                "python -c pass": [python, "-c", "pass"],
                "hpo check": [python, "-m", "hpo", "check", sweep],
                "hpo check --json": [python, "-m", "hpo", "check", "--json", sweep],
                "hpo check, grid of 259,200": [python, "-m", "hpo", "check", str(grid)],
                "python -c 'import ray'": [python, "-c", "import ray"],
                "python -c 'import ray.tune'": [python, "-c", "import ray.tune"],
            },
            options.times(15),
        )
    trace = subprocess.run(
        [python, "-X", "importtime", "-m", "hpo", "check", sweep], capture_output=True, text=True, check=True
    ).stderr
    loaded = {
        line.rsplit("|", 1)[-1].strip() for line in trace.splitlines() if line.startswith("import time")
    }
    for name in ("ray", "torch", "optuna", "numpy", "scipy"):
        print(f"{name}: {'loaded' if name in loaded else 'not loaded'}")
    print(f"{len(loaded)} modules in all")
