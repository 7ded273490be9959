"""A real Chromium, where one is found; without one the browser tests say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("PLACET_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        missing = "No Chromium was found: install one, or name it in PLACET_CHROMIUM."
        if os.environ.get("PLACET_REQUIRE_CHROMIUM"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of its own, as a person with a fresh browser would have it."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()
