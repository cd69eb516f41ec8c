"""The browser that pages are tested with tells what goes wrong in them."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Browse


def test_errors_and_foreign_requests_of_a_page_are_seen(tmp_path: Path, browse: Browse) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><title>one</title><script>console.error('first')</script>"
        "<script>missing()</script><img src='https://example.org/a.png'>"
    )
    seen = browse(page)
    assert [word for word in ("first", "missing") if not any(word in error for error in seen.errors)] == []
    assert seen.foreign == ["https://example.org/a.png"]


def test_a_sound_page_says_nothing(tmp_path: Path, browse: Browse) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>one</title><body style='color-scheme: light dark'>text")
    seen = browse(page, dark=True)
    assert (seen.errors, seen.foreign) == ([], [])
    assert seen.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
