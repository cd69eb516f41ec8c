"""The report in a browser: all of it is drawn, it asks nothing of the net, its brushes filter the table."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from hpo.review.report.page import write_report
from tests.browser.conftest import Browse, Opened
from tests.record.made import BEGAN, Made, asha_run, pbt_run

HOSTILE = "<script>alert(1)</script>"
BREAKING = "</script><img src=x onerror=alert(2)><!--<script>\u2028\ud800%{x} $a$ <b>bold</b>"


@pytest.fixture(scope="module")
def asha(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(asha_run(tmp_path_factory.mktemp("runs") / "asha", 200))


def whole(seen: Opened) -> None:
    """Go down the page, so that all of it is drawn."""
    for section in seen.page.query_selector_all("main > section"):
        section.scroll_into_view_if_needed()
        seen.page.wait_for_timeout(150)
    seen.page.wait_for_function(
        "[...document.querySelectorAll('.plot')].every(p => p.querySelector('.main-svg'))"
    )


def sections(seen: Opened) -> list[str]:
    found: list[str] = seen.page.eval_on_selector_all("main > section", "all => all.map(one => one.id)")
    return found


def sound(seen: Opened) -> None:
    assert seen.page.evaluate("document.body.dataset.ready") == "yes"
    assert (seen.errors, seen.foreign) == ([], [])
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1400


@pytest.mark.parametrize("dark", [False, True])
def test_all_sections_of_an_asha_run_are_drawn(asha: Path, browse: Browse, dark: bool) -> None:
    seen = browse(asha, dark=dark)
    whole(seen)
    wanted = ["summary", "recipes", "best", "coordinates-and-table", "importance", "slices", "curves"]
    assert sections(seen) == [*wanted, "survival", "workers", "failures", "left-out"][: len(sections(seen))]
    assert len(sections(seen)) >= 10
    assert seen.page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    seen.shot(f"report-{'dark' if dark else 'light'}", whole=True)
    sound(seen)


def test_a_population_has_schedules_and_lineage(tmp_path: Path, browse: Browse) -> None:
    seen = browse(write_report(pbt_run(tmp_path / "pbt", 8)))
    whole(seen)
    assert "family" in sections(seen)
    assert "survival" not in sections(seen)
    assert "Survival: a population stops no trials." in seen.page.inner_text("#left-out")
    lines = seen.page.evaluate("document.getElementById('plot-schedules')._fullLayout.yaxis.type")
    assert lines == "log"
    sound(seen)


def brush(seen: Opened, axis: str, top: float, bottom: float) -> None:
    """Drag along an axis from one share of its height to another."""
    box = seen.page.locator(f'.axis[aria-label="{axis}: brush"]').bounding_box()
    assert box
    x = box["x"] + box["width"] / 2
    seen.page.mouse.move(x, box["y"] + top * box["height"])
    seen.page.mouse.down()
    seen.page.mouse.move(x, box["y"] + bottom * box["height"], steps=5)
    seen.page.mouse.up()


def cells(seen: Opened, column: str) -> list[str]:
    heads = seen.page.eval_on_selector_all("#trials th", "all => all.map(one => one.textContent)")
    place = next(k for k, head in enumerate(heads) if head.split(" ")[0] == column)
    found: list[str] = seen.page.eval_on_selector_all(
        "#trials tbody tr", f"all => all.map(one => one.children[{place}].textContent)"
    )
    return found


def test_brushing_filters_the_table(asha: Path, browse: Browse) -> None:
    seen = browse(asha)
    seen.page.locator("#coordinates").scroll_into_view_if_needed()
    assert seen.page.inner_text("#selection") == "200 trials"
    brush(seen, "lr", 0.4, 0.6)  # half of the log axis from 1e-4 to 1 is 1e-2
    kept = [float(text) for text in cells(seen, "lr")]
    assert kept
    assert all(10**-2.6 < lr < 10**-1.4 for lr in kept)
    alone = int(seen.page.inner_text("#selection").split()[0])
    assert alone < 80
    brush(seen, "optimizer", 0.35, 0.65)
    assert set(cells(seen, "optimizer")) == {"sgd"}
    assert int(seen.page.inner_text("#selection").split()[0]) < alone
    seen.shot("report-brushed")
    seen.page.click("#clear")
    assert seen.page.inner_text("#selection") == "200 trials"
    sound(seen)


def test_an_axis_can_be_brushed_by_keys(asha: Path, browse: Browse) -> None:
    seen = browse(asha)
    axis = seen.page.locator('.axis[aria-label="width: brush"]')
    axis.focus()
    seen.page.keyboard.press("ArrowUp")
    upper = [int(text) for text in cells(seen, "width")]
    assert upper
    assert min(upper) > 120
    seen.page.keyboard.press("Escape")
    assert seen.page.inner_text("#selection") == "200 trials"


def test_the_table_is_sorted_by_keys_and_failed_trials_stay_last(asha: Path, browse: Browse) -> None:
    seen = browse(asha)
    values = [float(text) for text in cells(seen, "loss")]
    assert values == sorted(values)
    seen.page.locator("#trials th button", has_text="width").focus()
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Enter")
    widths = [int(text) for text in cells(seen, "width")]
    assert widths == sorted(widths, reverse=True)
    assert seen.page.locator('#trials th[aria-sort="descending"]').count() == 1
    seen.page.locator("#trials th button", has_text="loss").click()
    seen.page.locator("#trials th button", has_text="loss").click()
    assert "failed" not in cells(seen, "state")
    sound(seen)


def test_yaml_and_command_line_can_be_copied(asha: Path, browse: Browse) -> None:
    seen = browse(asha)
    for what, word in (("configuration", "noise_b:"), ("command line", "train.py --epochs=27")):
        seen.page.get_by_role("button", name=f"Copy {what}").click()
        seen.page.wait_for_function(
            "[...document.querySelectorAll('.code button')].some(b => b.textContent === 'Copied')"
        )
        assert word in seen.page.evaluate("navigator.clipboard.readText()")


def test_the_theme_can_be_switched(asha: Path, browse: Browse) -> None:
    seen = browse(asha)
    light = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    seen.page.click("#theme")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    sound(seen)


def hostile(folder: Path) -> Path:
    """A run in which every text that a user chooses is markup."""
    metric = {"name": HOSTILE, "goal": "minimize"}
    sweep: dict[str, Any] = {
        "name": HOSTILE, "description": BREAKING, "program": BREAKING, "method": "random", "metric": metric,
        "parameters": {HOSTILE: {"values": [HOSTILE, BREAKING, None]}, BREAKING: {"min": 0.0, "max": 1.0}},
    }  # fmt: skip
    made = Made(folder, sweep, 6, 2)
    for number in range(1, 7):
        config = {HOSTILE: [HOSTILE, BREAKING, None][number % 3], BREAKING: number / 7}
        made.say(number, event="trial", trial=number, config=config)
        made.say(number, event="start", trial=number, attempt=1, slot=0, node=HOSTILE, iteration=0)
        made.rows(number, [{HOSTILE: number / step, "_step": step} for step in (1, 2)])
        state = "failed" if number == 6 else "finished"
        end = {"value": number / 2, "last": number / 2, "iterations": 2, "seconds": 0.9}
        why = {"state": state, "reason": BREAKING * (number == 6), "kind": HOSTILE}
        made.say(number + 0.9, event="end", trial=number, attempt=1, began=BEGAN + number, **end, **why)
    (folder / "trials" / "0006" / "log.txt").write_text(BREAKING.replace("\ud800", ""), encoding="utf-8")
    made.say(9, event="done", state="complete", reason=BREAKING)
    return made.write()


def several(folder: Path, names: tuple[str, ...], count: int) -> Path:
    """A run with several objectives, the first two of which go against each other."""
    rng = random.Random(count)
    parameters = {"x": {"min": 0.0, "max": 1.0}, "deep": {"min": 1, "max": 8, "when": {"kind": "net"}},
                  "kind": {"values": ["net", "tree"]}}  # fmt: skip
    goals = [{"name": name, "goal": "maximize" if name == "accuracy" else "minimize"} for name in names]
    made = Made(folder, {"name": "several", "program": "train.py", "method": "nsga2", "metric": goals[0],
                         "metrics": goals, "parameters": parameters}, count, 2)  # fmt: skip
    made.events[0]["metrics"] = goals
    del made.events[0]["sweep"]["metric"]
    for number in range(1, count + 1):
        x, kind = rng.random(), rng.choice(["net", "tree"])
        config = {"x": x, "kind": kind} | ({"deep": rng.randint(1, 8)} if kind == "net" else {})
        values = dict(zip(names, (x + rng.random(), (1 - x) ** 2 + rng.random(), rng.random()), strict=False))
        made.say(number, event="trial", trial=number, config=config)
        made.say(number, event="start", trial=number, attempt=1, slot=number % 2, node="n", iteration=0)
        first = values[names[0]]
        end = {"value": first, "last": first, "iterations": 1, "seconds": 0.9, "values": values}
        made.say(number + 0.9, event="end", trial=number, attempt=1, state="finished", reason="", **end)
    made.say(count + 2, event="done", state="complete", reason="")
    return made.write()


@pytest.mark.parametrize("names", [("loss", "weights"), ("accuracy", "weights", "latency")])
def test_several_objectives_have_a_front(tmp_path: Path, browse: Browse, names: tuple[str, ...]) -> None:
    seen = browse(write_report(several(tmp_path / "run", names, 60)))
    whole(seen)
    front = seen.page.evaluate("data.trials.front.length")
    assert front >= 2
    assert cells(seen, "front").count("★") == front
    assert seen.page.locator("#recipes .pair").count() == min(front, 12)
    assert seen.page.locator("#front select").count() == (2 if len(names) > 2 else 0)
    assert seen.page.locator(".axis").count() == 3 + len(names)
    seen.shot(f"report-{len(names)}-objectives", whole=True)
    sound(seen)


def test_what_users_write_shows_as_text(tmp_path: Path, browse: Browse) -> None:
    seen = browse(write_report(hostile(tmp_path / "run")))
    asked: list[str] = []
    seen.page.on("dialog", lambda dialog: asked.append(dialog.message))
    whole(seen)
    assert seen.page.inner_text("h1") == HOSTILE
    assert seen.page.title() == HOSTILE
    assert seen.page.locator("main img, main b:has-text('bold'), main script").count() == 0
    assert HOSTILE in seen.page.inner_text("#trials thead")
    assert "onerror=alert(2)" in seen.page.inner_text("#failures")
    drawn = seen.page.eval_on_selector_all(".plot text", "all => all.map(one => one.textContent).join('\\n')")
    assert HOSTILE[:20] in drawn
    assert asked == []
    seen.shot("report-hostile", whole=True)
    sound(seen)


def test_ten_thousand_trials_stay_quick_to_brush(tmp_path: Path, browse: Browse) -> None:
    place = write_report(asha_run(tmp_path / "many", 10_000))
    assert place.stat().st_size < 20e6
    seen = browse(place)
    seen.page.locator("#coordinates").scroll_into_view_if_needed()
    brush(seen, "lr", 0.4, 0.6)
    assert 0 < int(seen.page.inner_text("#selection").split()[0].replace(",", "")) < 4000
    whole(seen)
    seen.shot("report-10000", whole=True)
    sound(seen)


def test_it_prints_all_of_itself(asha: Path, browse: Browse) -> None:
    seen = browse(asha)
    pages = seen.page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    assert pages >= 2
    assert seen.page.evaluate(
        "[...document.querySelectorAll('.plot')].every(p => p.querySelector('.main-svg'))"
    )
    sound(seen)


@pytest.mark.parametrize("count", [0, 1])
def test_a_run_that_has_just_begun(tmp_path: Path, browse: Browse, count: int) -> None:
    seen = browse(write_report(asha_run(tmp_path / "run", count, slots=1, done=False)))
    whole(seen)
    assert sections(seen)[0] == "summary"
    assert sections(seen)[-1] == "left-out"
    sound(seen)
