"""Where a sweep's script is found: where hpo was started, as on W&B, else beside the sweep file."""

from __future__ import annotations

from pathlib import Path

from hpo.errors import UserError, suggest
from hpo.sweepfile.model import Sweep


def script_of(sweep: Sweep) -> str | None:
    """The script's name: `program`, else the first item of the command that ends in .py."""
    if sweep.program:
        return sweep.program
    return next((str(item) for item in sweep.command or [] if str(item).endswith(".py")), None)


def working_directory(sweep: Sweep, file: Path | None, started_in: Path) -> Path:
    """The folder that trials run in: `started_in` if the script is there, else the sweep file's if so.

    Raises UserError if a .py script is in neither. A program of another kind (a module, a console script) is
    left to the trial's own search.
    """
    script = script_of(sweep)
    if script is None or (started_in / script).exists():
        return started_in
    beside = file.resolve().parent if file else started_in
    if (beside / script).exists():
        return beside
    if not script.endswith(".py"):
        return started_in
    places = dict.fromkeys([started_in, beside])
    scripts = sorted({path.name for place in places for path in place.glob("*.py")})
    hint = suggest(script, scripts) if scripts else "write the path from where you start hpo"
    raise UserError(f"program '{script}' is not in {' or '.join(map(str, places))}; {hint}")


def whereabouts(sweep: Sweep, file: Path | None, started_in: Path) -> str:
    """One line on the script for `hpo check`: its name, and where it is not found from here."""
    script = script_of(sweep)
    if script is None and sweep.command is None:
        return "none: `hpo run` needs one"
    try:
        folder = working_directory(sweep, file, started_in)
    except UserError as error:
        return str(error).removeprefix("program ")
    there = "" if folder == started_in else f", in {folder}"
    return f"{script or 'as in command'}{there}{hidden(sweep, file, started_in)}"


def hidden(sweep: Sweep, file: Path | None, started_in: Path) -> str:
    """A note where the script is in both places: the one where hpo was started is taken, as on W&B."""
    script = script_of(sweep)
    if script is None or file is None:
        return ""
    here, beside = started_in / script, file.resolve().parent / script
    both = here.exists() and beside.exists() and not here.samefile(beside)
    return f" (in {started_in}; not the one beside the sweep file)" if both else ""
