"""wandb's exceptions."""


class Error(Exception):
    """Anything that wandb raises."""

    @property
    def message(self) -> str:
        """What went wrong."""
        return str(self)


class CommError(Error):
    """The server did not answer."""


class UsageError(Error):
    """wandb was used wrongly."""


class ConfigError(Error):
    """A configuration value may not be changed."""
