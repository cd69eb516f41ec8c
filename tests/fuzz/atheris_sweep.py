"""Coverage-guided fuzzing of sweep files: `python -m tests.fuzz.atheris_sweep CORPUS -max_total_time=300`.

Needs the package atheris. What it finds new is written to the first folder named; a crash is an input that
breaks what `judge` demands.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hpo.sweepfile", "hpo.space", "hpo.errors"]):
    from tests.fuzz.judge import judge, judge_setting

FILE = Path(tempfile.mkdtemp(prefix="hpo-fuzz-")) / "sweep.yaml"
SETTING = b"--set "
"""An input that begins so is a setting beside a valid sweep."""
VALID = "method: random\nparameters:\n  lr: {min: 0.0, max: 1.0}\n"


def one_input(data: bytes) -> None:
    """Judge one input."""
    if data.startswith(SETTING):
        FILE.write_text(VALID)
        judge_setting(data.removeprefix(SETTING).decode(errors="surrogateescape"), FILE)
    else:
        FILE.write_bytes(data)
        judge(FILE)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
