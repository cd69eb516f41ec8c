"""Runs W&B sweep files on Ray. `import hpo` loads nothing: names arrive when they are first used.

Not even of Python's library: `python -m hpo` looks for modules in the working directory until hpo.__main__
forbids it.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpo.engine.api import agent, resume, run, sweep
    from hpo.engine.result import RunResult
    from hpo.record.tables import load_run
    from hpo.sweepfile.load import load_sweep
    from hpo.trial.client import config, get_checkpoint, report
    from hpo.trial.setup import setup_value
    from hpo.tune.translate import Translation, translate

_HOMES = {
    "RunResult": "hpo.engine.result",
    "Translation": "hpo.tune.translate",
    "agent": "hpo.engine.api",
    "config": "hpo.trial.client",
    "get_checkpoint": "hpo.trial.client",
    "load_run": "hpo.record.tables",
    "load_sweep": "hpo.sweepfile.load",
    "report": "hpo.trial.client",
    "resume": "hpo.engine.api",
    "run": "hpo.engine.api",
    "setup_value": "hpo.trial.setup",
    "sweep": "hpo.engine.api",
    "translate": "hpo.tune.translate",
}

__all__ = [
    "RunResult",
    "Translation",
    "agent",
    "config",
    "get_checkpoint",
    "load_run",
    "load_sweep",
    "report",
    "resume",
    "run",
    "setup_value",
    "sweep",
    "translate",
]


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module 'hpo' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
