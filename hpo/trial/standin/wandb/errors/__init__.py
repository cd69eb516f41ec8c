"""wandb's exceptions."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """Anything that wandb raises."""

    def __init__(self, message: str = "", context: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message, self.context = message, context or {}


class CommError(Error):
    """The server did not answer."""


class AuthenticationError(CommError):
    """The server did not know the user."""


class UsageError(Error):
    """wandb was used wrongly."""


class UnsupportedError(UsageError):
    """What was asked for is not there."""


class ConfigError(Error):
    """A configuration value may not be changed, or its file not be read."""
