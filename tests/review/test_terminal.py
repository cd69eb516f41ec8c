"""Tables and live progress: readable at every width, user text shown as it is, talk on stderr."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from hpo.record.trials import RunRecord, RunState
from hpo.review.cells import metric_text
from hpo.review.parameters import searched
from hpo.review.terminal import best_table, result_table, status_panel
from hpo.sweepfile.load import load_sweep

FEW: dict[str, Any] = {
    "learning_rate": {"min": 1e-5, "max": 0.1},
    "batch_size": {"values": [16, 32]},
    "epochs": {"value": 10},
}
MANY: dict[str, Any] = {
    **FEW,
    "model": {
        "parameters": {
            "encoder": {"parameters": {"attention_heads": {"values": [4, 8]}}},
            "frozen": {"value": True},
        }
    },
    "optimizer": {"values": ["adam", "a very long name of an optimizer, longer than a column"]},
    **{f"weight_of_loss_{i}": {"min": 0.0, "max": 1.0} for i in range(12)},
}
SWEEP = load_sweep({"method": "random", "metric": {"name": "val_loss"}, "program": "t.py", "parameters": FEW})


def config(parameters: dict[str, Any], number: int) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for name, entry in parameters.items():
        if "parameters" in entry:
            drawn[name] = config(entry["parameters"], number)
        elif "min" in entry:
            drawn[name] = 0.0123456789 * number
        else:
            drawn[name] = entry.get("value", entry.get("values", [None])[-1])
    return drawn


def run_event(parameters: dict[str, Any], metric: str | None = "val_loss") -> dict[str, Any]:
    told = {"name": metric, "goal": "minimize", "target": None} if metric else None
    sweep = {"method": "random", "parameters": parameters}
    return {
        "event": "run",
        "sweep": sweep,
        "metric": told,
        "method": "random",
        "seed": 1,
        "count": 6,
        "time": 100.0,
    }


def trial_events(
    number: int, parameters: dict[str, Any], state: str = "finished", **end: Any
) -> list[dict[str, Any]]:
    told = {
        "value": 0.1 * number,
        "last": 0.2 * number,
        "iterations": 10,
        "reason": "",
        "kind": "",
        "time": 160.0,
    }
    events: list[dict[str, Any]] = [
        {"event": "trial", "trial": number, "config": config(parameters, number), "time": 101.0},
        {"event": "start", "trial": number, "attempt": 1, "slot": 0, "node": "node-1", "time": 101.0},
    ]
    if state != "running":
        events.append({"event": "end", "trial": number, "state": state, **told, **end})
    return events


def folded(
    parameters: dict[str, Any], *trials: list[dict[str, Any]], metric: str | None = "val_loss"
) -> RunState:
    state = RunState()
    for event in (run_event(parameters, metric), *(event for trial in trials for event in trial)):
        state.apply(event)
    return state


def six(parameters: dict[str, Any]) -> RunRecord:
    trials = [trial_events(n, parameters) for n in range(1, 5)]
    trials.append(trial_events(5, parameters, "stopped"))
    trials.append(trial_events(6, parameters, "failed", reason="exit code 1: ValueError: bad [red]lr[/red]"))
    return folded(parameters, *trials).record("runs/[bold]x")


def shown(renderable: Any, width: int = 100) -> list[str]:
    console = Console(width=width, file=io.StringIO(), highlight=False, markup=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("parameters", [FEW, MANY], ids=["few", "many"])
def test_the_table_fits_and_loses_no_parameter(parameters: dict[str, Any], width: int) -> None:
    lines = shown(best_table(six(parameters), 6), width)
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    for name in (".".join(path) for path in searched({"parameters": parameters})):
        assert name in text or all(part in text for part in name.replace("_", "_ ").split())
    assert "epochs" not in text
    for number in range(1, 7):
        assert metric_text(0.1 * number) in text


def test_few_parameters_give_one_line_a_trial_best_first() -> None:
    lines = shown(best_table(six(FEW), 2), 80)
    assert lines[0].split() == ["trial", "val_loss", "last", "iter", "state", "learning_rate", "batch_size"]
    assert [line.split() for line in lines[2:]] == [
        ["1", "0.10000", "0.20000", "10", "finished", "0.012346", "32"],
        ["2", "0.20000", "0.40000", "10", "finished", "0.024691", "32"],
    ]


def test_headings_break_before_the_table_turns() -> None:
    wide = {f"a_long_parameter_name_{i}": {"min": 0.0, "max": 1.0} for i in range(3)}
    upright = shown(best_table(six(wide), 2), 80)
    assert upright[-1].split()[0] == "2"
    turned = shown(best_table(six(wide), 2), 50)
    assert turned[0].split() == ["trial", "1", "2"]


def test_failed_trials_come_last_and_are_marked() -> None:
    record = folded(FEW, trial_events(1, FEW, "failed", value=0.0), trial_events(2, FEW)).record("r")
    lines = shown(best_table(record, 9))
    assert [line.split()[0] for line in lines[2:]] == ["2", "1"]
    assert "failed" in lines[3]


def test_markup_in_names_and_values_is_text() -> None:
    odd = {"[red]lr[/red]": {"values": ["[bold]a[/bold]", "[/]"]}}
    record = folded(odd, trial_events(1, odd), metric="[blink]loss").record("[link=x]run")
    for renderable in (best_table(record, 1), status_panel(record, now=200.0)):
        text = "\n".join(shown(renderable, 140))
        assert "[red]lr[/red]" in text
        assert "[/]" in text
        assert "[blink]loss" in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    odd = {"a\nb": {"values": ["\x1b[2J", "\x1b]0;title\x07"]}}
    record = folded(odd, trial_events(1, odd, "failed", reason="line\x1b[31m\nnext")).record("r")
    for renderable in (best_table(record, 1), status_panel(record, now=200.0)):
        assert "\x1b" not in "\n".join(shown(renderable))


def test_result_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    result_table(six(FEW))
    out, err = capsys.readouterr()
    assert out.startswith("6 trials: 4 finished, 1 stopped, 1 failed\n")
    assert "learning_rate" in out
    assert err == ""


@pytest.mark.parametrize("metric", ["val_loss", None])
def test_results_without_values_or_metric(metric: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    result_table(folded(FEW, trial_events(1, FEW, value=None), metric=metric).record("r"))
    out = capsys.readouterr().out
    assert ("no trial gave a value of val_loss" in out) == (metric is not None)
    assert ("0.012346" in out) == (metric is None)
    result_table(folded(FEW, metric=metric).record("r"))
    assert capsys.readouterr().out == "0 trials\n"


def test_a_node_set_aside_is_named_by_status_and_result() -> None:
    state = folded(FEW, trial_events(1, FEW))
    about = {"node": "gpu07", "id": "f00d", "slots": 2, "trials": [1, 2], "time": 150.0}
    why = {"failed": 5, "elsewhere": 40, "reason": "exit code 1: \x1b[31mred"}
    state.apply({"event": "aside", **about, **why})
    record = state.record("runs/a")
    out = io.StringIO()
    result_table(record, out)
    said = "5 trials in a row failed there (exit code 1: \\x1b[31mred) while 40 succeeded elsewhere"
    assert f"node gpu07 was set aside: {said}" in out.getvalue()
    assert f"node gpu07: {said}" in "\n".join(shown(status_panel(record, now=200.0), 140))


def test_status_says_how_far_and_what_failed() -> None:
    failed = [trial_events(n, FEW, "failed", reason=f"exit code 1: bad {n}", value=None) for n in (2, 3)]
    state = folded(FEW, trial_events(1, FEW), *failed, trial_events(4, FEW, "running"))
    state.apply({"event": "result", "trial": 4, "iteration": 7, "value": 0.5, "best": 0.4, "time": 170.0})
    lines = shown(status_panel(state.record("runs/a"), now=200.0), 80)
    text = "\n".join(lines)
    assert "4 trials: 1 finished, 2 failed, 1 running (of 6)" in text
    assert "1:40, began" in text
    assert "last event 0:30 ago" in text
    assert "0.10000 (trial 1)" in text
    assert "2x exit code 1: bad 2" in text
    assert lines[-1].split() == ["4", "node-1", "7", "0.50000", "1:39"]
    state.apply({"event": "done", "state": "budget", "reason": "time budget used up", "time": 220.0})
    text = "\n".join(shown(status_panel(state.record("runs/a"), now=900.0), 80))
    assert "budget: time budget used up" in text
    assert "2:00, began" in text
    assert "1 interrupted" in text
