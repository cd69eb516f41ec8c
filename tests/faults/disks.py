"""Small disks of a test's own: tmpfs in a mount namespace, which ends with the test, whatever happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.faults.whole import started

HOLD = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo up && exec cat'


class Disk:
    """A context: tmpfs of `size` at `folder`, seen there by what `start` starts, and as `seen` by others."""

    def __init__(self, folder: Path, size: str) -> None:
        folder.mkdir()
        self.folder, self.size = folder, size

    def __enter__(self) -> Disk:
        words = ["sh", "-c", HOLD, "sh", self.size, str(self.folder)]
        self.holder = subprocess.Popen(
            ["unshare", "--mount", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == "up\n", "a test of full disks may have to be run as root"
        self.seen = Path(f"/proc/{self.holder.pid}/root{self.folder}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.holder.communicate("")

    def remount(self, options: str) -> None:
        """Change its size, or make it read-only."""
        self.start("mount", "-o", f"remount,{options}", str(self.folder)).communicate()

    def fill(self) -> Path:
        """Leave no page free; the file that takes them all."""
        filler = self.seen / "filler"
        with open(filler, "wb", buffering=0) as file:
            for size in (2**16, 2**12):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        return filler

    def hpo(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """`hpo` with these arguments, on this disk."""
        return self.start(sys.executable, "-m", "hpo", *arguments, **options)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Any command, on this disk; `environment` marks it and all that it starts."""
        enter = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "sh", "-c", 'cd "$0" && exec "$@"']
        return started([*enter, str(self.folder), *words], str(self.folder), **options)
