from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cloudpickle

from hpo.trial.launch import Supervisor
from hpo.trial.spec import TrialEnd, TrialSpec

Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
UntilEnd = Callable[[Supervisor], list[dict[str, Any]]]
WaitUntil = Callable[..., None]


def test_a_function_trial(shared: Supervisor, spec: Spec, run: Run) -> None:
    offset = 10

    def train(config: dict[str, Any]) -> dict[str, float]:
        return {"loss": config["lr"] + offset}

    function = cloudpickle.dumps(train)
    for number in (1, 2):
        it = spec(number=number, argv=[], function=True, config={"lr": number})
        assert run(shared, it, function).value == 10 + number
    failing = cloudpickle.dumps(lambda: 1 / 0)
    end = run(shared, spec(number=3, argv=[], function=True), failing)
    assert end.reason == "exit code 1: ZeroDivisionError: division by zero"
