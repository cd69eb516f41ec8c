"""What W&B swallows or gets wrong late, seen in the file's own keys: document → problems.

A check is one function and one entry in `FILE_CHECKS`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hpo.errors import suggest
from hpo.sweepfile.command_checks import json_list, split_words, starts_nothing, whole_line
from hpo.sweepfile.document import PROBLEMS, Document
from hpo.sweepfile.early import RULES, Hyperband, Ladder, Median
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.program import class_fault, class_of, split_target, target_fault
from hpo.sweepfile.search_checks import learning, search_keys, several_metrics
from hpo.sweepfile.section import EarlyTermination
from hpo.sweepfile.wandb_checks import wandb_there
from hpo.trial.command import MACROS, unknown_macros

IGNORED = {"apiVersion", "kind"}
"""Keys that W&B reads without effect."""
ELSEWHERE = {"scheduler", "job", "image_uri"}
MEANT = {
    "arguments": "pass parameters with ${args} in command",
    "count": "write run_cap, or use --count",
    "early_stopping": "did you mean 'early_terminate'?",
    "parameter": "did you mean 'parameters'?",
    "seed": "write it under hpo:",
    "concurrency": "write it under hpo:",
    "resources": "write it under hpo:",
}


def top_level_keys(raw: Mapping[str, Any]) -> list[str]:
    """The keys of a file that the Sweep model knows."""
    return [key for key in raw if key in Sweep.model_fields]


def _unknown_keys(document: Document, raw: Mapping[str, Any]) -> None:
    for key in raw:
        if key not in Sweep.model_fields and key not in ELSEWHERE | IGNORED:
            if document.noted["warning"] >= PROBLEMS:
                break
            hint = MEANT.get(key) or suggest(key, Sweep.model_fields)
            document.problem((key,), f"unknown key '{key}' is ignored, as on W&B", hint, "warning")


def _launch_keys(document: Document, raw: Mapping[str, Any]) -> None:
    runnable = "program" in raw or "command" in raw
    for key in ("job", "image_uri"):
        if key in raw:
            hint = "name the training script with `program:`" if not runnable else "remove it"
            document.problem(
                (key,),
                "belongs to W&B Launch, which hpo does not use",
                hint,
                "warning" if runnable else "error",
            )
    scheduler = raw.get("scheduler")
    if "scheduler" in raw:
        engine = scheduler.get("engine") if isinstance(scheduler, dict) else None
        hint = (
            "remove it; hpo schedules trials itself"
            if engine == "wandb"
            else "remove it and write `method: bayes`"
        )
        severity = "warning" if engine == "wandb" else "error"
        document.problem(("scheduler",), "W&B's own schedulers do not run here", hint, severity)
    if raw.get("method") == "custom":
        hint = "write `method: bayes`, random or grid, or module:Searcher for your own"
        hint = "write `method: nsga2` or tpe" if raw.get("metrics") else hint
        document.problem(("method",), "'custom' stands for a scheduler of W&B's", hint)


def _wrong_shapes(document: Document, raw: Mapping[str, Any]) -> None:
    command = raw.get("command")
    if isinstance(command, str):
        hint = f"write a list: {json_list(split_words(command))}"
        document.problem(("command",), "is a text; W&B ignores it and runs the default command", hint)
    for index, item in enumerate(command if isinstance(command, list) else []):
        if isinstance(item, dict):
            inner = next(iter(item), "")
            macro = f"${{{str(inner).lstrip('$')}}}"
            document.problem(
                ("command", index), f"{{{inner}}} is a YAML mapping, not a macro", f"did you mean {macro}?"
            )
    rule = raw.get("early_terminate")
    if isinstance(rule, str) and rule in RULES:
        key = "min_iter: 3" if issubclass(RULES[rule], (Ladder, Median)) else "max_iter: 27"
        hint = f"write `type: {rule}` and `{key}` under it"
        document.problem(("early_terminate",), "names a rule without its rungs", hint)
    if isinstance(raw.get("metric"), str):
        hint = f"write `name: {raw['metric']}` and `goal: minimize` under it"
        document.problem(("metric",), f"a mapping is needed, not {raw['metric']!r}", hint)


def _macros(document: Document, raw: Mapping[str, Any]) -> None:
    command = raw.get("command")
    items: list[Any] = command if isinstance(command, list) else []
    parameters = raw.get("parameters")
    for index, item in unknown_macros(items):
        word = item[2:-1]
        own = isinstance(parameters, dict) and word in parameters
        hint = (
            "one parameter has no macro of its own: pass all with ${args}"
            if own
            else suggest(item, [f"${{{name}}}" for name in MACROS])
        )
        document.problem(("command", index), f"unknown macro {item} (W&B drops it without a word)", hint)
    for index, item in enumerate(items):
        if not isinstance(item, str) or item.startswith("${"):
            continue
        if re.search(r"\$\{(?!envvar:)", item):
            hint = "a macro must be an item of its own; only ${envvar:NAME} works inside one"
            document.problem(("command", index), f"{item!r} is passed as it stands", hint, "warning")
        elif item.startswith("-") and re.search(r"\s", item.strip()):
            document.problem(
                ("command", index), f"{item!r} is one argument", "write one item an argument", "warning"
            )


def _program(document: Document, raw: Mapping[str, Any]) -> None:
    program, command = raw.get("program"), raw.get("command")
    if program is None and isinstance(command, list) and "${program}" in command:
        document.problem(("program",), "no program is named", "add `program: train.py`")
    if isinstance(program, str) and "\\" in program:
        hint = f"write {program.replace(chr(92), '/')}"
        document.problem(("program",), "backslashes do not separate folders here", hint, "warning")
    if target := class_of(program, command):
        fault = class_fault(*target, _folders(document))
        if fault is not None:
            document.problem(("program",), *fault)


def _setup(document: Document, raw: Mapping[str, Any]) -> None:
    """The setup is imported as the script would import it: from the script's own folder."""
    own = raw.get("hpo")
    setup, program = own.get("setup") if isinstance(own, dict) else None, raw.get("program")
    if not isinstance(setup, str) or not isinstance(program, str) or setup.count(":") != 1:
        return
    module, name = setup.split(":")
    folders = _folders(document)
    scripts = [folder / program for folder in folders if os.path.isfile(folder / program)]
    places = [script.resolve().parent for script in scripts] or folders
    fault = target_fault(module, name.partition(".")[0], places, "function")
    if fault is not None:
        another = bool(raw.get("command"))  # its interpreter may find what ours does not
        document.problem(("hpo", "setup"), *fault, "warning" if another else "error")


