"""The processes that a command has started, by what they do; found by a variable that all inherit."""

from __future__ import annotations

import os
from pathlib import Path

MARK = "HPO_TEST_FAMILY"
BOOT = "hpo/trial/boot.py"
"""In the command line of a warm parent, and so of all that it forks."""
NAMES = {"actor": "ray::Slot", "supervisor": "hpo.trial.supervisor", "raylet": "/raylet/raylet --"}
"""Kind of process → what its command line holds."""


def family(mark: str) -> dict[int, str]:
    """Process number → command line of all that live, zombies left out."""
    wanted = f"{MARK}={mark}".encode()
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


def of_kind(mark: str, kind: str) -> list[int]:
    """Process numbers of one kind: actor, supervisor, raylet, parent, trial, or all."""
    members = family(mark)
    if kind in NAMES:
        return [pid for pid, line in members.items() if NAMES[kind] in line]
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


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def environment(mark: str) -> dict[str, str]:
    """What a command is to be started with."""
    return {**os.environ, MARK: mark}
