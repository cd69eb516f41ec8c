"""`python -m tests.fuzz [--seconds 600]`: all ways of fuzzing sweep files, and a table of what came of them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHARES = {"extremes": 0.0, "corpus": 0.0, "built": 0.25, "mutated": 0.2, "settings": 0.1, "atheris": 0.45}
"""Of the time; the first two take what they take."""
ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def fuzz(kind: str, seconds: float) -> dict[str, Any]:
    """The figures of one kind; findings tell of a child that was ended, too."""
    with tempfile.TemporaryDirectory(prefix="hpo-fuzz-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.child", kind, str(seconds), folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 600)
        if done.returncode == 0:
            figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            return figures
        kept = (Path(folder) / "sweep.yaml").read_bytes()[:300]
        why = f"ended with {done.returncode} at {kept!r}: {done.stderr[-3000:]}"
    return {"kind": kind, "seconds": seconds, "inputs": 0, "findings": [why]}


def atheris(seconds: float, found: Path) -> dict[str, Any]:
    """Coverage-guided: new inputs go to the folder `found`, crashes stop the run."""
    folders = [str(found), str(HERE / "corpus"), str(ROOT / "configs" / "digits")]
    limits = [f"-max_total_time={int(seconds)}", "-timeout=30", "-rss_limit_mb=400", "-max_len=4096"]
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.atheris_sweep",
        *folders,
        *limits,
        f"-artifact_prefix={found}/",
    ]
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=seconds + 600)
    said = done.stderr.decode(errors="replace")
    told = re.findall(r"#(\d+)\s.*?cov: (\d+).*?rss: (\d+)Mb", said) or [("0", "0", "0")]
    findings = [said[-3000:]] if done.returncode else []
    return {
        "kind": f"atheris, {told[-1][1]} edges",
        "seconds": time.monotonic() - start,
        "inputs": int(told[-1][0]),
        "peak": f"{told[-1][2]} MB in all",
        "findings": findings,
    }


def main() -> int:
    """Print the table; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="in all")
    parser.add_argument("--found", type=Path, help="folder for what atheris finds new")
    chosen = parser.parse_args()
    found = chosen.found or Path(tempfile.mkdtemp(prefix="hpo-fuzz-"))
    found.mkdir(parents=True, exist_ok=True)
    print(
        f"{'inputs':<24}{'number':>9}{'s':>7}{'a second':>10}  {'slowest':<12}{'peak':<18}findings",
        flush=True,
    )
    findings = []
    for kind, share in SHARES.items():
        if kind == "atheris" and importlib.util.find_spec("atheris") is None:
            print("atheris is not installed: pip install atheris")
            continue
        seconds = share * chosen.seconds
        row = atheris(seconds, found) if kind == "atheris" else fuzz(kind, seconds)
        pace = row["inputs"] / max(row["seconds"], 1e-9)
        slowest = f"{row['slowest']:.1f} s" if "slowest" in row else "-"
        memory = row.get("peak") or f"{row.get('peak_mb', 0):.0f} MB more"
        facts = f"{row['kind']:<24}{row['inputs']:>9,}{row['seconds']:>7.0f}{pace:>10.1f}"
        print(f"{facts}  {slowest:<12}{memory:<18}{len(row['findings'])}", flush=True)
        for name in ("slowest_name", "peak_name"):
            if row.get(name):
                print(f"    {name.removesuffix('_name')}: {row[name]}")
        findings += row["findings"]
    print(*findings, sep="\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
