"""wandb.env: names of environment variables, and setters that integrations call."""

from __future__ import annotations

import os

API_KEY = "WANDB_API_KEY"
DIR = "WANDB_DIR"
ENTITY = "WANDB_ENTITY"
MODE = "WANDB_MODE"
PROJECT = "WANDB_PROJECT"
RUN_ID = "WANDB_RUN_ID"
SWEEP_ID = "WANDB_SWEEP_ID"
SWEEP_PARAM_PATH = "WANDB_SWEEP_PARAM_PATH"


def set_entity(value: str, env: object = None) -> None:
    """Set WANDB_ENTITY."""
    os.environ[ENTITY] = value


def set_project(value: str, env: object = None) -> None:
    """Set WANDB_PROJECT."""
    os.environ[PROJECT] = value or "uncategorized"
