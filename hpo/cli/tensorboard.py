"""`hpo tensorboard`: run directories → TensorBoard, and links into it."""

from __future__ import annotations

import importlib.util
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.errors import UserError

if TYPE_CHECKING:
    from hpo.review.dashboard import Shown
    from hpo.review.serving import Server

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
    from hpo.review.serving import Server, free_port

    if importlib.util.find_spec("tensorboard") is None:
        raise UserError("tensorboard is not installed in this Python; `pip install tensorboard`")
    if rebuild:
        for run in runs:
            typer.echo(remade(run))
        return
    chosen = free_port(host, port)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # links are removed then, too
    with log_directory(runs, top) as (directory, shown), Server(directory, host, chosen) as server:
        try:
            if server.answers():
                _tell(server, shown, top)
                _follow(server, directory, shown, top)
        except KeyboardInterrupt:
            print("TensorBoard ends", file=sys.stderr)
            return
        raise UserError(f"TensorBoard has ended: {server.last_words()}")


def _tell(server: Server, shown: list[Shown], top: int | None) -> None:
    from hpo.review.dashboard import links

    for page, link in links(server.address(), shown, top).items():
        typer.echo(f"{page:<12} {link}")
    sys.stdout.flush()
    print("Ctrl-C ends it", file=sys.stderr, flush=True)


def _follow(server: Server, directory: Path, shown: list[Shown], top: int | None) -> None:
    """Until it ends; what is linked follows runs that go on."""
    from hpo.review.dashboard import link

    linked = directory != shown[0].root and any(one.driven for one in shown)
    while not server.ended(LOOK if linked else None):
        for one in shown:
            with suppress(UserError, OSError):
                link(one.again(), directory, top)
