"""Searchers as they are in the process beside the driver: with one thread."""

from __future__ import annotations

from contextlib import suppress

with suppress(ImportError):  # tests that need it are not among those that run then
    import torch

    torch.set_num_threads(1)
