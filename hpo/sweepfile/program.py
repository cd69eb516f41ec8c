"""Where a sweep's program is found: where hpo was started, as on W&B, else beside the sweep file.

A name that no file can have names none, so that os.path asks: unlike pathlib it does not raise then.
A program is a script, or `module:Class` for a class with a `step` method, as Ray Tune's Trainable.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from hpo.errors import UserError, suggest
from hpo.sweepfile.model import Sweep

_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")


def script_of(sweep: Sweep) -> str | None:
    """The script's name: `program`, else the first item of the command that ends in .py."""
    if sweep.program:
        return sweep.program
    return next((str(item) for item in sweep.command or [] if str(item).endswith(".py")), None)


def class_of(program: Any, command: Any) -> tuple[str, str] | None:
    """Module and class where `program` names these, and is not what a command of the sweep's own runs."""
    found = split_target(program) if not command else None
    return found if found and not os.path.exists(program) else None


def split_target(text: Any) -> tuple[str, str] | None:
    """Module and name in «module:name»; None for anything else."""
    found = _TARGET.fullmatch(text) if isinstance(text, str) else None
    return (found[1], found[2]) if found else None


def is_class(sweep: Sweep) -> bool:
    """Whether trials step the class that `program` names."""
    return class_of(sweep.program, sweep.command) is not None


def class_fault(module: str, name: str, folders: Iterable[Path]) -> tuple[str, str] | None:
    """What keeps the class `module:name` from running as trials, and what would be right."""
    places = list(folders)
    fault = target_fault(module, name, places, "class")
    path = next((found for folder in places if (found := _module_file(module, folder))), None)
    if fault is not None or path is None:
        return fault
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ClassDef) and node.name == name and _cannot_step(node):
            return f"class {name} of {path.name} has no step()", "return a dictionary of metrics from it"
    return None


def target_fault(
    module: str, name: str, folders: Iterable[Path], what: Literal["class", "function", "scheduler"]
) -> tuple[str, str] | None:
    """What keeps the class, function or scheduler `module:name` from being used, and what would be right.

    The module is read, not imported. None also where it is in none of the folders but may be installed.
    """
    kind = ast.FunctionDef if what == "function" else ast.ClassDef
    places = list(dict.fromkeys(folders))
    path = next((found for folder in places if (found := _module_file(module, folder))), None)
    if path is None:
        top = module.partition(".")[0]
        if any(
            os.path.isdir(Path(entry) / top) or _module_file(top, Path(entry)) for entry in sys.path if entry
        ):
            return None
        known = sorted({file.stem for folder in places for file in folder.glob("*.py")})
        hint = suggest(module, known) if known else f"write module:{what}, seen from where you start hpo"
        return f"module '{module}' is not in {' or '.join(map(str, places))}", hint
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError, OSError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        return f"{path.name} cannot be read{where}: {getattr(error, 'msg', error)}", "correct the file"
    there = [node for node in tree.body if isinstance(node, kind)]
    if not {name, "*"} & _names(tree):
        hint = suggest(name, [node.name for node in there]) if there else "define it there"
        return f"{path.name} has no {what} '{name}'", hint
    own = [node for node in there if isinstance(node, ast.ClassDef) and node.name == name]
    if what == "scheduler":
        alone = any(not (node.bases or node.keywords or node.decorator_list) for node in own)
        return (f"class {name} of {path.name} is no TrialScheduler", "derive it from one") if alone else None
    return None


def _names(tree: ast.Module) -> set[str]:
    """Whatever the module may bind; `*` where it takes over another module's names."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _cannot_step(node: ast.ClassDef) -> bool:
    """Whether a class, which inherits nothing, defines neither step nor train."""
    return not (node.bases or node.keywords or node.decorator_list) and not {"step", "train"} & _names(
        ast.Module(node.body, [])
    )


def _module_file(module: str, folder: Path) -> Path | None:
    path = folder.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if os.path.isfile(p)), None)


def working_directory(sweep: Sweep, file: Path | None, started_in: Path) -> Path:
    """The folder that trials run in: `started_in` if the program is there, else the sweep file's if so.

    Raises UserError if a .py script is in neither. A program of another kind (a module, a console script) is
    left to the trial's own search.
    """
    script = script_of(sweep)
    if script is None or _found(sweep, started_in):
        return started_in
    beside = file.resolve().parent if file else started_in
    if _found(sweep, beside):
        return beside
    if not script.endswith(".py"):
        return started_in
    places = dict.fromkeys([started_in, beside])
    scripts = sorted({path.name for place in places for path in place.glob("*.py")})
    hint = suggest(script, scripts) if scripts else "write the path from where you start hpo"
    raise UserError(f"program '{script}' is not in {' or '.join(map(str, places))}; {hint}")


def _found(sweep: Sweep, folder: Path) -> Path | None:
    target, script = class_of(sweep.program, sweep.command), script_of(sweep)
    if target or script is None:
        return _module_file(target[0], folder) if target else None
    return folder / script if os.path.exists(folder / script) else None


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
    if file is None:
        return ""
    here, beside = _found(sweep, started_in), _found(sweep, file.resolve().parent)
    both = here is not None and beside is not None and not here.samefile(beside)
    return f" (in {started_in}; not the one beside the sweep file)" if both else ""
