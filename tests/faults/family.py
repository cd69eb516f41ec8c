"""The processes that a command has started, by what they do; found by a variable that all inherit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.faults.objective import FOLDER

BOOT = "hpo/trial/boot.py"
"""In the command line of a warm parent, and so of all that it forks."""
NAMES = {"actor": "ray::Slot", "supervisor": "hpo.trial.supervisor", "raylet": "/raylet/raylet --"}
"""Kind of process → what its command line holds."""


def family(folder: Path | str) -> dict[int, str]:
    """Process number → command line of all that live, zombies left out."""
    wanted = f"{FOLDER}={folder}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (
                    (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
                )
        except OSError:
            continue
    return found


def of_kind(folder: Path | str, kind: str, names: Mapping[str, str] = NAMES) -> list[int]:
    """Process numbers of one kind: actor, supervisor, raylet, parent, trial, or all."""
    members = family(folder)
    if kind in names:
        return [pid for pid, line in members.items() if names[kind] in line]
    above = {pid: _parent(pid) for pid in members}
    supervisors = {pid for pid, line in members.items() if NAMES["supervisor"] in line}
    booted = {pid for pid, line in members.items() if BOOT in line}
    parents = {pid for pid in booted if above[pid] in supervisors}
    if kind == "parent":
        return sorted(parents)
    if kind == "trial":
        started = {pid for pid in members if above[pid] in supervisors | booted}
        return sorted(started - parents - set(above.values()))
    return sorted(members)


def environment(folder: Path | str) -> dict[str, str]:
    """What a command is to be started with, so that all that it starts is found by `folder`."""
    return {**os.environ, FOLDER: str(folder)}


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
