"""TensorBoard's own pages on a run's log directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from hpo.record.observed import observe
from hpo.record.scribe import rebuild
from hpo.review.dashboard import Shown, links
from tests.browser.conftest import Browse
from tests.record.board import served
from tests.record.made import asha_run, pbt_run

TRIALS = 60
PATIENCE = 60_000


def opened_parallel_coordinates(page: Page) -> None:
    page.get_by_text("PARALLEL COORDINATES VIEW").first.click()


@pytest.mark.parametrize("population", [False, True], ids=["asha", "population"])
def test_table_and_parallel_coordinates_show_every_session(
    tmp_path: Path, browse: Browse, population: bool
) -> None:
    """The sweep has lists and None: TensorBoard drops a line with a value that is missing, or of no type."""
    if population:
        run, sessions = pbt_run(tmp_path / "run", 6), 10
    else:
        run, sessions = asha_run(tmp_path / "run", TRIALS, failing=0.0), TRIALS
    root = rebuild(run)
    with served(root) as board:
        board.until(board.sessions, lambda found: len(found) == sessions)
        seen = browse(f"{board.address}/#hparams")
        page = seen.page
        rows = page.locator("tf-hparams-table-view vaadin-grid-cell-content", has_text="t00")
        rows.first.wait_for(timeout=PATIENCE)
        seen.shot(f"hparams-table-{sessions}")
        cells = page.locator("tf-hparams-table-view vaadin-grid-cell-content").all_inner_texts()
        assert population or {"null", "[32, 32]"} <= set(map(str.strip, cells))
        opened_parallel_coordinates(page)
        lines = page.locator("tf-hparams-parallel-coords-plot .foreground path")
        lines.first.wait_for(timeout=PATIENCE)
        seen.shot(f"hparams-parallel-{sessions}")
        drawn = lines.evaluate_all(
            "paths => paths.filter(p => (p.getAttribute('d') || '').length > 1).length"
        )
        assert drawn == sessions


def test_the_link_pins_the_objective_and_selects_the_best(tmp_path: Path, browse: Browse) -> None:
    run = asha_run(tmp_path / "run", TRIALS)
    shown = Shown(observe(run).record, rebuild(run))
    with served(shown.root) as board:
        board.until(board.sessions, lambda found: len(found) == TRIALS)
        seen = browse(links(board.address, [shown], 5)["Time Series"])
        page = seen.page
        page.locator("metrics-pinned-view card-view").first.wait_for(timeout=PATIENCE)
        page.locator("metrics-pinned-view scalar-card line-chart").first.wait_for(timeout=PATIENCE)
        page.wait_for_timeout(2000)
        seen.shot("time-series")
        text = page.locator("runs-selector, runs-view").first.inner_text()
        assert {name for name in shown.trials(None) if name in text} == set(shown.trials(5))
        assert "loss" in page.locator("metrics-pinned-view").inner_text()
        smoothing = page.locator(".scalars-smoothing input").last.input_value()
        assert float(smoothing) == 0
