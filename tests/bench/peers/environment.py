"""The tools that hpo does not need itself, in an environment of their own that is made at its first use."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.bench.measure import PYTHON, ROOT

FOLDER = ROOT / ".venv-peers"
PACKAGES = ("syne-tune==0.16.0", "hydra-core==1.3.8", "hydra-joblib-launcher==1.2.0")


def peers_python() -> str:
    """The Python of that environment; it also finds what the running one has (torch), after its own."""
    python = FOLDER / "bin" / "python"
    site = sysconfig.get_path("purelib")
    stamp, wanted = FOLDER / "stamp", "\n".join([*PACKAGES, sys.version, site])
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    print(f"installing {', '.join(PACKAGES)} into {FOLDER}", file=sys.stderr)
    subprocess.run([PYTHON, "-m", "venv", "--clear", str(FOLDER)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-qq", *PACKAGES], check=True)
    own = sysconfig.get_path("purelib", vars={"base": str(FOLDER), "platbase": str(FOLDER)})
    Path(own, "running-python.pth").write_text(site + "\n")
    stamp.write_text(wanted)
    return str(python)
