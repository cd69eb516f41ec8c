"""Gathering memory in huge pages changes where it lies, and nothing that is in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import mmap, random
from hpo.trial.hugepages import collapse

def amount(name):
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))

reserved = mmap.mmap(-1, 2**28, flags=mmap.MAP_PRIVATE)
held = [random.Random(1).randbytes(2**24)] + [{n: str(n)} for n in range(200_000)]
before, whole = amount("AnonHugePages"), amount("Rss")
count = collapse(60)
assert held[0] == random.Random(1).randbytes(2**24)
assert all(one == {n: str(n)} for n, one in enumerate(held[1:]))
print(count > 8, amount("AnonHugePages") > before + 2**13)
assert amount("Rss") < whole + 2**15
"""


@pytest.mark.process
def test_memory_is_gathered_where_the_system_can() -> None:
    printed = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    able = release >= (6, 1) and setting.exists() and "[never]" not in setting.read_text()
    assert printed.split() == [str(able)] * 2