def _rule_class(document: Document, raw: Mapping[str, Any]) -> None:
    """A scheduler of the user's own is looked for, not imported."""
    rule = raw.get("early_terminate")
    target = split_target(rule.get("type")) if isinstance(rule, dict) else None
    if target and (fault := target_fault(*target, _folders(document), "scheduler")):
        document.problem(("early_terminate", "type"), *fault)


def _folders(document: Document) -> list[Path]:
    """Where a module of the user's own may be: where hpo is started, beside the sweep file."""
    return [Path.cwd(), Path(document.file).resolve().parent]


def _needs_metric(document: Document, raw: Mapping[str, Any]) -> None:
    method = learning(raw)
    who = method or ("early_terminate" if raw.get("early_terminate") else "")
    if who and raw.get("metric") is None and not raw.get("metrics"):
        key = "method" if method else who
        document.problem((key,), f"{who} needs a metric", "add `metric: {name: val_loss, goal: minimize}`")
    if method == "bohb" and not raw.get("early_terminate"):
        hint = "add `early_terminate: {type: bohb, max_iter: 27}`, or write `method: tpe`"
        document.problem(("method",), "bohb has one model a rung, and no rungs are named", hint, "warning")


def bands(document: Document, rule: EarlyTermination | None) -> None:
    """Say which rungs an unclear mixture of min_iter, max_iter and s comes to."""
    if not isinstance(rule, Ladder) or rule.min_iter is None:
        return
    if isinstance(rule, Hyperband) and rule.max_iter is not None and rule.s is None:
        rungs = ", ".join(map(str, rule.rungs(6)))
        message = f"W&B never stops a run with min_iter and max_iter but no s; here the rungs are {rungs}"
        document.problem(
            ("early_terminate",), message, "leave max_iter out, or write max_iter and s", "warning"
        )
    elif rule.max_iter is not None and rule.s is not None:
        message = f"max_iter and s decide: the rungs are {', '.join(map(str, rule.rungs(6)))}"
        document.problem(("early_terminate", "min_iter"), message, "remove min_iter", "warning")
    elif rule.s is not None:
        document.problem(("early_terminate", "s"), "s has no effect without max_iter", "remove it", "warning")


FILE_CHECKS: tuple[Callable[[Document, Mapping[str, Any]], None], ...] = (
    _unknown_keys,
    _launch_keys,
    _wrong_shapes,
    _macros,
    _program,
    whole_line,
    starts_nothing,
    _setup,
    _rule_class,
    wandb_there,
    search_keys,
    several_metrics,
    _needs_metric,
)
