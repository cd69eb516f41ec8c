"""The Python face, as far as it needs no run."""

from __future__ import annotations

import pytest

import hpo
from hpo.errors import UserError

pytestmark = pytest.mark.ray


@pytest.mark.parametrize("before", ["", "project/", "me/project/"])
def test_an_agent_knows_its_sweep_by_the_path_that_wandb_shows(before: str) -> None:
    sweep_id = hpo.sweep({"method": "random", "parameters": {"lr": {"min": 0.0, "max": 1.0}}})
    with pytest.raises(UserError, match="never ends by itself; give --count"):  # so the sweep was found
        hpo.agent(before + sweep_id, function=print)
