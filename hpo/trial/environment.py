"""A trial's configuration → the environment of its process and the text of its W&B parameter file."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from typing import Any

from hpo.trial.rank import OUTER, outer

PARAMS = "params.yaml"
SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")
"""Holds our sitecustomize.py, which a trial's Python runs at its start."""
MIRROR = "HPO_WANDB"
"""Mode of the real wandb where the sweep's `hpo.wandb` asks for it: offline or online."""
LOGGED = ("offline", "online", "dryrun", "run", "shared")
"""Modes in which wandb writes or sends something."""
FUNCTION_FD = "HPO_FUNCTION_FD"
"""Number of the descriptor that a function trial reads its function from."""
SETUP = "HPO_SETUP"
"""`module:function` of the sweep's `hpo.setup`."""
UNREAD = "HPO_UNREAD"
"""Set where parameters reach a script only if it asks for them: the first time it does is to be told."""
OURS = (
    "HPO_CHANNEL",
    MIRROR,
    "HPO_CONFIG",
    "HPO_TRIAL",
    "HPO_TRIAL_DIR",
    "HPO_ATTEMPT",
    "HPO_CPUS",
    "HPO_METRIC",
    "HPO_LEARN",
    SETUP,
    "HPO_GPU_MEMORY_FRACTION",
    "HPO_MAX_ITERATIONS",
    "HPO_CHECKPOINT",
    "HPO_CHECKPOINT_AT",
    "HPO_ITERATIONS",
    "HPO_STEP",
    "HPO_TENSORBOARD",
    FUNCTION_FD,
    OUTER,
    UNREAD,
)
WANDB = ("WANDB_SERVICE", "WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH")
"""Never inherited: they belong to one trial, and the caller may be one itself."""
THREADS = (
    "OMP_NUM_THREADS",  # torch, scikit-learn and most others
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_UNSAFE = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
"""What JSON leaves as it is but YAML folds, strips or refuses."""
LONGEST_ID, LONGEST_GROUP = 64, 128
"""Characters that W&B's server takes."""
_LONG_KEY = 900
"""PyYAML takes a key of more than 1024 characters only in the explicit form."""


def trial_environment(
    inherited: Mapping[str, str],
    *,
    number: int,
    config: Mapping[str, Any],
    directory: str,
    channel: str,
    metric: str,
    cwd: str,
    sweep_id: str,
    run_id: str,
    project: str | None,
    entity: str | None,
    wandb: str = "off",
) -> dict[str, str]:
    """Everything inherited, our variables, and those that W&B's agent sets.

    As on W&B, WANDB_PROJECT and WANDB_ENTITY of the user's environment go before the sweep's. wandb is
    disabled and silent unless the user set WANDB_MODE and WANDB_SILENT; online there is no WANDB_SWEEP_ID,
    since W&B's server does not know this sweep. Python writes its log unbuffered, so that it can be followed.

    `wandb` is the sweep's `hpo.wandb`: unless it is off, each trial is a run of its own in the group of the
    sweep, and its files are in the trial's directory.
    """
    directory = os.path.abspath(directory)
    env = {name: value for name, value in inherited.items() if name not in OURS + WANDB}
    defaults = {
        "WANDB_DIR": os.path.abspath(cwd),
        "WANDB_MODE": "disabled",
        "WANDB_SILENT": "true",
        "WANDB_PROJECT": project,
        "WANDB_ENTITY": entity,
        "PYTHONUNBUFFERED": "1",
    }
    if wandb != "off":
        defaults |= {"WANDB_DIR": directory, "WANDB_MODE": wandb, "WANDB_RUN_GROUP": sweep_id[:LONGEST_GROUP]}
    env |= {name: value for name, value in defaults.items() if value and not env.get(name)}
    env |= {
        "HPO_CHANNEL": channel,
        "HPO_CONFIG": json.dumps(config),
        "HPO_TRIAL": str(number),
        "HPO_TRIAL_DIR": directory,
        "HPO_METRIC": metric,
        "PYTHONPATH": _first(SITE, env.get("PYTHONPATH")),
        "WANDB_SWEEP_PARAM_PATH": os.path.join(directory, PARAMS),
    }
    return env | outer(inherited) | _named(env["WANDB_MODE"], wandb != "off", sweep_id, run_id)


def _named(mode: str, asked: bool, sweep_id: str, run_id: str) -> dict[str, str]:
    """By which names wandb knows the trial, in the mode that counts."""
    if asked and mode in LOGGED:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "-", run_id)  # what wandb takes; the end tells trials apart
        return {MIRROR: mode, "WANDB_NAME": run_id, "WANDB_RUN_ID": plain[-LONGEST_ID:]}
    return {"WANDB_RUN_ID": run_id} | ({} if mode == "online" else {"WANDB_SWEEP_ID": sweep_id})


def continued(env: Mapping[str, str], iterations: int) -> dict[str, str]:
    """What changes for the real wandb where a trial goes on after so many iterations.

    Online its run goes on. Offline nothing knows what was written before, and on uploading one part would
    take the place of another: each is a run of its own.
    """
    if env.get(MIRROR) is None:
        return {}
    if env[MIRROR] not in ("offline", "dryrun"):
        return {"WANDB_RESUME": "allow"}
    part = f"-from-{iterations}"
    name = f"{env['WANDB_NAME']} from {iterations}"
    return {"WANDB_RUN_ID": env["WANDB_RUN_ID"][-LONGEST_ID + len(part) :] + part, "WANDB_NAME": name}


def _first(folder: str, path: str | None) -> str:
    rest = [part for part in path.split(os.pathsep) if part != folder] if path else []
    return os.pathsep.join([folder, *rest])


def params_text(config: Mapping[str, Any]) -> str:
    """The file that WANDB_SWEEP_PARAM_PATH names; a YAML 1.1 reader gives back exactly these values."""
    blocks = []
    for name, value in config.items():
        key = name if _PLAIN.fullmatch(name) and name.lower() not in _RESERVED else _text(name)
        head = f"? {key}\n:" if len(key) > _LONG_KEY else f"{key}:"
        blocks.append(f"{head}\n  value: {_yaml(value)}\n")
    return "wandb_version: 1\n" + ("\n" + "".join(blocks) if blocks else "")


def _yaml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {_yaml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    return _text(str(value))


def _key(key: Any) -> str:
    text = _yaml(key)
    return f"? {text} " if len(text) > _LONG_KEY else text


def _number(value: float) -> str:
    """YAML 1.1 takes only `1.0e-05` for a number, where Python prints `1e-05`."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = repr(float(value))
    return text if "." in text else text.replace("e", ".0e")


def _text(text: str) -> str:
    return _UNSAFE.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False))


def thread_counts(cpus: float) -> dict[str, str]:
    """What numerical libraries read for their number of threads, so that parallel trials share the cores."""
    return dict.fromkeys(THREADS, str(max(1, int(cpus))))
