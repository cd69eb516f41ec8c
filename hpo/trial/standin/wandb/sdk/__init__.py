"""Where integrations look for wandb's inner modules."""

from .._artifacts import Artifact
from .._config import Config
from .._init import finish, init
from .._settings import Settings
from . import data_types, lib, wandb_config, wandb_init, wandb_run, wandb_settings, wandb_summary

__all__ = [
    "Artifact",
    "Config",
    "Settings",
    "data_types",
    "finish",
    "init",
    "lib",
    "wandb_config",
    "wandb_init",
    "wandb_run",
    "wandb_settings",
    "wandb_summary",
]
