"""A case as a run of its own → what each of its trials did."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hpo.record.metrics import read_rows
from hpo.record.trial import TrialRecord
from hpo.record.trials import load_run
from tests.faithful.case import SCRIPTS, Case

TIMES = {"_time", "_timestamp", "_runtime"}
UNEQUAL = re.compile(r"events\.out\.tfevents|\.ckpt$|\.pt$|\.pyc$|\.db$|hparams\.yaml|/cache/")
"""Files whose content may differ: it has times in it, or is written by several trials."""
OWN = {"seen.json", "log.txt", "metrics.jsonl", "params.yaml", "end.json"}
"""Files of a trial's folder that are compared otherwise, or are hpo's."""
POOLED = re.compile(r"_\d+$")
"""How concurrent.futures names the threads of a pool."""


@dataclass(frozen=True)
class Trial:
    """What one trial did, as far as it can be compared."""

    end: tuple[Any, ...]
    """State, exit code and reason."""
    rows: list[dict[str, Any]]
    seen: dict[str, Any]
    """What it wrote of its own process at its end."""
    files: dict[str, str] = field(default_factory=dict)
    """Digests of what it wrote into its folder."""
    lines: frozenset[str] = frozenset()
    """Lines of its log, numbers left out."""

    @property
    def forked(self) -> bool:
        """Whether it was forked: its command line is then that of its parent."""
        words = self.seen.get("command") or [""]
        return any("forkserver" in word or word.endswith("boot.py") for word in words)


@dataclass(frozen=True)
class Outcome:
    """A run: its trials, what the run said, and what all of them have left in the working directory."""

    trials: dict[int, Trial]
    output: str
    files: frozenset[str]
    notes: tuple[str, ...]


def run(case: Case, python: Path, folder: Path, *, warm: bool, trials: int, slots: int) -> Outcome:
    """Run a case in a new folder. Raises RuntimeError where the run itself cannot be made."""
    folder.mkdir(parents=True)
    for script in SCRIPTS.glob("*.py"):
        (folder / script.name).write_bytes(script.read_bytes())
    _must([str(python), "data.py", *case.packages], folder)
    before = set(_below(folder))
    sweep = case.sweep(warm=warm, trials=trials, slots=slots)
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep), encoding="utf-8")
    before.add(Path("sweep.yaml"))
    output = _must([str(python), "-m", "hpo", "run", "sweep.yaml", "--out", "RUN"], folder)
    state = load_run(folder / "RUN")
    found = {one.number: _trial(folder, one) for one in state.trials}
    left = frozenset(_plain(str(path)) for path in _below(folder) if path not in before)
    notes = tuple(line.strip() for line in output.splitlines() if "fork" in line or "preload" in line)
    return Outcome(found, output, frozenset(one for one in left if "__pycache__" not in one), notes)


def _must(command: list[str], folder: Path) -> str:
    """Run it in the environment of its interpreter: trials start `python` by name. Raises RuntimeError."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if ended.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout + ended.stderr


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_relative_to(folder / "RUN"):
            yield path.relative_to(folder)


def _trial(folder: Path, record: TrialRecord) -> Trial:
    directory = folder / "RUN" / "trials" / f"{record.number:04d}"
    rows = [
        {key: value for key, value in row.items() if key not in TIMES}
        for row in read_rows(folder / "RUN", record.number)
    ]
    seen = directory / "seen.json"
    known: dict[str, Any] = json.loads(seen.read_text(encoding="utf-8")) if seen.is_file() else {}
    log = (directory / "log.txt").read_text(encoding="utf-8", errors="replace")
    said = [line.replace(str(folder), "FOLDER") for line in log.splitlines() if not line.startswith("hpo: ")]
    lines = frozenset(_plain(line).strip() for line in said)
    ended = json.loads((directory / "end.json").read_text(encoding="utf-8"))
    end = (record.state, ended["end"]["exit_code"], record.reason)
    known = _same(known, str(folder))
    known["descriptors"] = sorted(set(known.get("descriptors", [])))  # a library's threads open more or fewer
    known["threads"] = list(_threads(known.get("threads", [])))
    return Trial(end, rows, known, dict(_digests(directory)), lines)


def _threads(names: Sequence[str]) -> Iterator[str]:
    """Names of threads; those of one pool, which starts as many as happen to be needed, count as one."""
    yield from sorted({POOLED.sub("_*", name) for name in names if POOLED.search(name)})
    yield from sorted(name for name in names if not POOLED.search(name))


def _digests(directory: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if not path.is_file() or name in OWN:
            continue
        digest = "" if UNEQUAL.search(f"/{name}") else hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        yield _plain(name), digest


def _same(value: Any, folder: str) -> Any:
    """Without what differs between two runs in any case: their folder, numbers of pipes and processes."""
    if isinstance(value, Mapping):
        return {key: _same(one, folder) for key, one in value.items()}
    if isinstance(value, list):
        return [_same(one, folder) for one in value]
    if not isinstance(value, str):
        return value
    text = value.replace(folder, "FOLDER")
    text = re.sub(r"(pipe|socket|anon_inode):\[?\w+\]?", r"\1", text)
    text = re.sub(r"hpo-[0-9a-f]{12}", "hpo-SLOT", text)
    text = re.sub(r"\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d", "DATE/TIME", text)
    text = re.sub(r"/tmp/tmp\w{8}(-\w{8})?", "/tmp/tmp", text)
    text = re.sub(r"/dev/shm/torch_\d+_\d+_\d+", "/dev/shm/torch", text)
    return re.sub(r"0x[0-9a-f]+", "ADDRESS", text)


def _plain(text: str) -> str:
    """Without numbers, times and random names."""
    text = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{16,}\b", "N", text)
    text = re.sub(r"(tmp|wandb-media|loky-|pym-)[\w-]+", r"\1", text)
    return re.sub(r"\d+(\.\d+)?(e[-+]?\d+)?", "N", text)
