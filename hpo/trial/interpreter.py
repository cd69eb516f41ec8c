"""A command line → whether it runs a Python script or module, and how its interpreter is started."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hpo.trial.command import find_program, program_index, search_path

_SHELL = re.compile(r"(ba|da|z|k|fi|c|tc)?sh|.*\.sh")
_NAME = re.compile(r"python(\d+(\.\d+)?)?")
_PLAIN_FLAGS = frozenset("bBdEIOPqsSuv")
"""One-letter options of CPython that a warm parent can be started with."""
_VALUED = frozenset("WX")


@dataclass(frozen=True)
class PythonCall:
    """`python [flags] script.py …` or `python [flags] -m module …`."""

    words: list[str]
    """The whole of it, from the interpreter on, as written."""
    interpreter: tuple[str, ...]
    """Absolute path of the interpreter and its flags."""
    target: str
    """Script as written, or module."""
    module: bool
    arguments: list[str]
    env: dict[str, str] = field(default_factory=dict)
    """NAME=VALUE items of `env` before the interpreter."""


def python_call(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> PythonCall | None:
    """The call that a trial's argv makes; None where it is none that a forked process can stand in for.

    Left out are -c, a script from stdin, a folder, an archive or bytecode, and options that ask for a prompt.
    """
    at = program_index(argv)
    if at >= len(argv) or not _NAME.fullmatch(os.path.basename(argv[at])):
        return None
    program = find_program(argv[at], search_path(argv[:at], env), cwd)
    split = _split(list(argv[at + 1 :]))
    if program is None or split is None:
        return None
    flags, module, rest = split
    if not module and not is_source(os.path.join(cwd, rest[0])):
        return None
    named = dict(word.split("=", 1) for word in argv[1:at])
    program = os.path.join(cwd, program)  # not resolved: a virtual environment's python is a link
    return PythonCall(list(argv[at:]), (program, *flags), rest[0], module, rest[1:], named)


def launches_script(argv: Sequence[str]) -> bool:
    """Whether a launcher, such as torchrun, is given a Python script; shells may read by themselves."""
    script = next((i for i, word in enumerate(argv) if word.endswith(".py") and not word.startswith("-")), 0)
    return script > 0 and not any(_SHELL.fullmatch(os.path.basename(word)) for word in argv[:script])


def _split(words: list[str]) -> tuple[list[str], bool, list[str]] | None:
    """Flags, whether -m was given, and target with arguments; None for options that are not followed."""
    flags: list[str] = []
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            return flags, False, [word, *words]
        if word.startswith("--") or word == "-":
            return None
        for i, letter in enumerate(word[1:], 1):
            value = word[i + 1 :]
            if letter == "m":
                rest = [value, *words] if value else words
                kept = [word[:i]] if i > 1 else []
                return ([*flags, *kept], True, rest) if rest else None
            if letter in _VALUED:
                if not value and not words:
                    return None
                word += "" if value else words.pop(0)
                break
            if letter not in _PLAIN_FLAGS:
                return None
        flags.append(word)
    return None


def is_source(path: str) -> bool:
    """Whether a path is a file of Python source, and neither an archive nor bytecode."""
    if path.endswith((".pyc", ".pyo")) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return not file.read(2).startswith(b"PK")
    except OSError:
        return False
