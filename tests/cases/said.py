"""The sweep files of this folder → what `hpo check` says to each, as Markdown.

python -m tests.cases.said > tests/cases/SAID.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpo.cli.check import _range as shown_range
from hpo.sweepfile.explain import explain
from hpo.sweepfile.load import read_sweep

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.yaml"))


def said() -> str:
    """Everything, in the order of the files' names."""
    head = ["# What `hpo check` says to these files", "", "Made by `python -m tests.cases.said`.", ""]
    return "\n".join(head + [line for file in FILES for line in told(file)])


def told(file: Path) -> Iterator[str]:
    """One file's part: its subject, exit code, problems, parameters and a first configuration."""
    loaded = read_sweep(file)
    facts = explain(loaded, samples=1, seed=0)
    yield f"## {file.name}"
    yield ""
    yield file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    yield ""
    size = facts.get("grid_size")
    yield f"exit code {1 if loaded.errors else 0}" + (f", {size:,} trials" if size else "")
    yield ""
    lines = [str(problem).replace(str(file), file.name) for problem in loaded.problems]
    for parameter in facts.get("parameters") or []:
        lines.append(f"{parameter['name']}  {parameter['distribution']}  {shown_range(parameter)}")
    if loaded.sweep:
        lines += [f"first: {json.dumps(short(config))}" for config in facts["samples"]]
    if loaded.sweep and loaded.sweep.command:
        lines += [f"runs: {json.dumps(command)}" for command in facts["commands"]]
    yield "```text"
    yield from lines
    yield "```"
    yield ""


def short(value: Any) -> Any:
    """Floats to six digits: the last ones differ between machines."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    return [short(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    print(said(), end="")
