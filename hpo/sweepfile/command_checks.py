"""Programs and commands of a sweep that start nothing → problems, with what to write instead."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hpo.sweepfile.document import Document
from hpo.sweepfile.program import class_of
from hpo.trial.command import MACROS, unknown_macros

LAUNCHERS = re.compile(
    r"(Rscript|accelerate|apptainer|bash|cd|colossalai|composer|conda|coverage|deepspeed|docker|env|exec|export"
    r"|flux|hatch|horovodrun|java|jsrun|julia|jupyter|kernprof|lightning|make|mamba|matlab|micromamba|mpiexec"
    r"|mpirun|ncu|nice|node|nohup|nsys|numactl|octave|papermill|pdm|perl|pipenv|pixi|podman|poetry|python[\d.]*"
    r"|ray|ruby|sh|singularity|source|srun|stdbuf|sudo|taskset|time|timeout|torchrun|uv|xvfb-run|zsh"
    r"|.*\.(py|sh))$"
)
"""First words of command lines, whether they are installed here or not."""
_PYTHON = re.compile(r"python\d*(\.\d+)?$")
_FLAG = re.compile(r"-[bBdEhiIOPqRsSuvVx]+$")
"""Options of Python's that take no value."""
_SET = re.compile(r"[A-Za-z_]\w*=")
_SHELL = re.compile(r"&&?|\|\|?|;|[<>].*|.+;|(cd|export|source|\.)")
"""A word that only a shell understands; the last ones only at the beginning."""
_NAMES = "${args_dict}"


def whole_line(document: Document, raw: Mapping[str, Any]) -> None:
    """A program that is a command line: its words belong into `command`."""
    program = raw.get("program")
    if not isinstance(program, str) or _found(document, program):
        return
    words = split_words(program)
    if len(words) < 2 or not _is_line(words):
        return
    if _needs_shell(words):
        line = " ".join(re.sub(r"\$\{\w+\}", "", program).split())
        whole = json_list(["${env}", "bash", "-c", f'{line} "$@"', "bash", "${args}"])
        hint = f"write `command: {whole}`"
        document.problem(("program",), f"{program!r} is a line for a shell, not one file", hint)
        return
    script = next((word for word in words if word.endswith(".py")), None)
    command = json_list(_as_command(words, script))
    hint = (
        f"write `command: {command}`"
        if script is None
        else f"write `program: {script}` and `command: {command}`"
    )
    if raw.get("command"):
        other = " ".join(word for word in words if word != script)
        hint = f"write `program: {script or 'train.py'}`, and {other!r} into command, one item a word"
    document.problem(("program",), f"{program!r} is a command line, not one file", hint)


def starts_nothing(document: Document, raw: Mapping[str, Any]) -> None:
    """A command whose first word, after `env` and its variables, cannot be started."""
    command = raw.get("command")
    if not isinstance(command, list) or not command or unknown_macros(command):
        return
    if not all(isinstance(item, (str, int, float)) for item in command):
        return
    items = [str(item) for item in command]
    at = _beginning(items)
    if at is None:
        return
    where = ("command", at) if at < len(items) else ("command",)
    fault = _fault(document, items, at, raw.get("program"))
    if fault:
        message, hint = fault
        named = "${program}" not in hint or raw.get("program")
        document.problem(where, message, hint if named else f"{hint}, and `program: train.py`")


def json_list(items: Sequence[str]) -> str:
    """Items as a YAML list in one line, all in quotes."""
    return "[" + ", ".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items) + "]"


def _fault(document: Document, items: Sequence[str], at: int, program: Any) -> tuple[str, str] | None:
    """What is wrong with the word that is to be started, and what to write."""
    before, rest = items[:at], items[at:]
    if not rest or _is_parameters(rest[0]):
        whole = json_list(["${env}", "${interpreter}", "${program}", *rest])
        what = (
            f"{rest[0]} stands where the program to start is named" if rest else "names no program to start"
        )
        return what, f"write {whole}"
    first = rest[0]
    if first == "${interpreter}" or _PYTHON.match(os.path.basename(first)):
        after = [item for item in rest[1:] if not _FLAG.match(item)]
        if after and not _is_parameters(after[0]):
            return None
        whole = json_list([*before, first, "${program}", *rest[1:]])
        return f"{first} is started without a script", f"write {whole}"
    if _SET.match(first):
        return f"{first!r} is no program", f"write {json_list(['${env}', *items])}"
    if first.startswith("-"):
        whole = json_list([*before, "${interpreter}", "${program}", *rest])
        return f"{first!r} is an option, no program", f"write {whole}"
    name = str(program) if first == "${program}" else first
    if name.startswith("${") or shutil.which(name) or class_of(name, None):
        return None
    if (path := _found(document, name)) is not None:
        if "/" in name and os.access(path, os.X_OK):
            return None
        what = (
            f"{name!r} is not executable"
            if "/" in name
            else f"{name!r} is looked for on PATH, and is not there"
        )
        started = ["${interpreter}", first] if name.endswith(".py") else ["bash", first]
        return what, f"write {json_list([*before, *started, *rest[1:]])}"
    if first != "${program}" and len(split_words(first)) > 1:
        whole = json_list([*before, *split_words(first), *rest[1:]])
        return f"{first!r} is one word of the command", f"write {whole}"
    return None


def _beginning(items: Sequence[str]) -> int | None:
    """Where the command proper begins: after `env` and what it sets; None where options of env decide."""
    if items[0] != "${env}" and os.path.basename(items[0]) != "env":
        return 0
    at = 1
    while at < len(items) and (_SET.match(items[at]) or items[at] == "${args_no_hyphens}"):
        at += 1
    return None if at < len(items) and items[at].startswith("-") else at


def _is_parameters(item: str) -> bool:
    macro = MACROS.get(item[2:-1]) if item.startswith("${") and item.endswith("}") else None
    return macro is not None and (macro.passes or item == _NAMES)


def _is_line(words: Sequence[str]) -> bool:
    first = os.path.basename(words[0])
    known = LAUNCHERS.match(first) or shutil.which(words[0])
    if known is not None or _SET.match(words[0]) or _needs_shell(words):
        return True
    return any(word.startswith(("-", "${")) for word in words)


def _needs_shell(words: Sequence[str]) -> bool:
    return any(
        (found := _SHELL.fullmatch(word)) and (at == 0 or not found[1]) for at, word in enumerate(words)
    )


def _as_command(words: Sequence[str], script: str | None) -> list[str]:
    """The words as a command with macros for the interpreter, the script and the parameters."""
    at = next((i for i, word in enumerate(words) if not _SET.match(word)), 0)
    if words[at] == script:
        words = [*words[:at], "python", *words[at:]]
    kept = [word for word in words if word != "${env}" and not _is_parameters(word)]
    named = ["${program}" if word == script else word for word in kept]
    named[at : at + 1] = ["${interpreter}" if _PYTHON.match(word) else word for word in named[at : at + 1]]
    return ["${env}", *named, "${args}"]


def _found(document: Document, name: str) -> Path | None:
    """The file of this name where hpo is started, or beside the sweep file."""
    folders = (Path.cwd(), Path(document.file).resolve().parent)
    return next((folder / name for folder in folders if os.path.isfile(folder / name)), None)


def split_words(text: str) -> list[str]:
    """The words of a command line, as a shell has them."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
