"""Where integrations look for wandb's inner modules."""

from .._artifacts import Artifact
from .._config import Config
from .._init import finish, init
from .._settings import Settings

__all__ = ["Artifact", "Config", "Settings", "finish", "init"]
