"""`hpo tensorboard`: run directories → TensorBoard, and links into it."""

from __future__ import annotations

import errno
import importlib.util
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from hpo.errors import UserError

if TYPE_CHECKING:
    from hpo.review.dashboard import Shown

PORT, TRIED = 6006, 50
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 (compared, not bound)
STARTING = 60.0
"""Seconds until TensorBoard answers, at the most."""
LOOK = 10.0
"""Seconds between two looks for trials to be shown beside those that are."""


def tensorboard(
    runs: Annotated[list[Path], typer.Argument(help="Run directories.", metavar="RUN...")],
    top: Annotated[int | None, typer.Option(min=1, help="Show the best K trials of each run only.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port [the first free one from 6006 on]; 0: any.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; who reaches it can look.")] = "127.0.0.1",
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make RUN/tensorboard anew from the record; start nothing.")
    ] = False,
) -> None:
    """Start TensorBoard on one or several runs, and print links to what is worth a look."""
    from hpo.review.dashboard import log_directory, remade

    if importlib.util.find_spec("tensorboard") is None:
        raise UserError("tensorboard is not installed in this Python; `pip install tensorboard`")
    if rebuild:
        for run in runs:
            typer.echo(remade(run))
        return
    chosen = _port(host, port)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # links are removed then, too
    with ExitStack() as stack:
        directory, shown = stack.enter_context(log_directory(runs, top))
        said = stack.enter_context(tempfile.TemporaryFile())
        process = _start(directory, host, chosen, said)
        stack.callback(_end, process)
        try:
            if _answered(process, _address(host, chosen)):
                _tell(host, chosen, shown, top)
                _follow(process, directory, shown, top)
        except KeyboardInterrupt:
            print("TensorBoard ends", file=sys.stderr)
            return
        _end(process)
        raise UserError(f"TensorBoard has ended: {_last_line(said, process)}")


def _port(host: str, wanted: int | None) -> int:
    """A port that is free. Raises UserError where the one that was asked for is not, or the host is none."""
    for port in range(PORT, PORT + TRIED) if wanted is None else [wanted]:
        try:
            with socket.create_server((host, port)) as server:
                return int(server.getsockname()[1])
        except socket.gaierror as error:
            raise UserError(f"--host {host}: {error.strerror}; give an address of this machine") from None
        except PermissionError:
            raise UserError(f"port {port} is for root alone; give one above 1023 with --port") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise UserError(f"--host {host} is no address of this machine") from None
    which = f"port {wanted} of {host} is" if wanted is not None else f"{TRIED} ports of {host} are"
    raise UserError(f"{which} taken; give another one with --port, or 0 for any that is free")


def _address(host: str, port: int) -> str:
    """Where it answers on this machine."""
    here = "127.0.0.1" if host in EVERYWHERE else host
    return f"http://{f'[{here}]' if ':' in here else here}:{port}"


def _start(directory: Path, host: str, port: int, said: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(directory)]
    command += ["--host", host, "--port", str(port), "--reload_interval", "5"]
    return subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)


def _answered(process: subprocess.Popen[bytes], address: str) -> bool:
    """Whether it answers within the time that anybody would wait."""
    deadline = time.monotonic() + STARTING
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 (our own)
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
    return False


def _tell(host: str, port: int, shown: list[Shown], top: int | None) -> None:
    from hpo.review.dashboard import links

    base = _address(socket.gethostname() if host in EVERYWHERE else host, port)
    for page, link in links(base, shown, top).items():
        typer.echo(f"{page:<12} {link}")
    sys.stdout.flush()
    print("Ctrl-C ends it", file=sys.stderr, flush=True)


def _follow(process: subprocess.Popen[bytes], directory: Path, shown: list[Shown], top: int | None) -> None:
    """Until it ends; what is linked follows runs that go on."""
    from hpo.review.dashboard import link

    linked = directory != shown[0].root and any(one.driven for one in shown)
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK if linked else None)
            return
        for one in shown:
            with suppress(UserError, OSError):
                link(one.again(), directory, top)


def _last_line(said: IO[bytes], process: subprocess.Popen[Any]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {process.returncode}"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
