"""wandb.util, as far as scripts use it."""

from __future__ import annotations

import importlib
import secrets
import string
from typing import Any

_LETTERS = string.ascii_lowercase + string.digits


def generate_id(length: int = 8) -> str:
    """A random id of lower-case letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def get_module(name: str, required: Any = None, lazy: bool = True) -> Any:
    """A module, or None where it is absent; raises wandb.Error where it is required."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if required:
            from .errors import Error

            raise Error(str(required)) from None
        return None
