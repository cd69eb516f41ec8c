"""Small disks of a test's own: tmpfs in a mount namespace, which ends with the test, whatever happens."""

from __future__ import annotations

import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.faults.family import environment
from tests.faults.whole import started

HOLD = "echo up && exec cat"
MOUNT = ["mount", "-t", "tmpfs"]
RAY = """
import os, sys, ray
from hpo.engine.cluster import connected
with connected(None):
    mode = os.environ.get("RAY_AUTH_MODE", "")  # set where Ray has made a token
    print(f"RAY_ADDRESS={ray.get_runtime_context().gcs_address} RAY_AUTH_MODE={mode}", flush=True)
    sys.stdin.read()
"""


class Mounts:
    """A context: a mount namespace of its own, and a Ray in it once `ray` is asked for."""

    def __enter__(self) -> Mounts:
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.head: subprocess.Popen[str] | None = None
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == "up\n", "a test of full disks may have to be run as root"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in filter(None, (self.head, self.holder)):
            process.communicate("")

    def words(self, folder: Path, *words: str) -> list[str]:
        """What runs a command in the namespace, in a folder."""
        enter = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "sh", "-c", 'cd "$0" && exec "$@"']
        return [*enter, str(folder), *words]

    @cached_property
    def ray(self) -> dict[str, str]:
        """What in its environment leads a command to a Ray that sees what is mounted here."""
        words = self.words(Path("/"), sys.executable, "-c", RAY)
        self.head = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.head.stdout is not None
        pairs = (pair.split("=", 1) for pair in self.head.stdout.readline().split())
        return {name: value for name, value in pairs if value}


class Disk:
    """A context: tmpfs of `size` at `folder`, seen there by what `start` starts, and as `seen` by others."""

    def __init__(self, mounts: Mounts, folder: Path, size: str) -> None:
        folder.mkdir()
        self.mounts, self.folder = mounts, folder
        subprocess.run(
            mounts.words(Path("/"), *MOUNT, "-o", f"size={size}", "tmpfs", str(folder)), check=True
        )
        self.seen = Path(f"/proc/{mounts.holder.pid}/root{folder}")

    def __enter__(self) -> Disk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(self.mounts.words(Path("/"), "umount", "--lazy", str(self.folder)), check=True)

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

    def hpo(self, *arguments: str, own_ray: bool = False, **options: Any) -> subprocess.Popen[str]:
        """`hpo` with these arguments, on this disk; on a Ray of its own, or on the one of all these tests."""
        options["env"] = environment(str(self.folder)) | ({} if own_ray else self.mounts.ray)
        return self.start(sys.executable, "-m", "hpo", *arguments, **options)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Any command, on this disk; `environment` marks it and all that it starts."""
        return started(self.mounts.words(self.folder, *words), str(self.folder), **options)
