"""A sweep's command with W&B's macros, and a configuration → the argv of a trial."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT_COMMAND = ("${env}", "${interpreter}", "${program}", "${args}")
"""What W&B runs where a sweep has no command."""
ENVVAR = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")
"""The one macro that also works inside an item; only capitals, digits and _ , as on W&B."""
WHOLE = 1e16
"""Whole floats below this are printed as integers; from here on Python prints an exponent (1e+16)."""


@dataclass(frozen=True)
class Call:
    """What macros draw on: the program, and the parameters in W&B's order with values as W&B passes them."""

    program: str | None
    values: dict[str, Any]
    json_file: str | None


@dataclass(frozen=True)
class Macro:
    """One macro: its arguments, whether these pass the parameters, and what it stands for."""

    expand: Callable[[Call], list[str]]
    passes: bool
    meaning: str


def _each(form: Callable[[str, Any], list[str]]) -> Callable[[Call], list[str]]:
    return lambda call: [word for name, value in call.values.items() for word in form(name, value)]


def _prefixed(prefix: str) -> Callable[[Call], list[str]]:
    return _each(lambda name, value: [f"{prefix}{name}={value}"])


def _boolean_flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}"] if value else []
    return [f"--{name}={value}"]


def _json_file(call: Call) -> list[str]:
    if call.json_file is None:
        raise ValueError("${args_json_file} needs the path of a file")
    return [call.json_file]


MACROS: dict[str, Macro] = {
    "env": Macro(lambda _: [] if os.name == "nt" else ["/usr/bin/env"], False, "/usr/bin/env"),
    "interpreter": Macro(lambda _: ["python"], False, "python"),
    "program": Macro(lambda call: [call.program] if call.program else [], False, "the sweep's program"),
    "args": Macro(_prefixed("--"), True, "--name=value for each parameter"),
    "args_no_hyphens": Macro(_prefixed(""), True, "name=value"),
    "args_no_boolean_flags": Macro(_each(_boolean_flag), True, "--name for true, nothing for false"),
    "args_no_equals": Macro(_each(lambda name, value: [f"--{name}", str(value)]), True, "--name value"),
    "args_append_hydra": Macro(_prefixed("+"), True, "+name=value"),
    "args_override_hydra": Macro(_prefixed("++"), True, "++name=value"),
    "args_json": Macro(lambda call: [json.dumps(call.values)], True, "one JSON text"),
    "args_json_file": Macro(_json_file, True, "path of a JSON file"),
    "args_dict": Macro(lambda call: list(call.values), False, "the parameters' names"),
    "envvar:NAME": Macro(lambda _: [], False, "the environment variable NAME, also inside an item"),
}
"""Macro name → what it does. `envvar:NAME` is listed for its name; it is replaced before all others."""


def expand(
    command: Sequence[Any] | None,
    program: str | None,
    config: Mapping[str, Any],
    *,
    env: Mapping[str, str],
    json_file: str | None,
) -> list[str]:
    """The argv of a trial, as W&B's agent makes it: parameters by name, values as Python prints them.

    `env` serves ${envvar:NAME}, and an unset variable becomes its own name. Only an item that is a macro as
    a whole is replaced; an unknown one vanishes (the sweep's check refuses it before).
    """
    call = Call(program, wire_values(config), json_file)
    argv: list[str] = []
    for item in _items(command, env):
        name = _macro_name(item)
        if name is None:
            argv.append(item)
        elif name in MACROS:
            argv += MACROS[name].expand(call)
    return argv


def args_json(config: Mapping[str, Any]) -> str:
    """The content of the file that ${args_json_file} names."""
    return json.dumps(wire_values(config))


def unknown_macros(command: Sequence[Any] | None) -> list[tuple[int, str]]:
    """Index and text of each item that W&B takes for a macro and drops."""
    items = list(enumerate(_items(command, {})))
    return [(i, str((command or ())[i])) for i, item in items if _macro_name(item) not in {None, *MACROS}]


def args_macros(command: Sequence[Any] | None) -> bool:
    """Whether any item passes the parameters; if none does, the script has them only from wandb.config."""
    return any(
        (macro := MACROS.get(_macro_name(item) or "")) and macro.passes for item in _items(command, {})
    )


def wire_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters sorted by name, values as they come out of W&B's JSON: whole floats are integers."""
    return {name: _wire(config[name]) for name in sorted(config)}


def _wire(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE:
        return int(value)
    if isinstance(value, Mapping):
        return {_wire_key(key): _wire(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_wire(inner) for inner in value]
    return value


def _wire_key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(_wire(key), default=str)


def _items(command: Sequence[Any] | None, env: Mapping[str, str]) -> list[str]:
    return [ENVVAR.sub(lambda m: env.get(m[1], m[1]), str(item)) for item in command or DEFAULT_COMMAND]


def _macro_name(item: str) -> str | None:
    """W&B's test for a macro: `${…}` from the first character to the last."""
    return item[2:-1] if item.startswith("${") and item.endswith("}") else None


def resolve_interpreter(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """A bare `python` that PATH does not have is replaced by the running interpreter."""
    words = list(argv)
    at = program_index(words)
    if (
        at < len(words)
        and words[at] == "python"
        and find_program("python", search_path(words[:at], env)) is None
    ):
        words[at] = sys.executable
    return words


def program_index(argv: Sequence[str]) -> int:
    """Where the command proper begins: after `env` and its NAME=value items; len(argv) if nothing follows."""
    if not argv or os.path.basename(argv[0]) != "env":
        return 0
    at = 1
    while at < len(argv) and re.match(r"[^-=/][^=/]*=", argv[at]):
        at += 1
    return at


def search_path(before: Sequence[str], env: Mapping[str, str]) -> str:
    """PATH as the command sees it: a PATH=… item after `env` goes before the environment."""
    named = [word.partition("=")[2] for word in before if word.startswith("PATH=")]
    return named[-1] if named else env.get("PATH", os.defpath)


def find_program(name: str, path: str, cwd: str = ".") -> str | None:
    """The executable file that `name` stands for on `path`, or seen from `cwd` where it has a slash."""
    folders = [""] if "/" in name else path.split(os.pathsep)
    for folder in folders:
        candidate = os.path.join(cwd, folder, name)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None
