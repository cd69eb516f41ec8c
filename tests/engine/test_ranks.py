"""What a run says of trials whose processes all report."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.record.journal import read_journal

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]

AT_ONCE = """
import multiprocessing, os, time, hpo
def train(calls):
    calls.wait(60)
    hpo.report({"loss": 1})
    while open(os.environ["HPO_TRIAL_DIR"] + "/metrics.jsonl").read().count("loss") < 2:
        time.sleep(0.02)  # both live until both were heard
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    calls = context.Barrier(2)
    processes = [context.Process(target=train, args=(calls,)) for _ in range(2)]
    for process in processes: process.start()
    for process in processes: process.join()
"""


def test_processes_that_all_report_are_told_of_once_a_run(run_script: Any) -> None:
    parameters = {"lr": {"min": 0.0, "max": 1.0}}
    result = run_script(AT_ONCE, {"parameters": parameters}, count=4, concurrency=2)
    assert [(t.state, t.iterations) for t in result.trials] == [("finished", 2)] * 4
    notes = [event["text"] for event in read_journal(result.directory) if event["event"] == "note"]
    assert sum("set RANK in each" in text for text in notes) == 1
    for number in range(1, 5):
        log = (result.directory / "trials" / f"{number:04d}" / "log.txt").read_text()
        assert log.count("set RANK in each") == 1
