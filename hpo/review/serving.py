"""A log directory → a TensorBoard process that answers on this machine until it is ended."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from hpo.errors import UserError

PORT, TRIED = 6006, 50
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 (compared, not bound)
STARTING = 60.0
"""Seconds until TensorBoard answers, at the most."""
RELOAD = 5
"""Seconds between two of its looks for new data."""


def free_port(host: str, wanted: int | None) -> int:
    """A port of an address of this machine: `wanted` (0: any), else the first free one from 6006 on.

    Raises:
        UserError: It is taken, or the host is none of this machine's.
    """
    wrong = "give an address of this machine"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host or None, 0, family)
    except (socket.gaierror, UnicodeError) as error:
        said = error.strerror if isinstance(error, socket.gaierror) else "that is no name of a machine"
        raise UserError(f"--host {host}: {said}; {wrong}") from None
    for port in range(PORT, PORT + TRIED) if wanted is None else [wanted]:
        try:
            with socket.create_server((host, port), family=family) as server:
                return int(server.getsockname()[1])
        except PermissionError:
            raise UserError(f"port {port} is for root alone; give one above 1023 with --port") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise UserError(f"--host {host}: {os.strerror(error.errno or 0)}; {wrong}") from None
    which = f"port {wanted} of {host} is" if wanted is not None else f"{TRIED} ports of {host} are"
    raise UserError(f"{which} taken; give another one with --port, or 0 for any that is free")


class Server:
    """TensorBoard on a log directory; as a context, it ends with it."""

    def __init__(self, directory: Path, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(directory.absolute())]
        command += ["--host", host, "--port", str(port), "--reload_interval", str(RELOAD)]
        self._process = subprocess.Popen(
            command,
            cwd="/",  # `-m` looks for modules there first
            stdout=self._said,
            stderr=self._said,
            start_new_session=True,
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()
        self._said.close()

    def address(self) -> str:
        """Where others may reach it, by the machine's name if it listens on all its addresses."""
        return _url(socket.gethostname() if self.host in EVERYWHERE else self.host, self.port)

    def answers(self) -> bool:
        """Whether it answers, within the time that anybody would wait."""
        here = _url("127.0.0.1" if self.host in EVERYWHERE else self.host, self.port)
        deadline = time.monotonic() + STARTING
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(here, timeout=5):  # noqa: S310 (our own)
                    return True
            except urllib.error.HTTPError:
                return True
            except OSError:
                time.sleep(0.1)
        return False

    def ended(self, seconds: float | None) -> bool:
        """Wait so long, or for as long as it runs; whether it has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        """End it; the last line that it has printed."""
        self._end()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"

    def _end(self) -> None:
        self._process.terminate()
        if not self.ended(5):
            self._process.kill()
            self._process.wait()


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
