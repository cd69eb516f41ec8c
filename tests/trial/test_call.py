from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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


def test_what_a_function_yields_are_rows(shared: Supervisor, spec: Spec, run: Run) -> None:
    def train(config: dict[str, Any]) -> Any:
        yield {"loss": 3.0, "epoch": 0}
        yield 0.5
        yield None
        yield 0.0
        yield {"loss": config["lr"]}
        return "ignored"

    function = cloudpickle.dumps(train)
    for number in (1, 2):
        it = spec(number=number, argv=[], function=True, config={"lr": 1 + number})
        end = run(shared, it, function)
        assert (end.state, end.iterations, end.value, end.last) == ("finished", 4, 0.0, 1 + number)


def test_a_yielded_value_that_is_no_row_is_named(shared: Supervisor, spec: Spec, run: Run) -> None:
    function = cloudpickle.dumps(lambda: (yield "0.5"))
    end = run(shared, spec(argv=[], function=True), function)
    assert end.reason == "exit code 1: ValueError: a yielded value is a number or a dictionary, not str"


def test_a_function_that_is_stopped_between_yields_cleans_up(
    shared: Supervisor, spec: Spec, until_end: UntilEnd, wait_until: WaitUntil
) -> None:
    def train() -> Any:
        import time

        try:
            while True:
                yield {"loss": 1.0}
                time.sleep(0.01)
        finally:
            print("cleaned up")

    it = spec(argv=[], function=True)
    shared.start(it, cloudpickle.dumps(train))
    rows = Path(it.directory, "metrics.jsonl")
    wait_until(lambda: rows.exists() and rows.read_text())
    shared.stop("stopped")
    assert until_end(shared)[-1]["state"] == "stopped"
    assert "cleaned up" in Path(it.directory, "log.txt").read_text()
