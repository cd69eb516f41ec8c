"""`hpo` and `python -m hpo`: words → commands; exceptions → one message and an exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback

import typer

import hpo
from hpo.cli.best import best
from hpo.cli.check import check
from hpo.cli.export import export
from hpo.cli.report import report
from hpo.cli.resume import resume
from hpo.cli.run import run
from hpo.cli.schedule import schedule
from hpo.cli.schema import schema
from hpo.cli.status import status
from hpo.cli.stop import stop
from hpo.cli.streams import set_up
from hpo.cli.submit import submit
from hpo.cli.tensorboard import tensorboard
from hpo.errors import HpoError, visible
from hpo.package_name import namesake

app = typer.Typer(
    name="hpo",
    help="Run a W&B sweep file at Ray speed on hardware that you already have.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (check, run, resume, status, stop, best, report, tensorboard, export, schedule, schema):
    app.command()(command)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(submit)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        typer.echo(f"hpo {hpo.__version__}")
        raise typer.Exit
    if note := namesake():
        print(f"hpo: note: {note}", file=sys.stderr)


def main() -> None:
    """Run a command; exits with 0 done, 1 user or site, 2 usage, 3 bug, 75 resumable, 130 interrupted."""
    set_up()
    try:
        _call()
    except HpoError as error:
        print("\n".join(map(visible, f"hpo: {error}".split("\n"))), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("hpo: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        print(f"hpo: a bug: {type(error).__name__}: {error}; trace in {_log(error)}", file=sys.stderr)
        sys.exit(3)


def _call() -> None:
    """Run the command, and have its result written."""
    try:
        app()
    finally:
        if sys.stdout:  # None where the caller has closed it
            sys.stdout.flush()


def _log(error: BaseException) -> str:
    """Write a bug's trace, with versions and the command, to a file of its own, or to stderr."""
    trace = "".join(traceback.format_exception(error))
    text = f"hpo {hpo.__version__}, python {sys.version}\n{' '.join(sys.argv)}\n\n{trace}"
    try:
        handle, name = tempfile.mkstemp(prefix="hpo-bug-", suffix=".log")
        with os.fdopen(handle, "w", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        print(text, file=sys.stderr)
        return "the lines above"
    return name
