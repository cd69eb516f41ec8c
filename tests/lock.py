"""pyproject.toml → constraints.txt, exact versions of all it names: `python -m tests.lock [--check]`.

One file for Python 3.10 to 3.13, which differ by markers; pip and uv read it with `-c`. Versions are the newest
of today, so before it is committed run tests/run.sh as it is, with --newest, --oldest and every --python.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "constraints.txt"
HEADER = "# Made by `python -m tests.lock` from pyproject.toml, for Python 3.10 to 3.13 on Linux.\n"
ELSEWHERE = re.compile(r"^(nvidia|cuda)-|^triton==|sys_platform == 'win32'")
"""What is not for Linux, and what a CUDA build of torch brings: it fixes their versions itself."""


def locked() -> str:
    """The file's text by what the package index has now; raises CalledProcessError where it cannot be made."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--python-version"]
    command += ["3.10", "--no-annotate", "--no-header", "--quiet", "--upgrade"]
    made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return HEADER + "".join(f"{line}\n" for line in made.splitlines() if not ELSEWHERE.search(line))


if __name__ == "__main__":
    text = locked()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if text == FILE.read_text() else f"{FILE.name}: newer versions are out; python -m tests.lock")
    FILE.write_text(text)
    print(f"{FILE.name}: {text.count(chr(10)) - 1} versions")
