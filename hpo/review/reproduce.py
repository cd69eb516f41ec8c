"""A trial of a run → what it takes to train it again: its configuration as YAML, its command line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from hpo.errors import UserError, visible
from hpo.record.metrics import trial_directory
from hpo.record.trials import RunRecord, TrialRecord
from hpo.sweepfile.program import class_of
from hpo.trial.command import expand, resolve_interpreter
from hpo.trial.files import ARGS_JSON


class _Dumper(yaml.SafeDumper):
    """Quotes all text that begins as a number does: YAML 1.2 reads '1e5' and '0o7' as numbers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "'" if value[:1] in tuple("+-.0123456789") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def config_yaml(record: RunRecord, trial: TrialRecord) -> str:
    """The configuration as YAML that 1.1 and 1.2 readers take alike, under a comment that says where from."""
    body = yaml.dump(trial.config, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    where = visible(str(record.directory.absolute()))
    state = "" if trial.state == "finished" else f", {trial.state}"
    value = f"{visible(record.metric or '')} {trial.value!r} ({record.goal})"
    if record.goals:
        values = (
            f"{visible(name)} {trial.values.get(name)!r} ({goal})" for name, goal in record.goals.items()
        )
        value = ", ".join(values)
    return f"# {where}\n# trial {trial.number}{state}: {value}\n{body}"


def command_of(record: RunRecord, trial: TrialRecord) -> list[str]:
    """The argv that the trial was started with, from the sweep in the journal.

    Raises UserError where there is none: a function or a class was trained.
    """
    env = dict(os.environ)
    return resolve_interpreter(_expanded(record, trial, env), env)


def shell_line(record: RunRecord, trial: TrialRecord) -> str:
    """The same, quoted for a shell, to be shown to others: variables of the environment stay names."""
    argv = resolve_interpreter(_expanded(record, trial, _Names()), os.environ)
    return " ".join(map(_quoted, argv))


MARK = "\0"
"""Around the name of a variable: no argument can hold it."""


class _Names(dict[str, str]):
    """An environment in which each variable is its own name, marked."""

    def get(self, key: str, default: Any = None) -> Any:
        return f"{MARK}{key}{MARK}"


def _quoted(word: str) -> str:
    parts = word.split(MARK)  # every other one is a name
    if len(parts) == 1:
        return shlex.quote(word)
    shown = (f'"${part}"' if k % 2 else part and shlex.quote(part) for k, part in enumerate(parts))
    return "".join(shown)


def _expanded(record: RunRecord, trial: TrialRecord, env: Mapping[str, str]) -> list[str]:
    program, items = record.sweep.get("program"), record.sweep.get("command")
    if program is None and items is None:
        raise UserError(f"{record.directory} trained a Python function: it has no command line; try --yaml")
    if class_of(program, items):
        raise UserError(f"{record.directory} stepped a class: it has no command line; try --yaml")
    json_file = str(trial_directory(record.directory.absolute(), trial.number) / ARGS_JSON)
    named = None if program is None else str(program)
    return expand(items, named, trial.config, env=env, json_file=json_file)
