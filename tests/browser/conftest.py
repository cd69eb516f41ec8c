"""A headless Chromium for tests of pages: `browse(address)` opens one and watches what it complains about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

WIDTH, HEIGHT = 1400, 900
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OWN = {"", "127.0.0.1", "localhost"}
"""Hosts of a page that needs no network; files and data have none."""


@dataclass
class Opened:
    """A page and what it has said since it was opened."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and exceptions that nothing caught."""
    foreign: list[str] = field(default_factory=list)
    """What it asked of other machines; nothing of it was let through."""

    def shot(self, name: str, *, whole: bool = False) -> Path | None:
        """Save a picture in the folder HPO_SCREENSHOTS, if it is set, to look at; `whole`: the whole page."""
        folder = os.environ.get("HPO_SCREENSHOTS")
        if not folder:
            return None
        place = Path(folder) / f"{name}.png"
        if whole:
            self.page.evaluate("scrollTo(0, 0)")
        self.page.screenshot(path=place, full_page=whole)
        return place

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text}")

    def asked(self, request: Request) -> None:
        if (urlsplit(request.url).hostname or "") not in OWN:
            self.foreign.append(request.url)


Browse = Callable[..., Opened]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert found, f"none of {', '.join(CHROMIUM)} is installed; leave these tests out with -m 'not browser'"
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root, nor in most containers; /dev/shm is small there.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Browse]:
    """Opens an address or a file in a window of its own, light or `dark`; no other machine can be reached."""
    contexts = []

    def opened(place: str | Path, *, dark: bool = False) -> Opened:
        context = chromium.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.route(
            lambda url: (urlsplit(url).hostname or "") not in OWN, lambda route: route.abort("failed")
        )
        watched = Opened(context.new_page())
        watched.page.on("console", watched.heard)
        watched.page.on("pageerror", lambda error: watched.errors.append(f"uncaught: {error}"))
        watched.page.on("request", watched.asked)
        watched.page.goto(place.absolute().as_uri() if isinstance(place, Path) else place)
        return watched

    yield opened
    for context in contexts:
        context.close()
