"""An engineer writes and tries a version; what the script adds works, and passes axe."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from prompts.releases.models import Release
from tests.browser.test_tours import assert_accessible, sign_in
from tests.factories.organisation import World, world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def here() -> World:
    return world()


def test_a_version_is_tried_before_it_is_saved(page: Page, live_server: Any, here: World) -> None:
    sign_in(page, live_server.url, here, "prompt_engineer")
    page.goto(f"{live_server.url}/prompts/licence-reader/new-version/")
    assert_accessible(page)
    page.get_by_role("button", name="Add a message").click()
    expect(page.locator("#content-3")).to_be_focused()
    page.locator("#content-3").fill("In the voice of {{reader}}.")
    page.get_by_role("button", name="Declare what the messages use").click()
    expect(page.locator("#sample-reader")).to_be_visible()
    page.locator("#sample-reader").fill("a lawyer")
    page.locator("#sample-licence_text").fill("MIT")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("In the voice of a lawyer.")).to_be_visible()
    assert_accessible(page)
    expect(page.locator("#labels")).to_be_hidden()
    page.get_by_label("One of some labels").check()
    expect(page.locator("#labels")).to_be_visible()
    page.locator("#labels").fill("MIT\nISC")
    page.locator("#changelog").fill("Labels only")
    page.locator("#changelog").press("Enter")
    page.wait_for_url("**/prompts/licence-reader/")
    assert page.get_by_text("Saved as version 3").is_visible()
    page.goto(f"{live_server.url}/prompts/licence-reader/diff/?a=1&b=3")
    assert_accessible(page)


def test_pages_of_a_release_pass_axe(page: Page, live_server: Any, here: World) -> None:
    sign_in(page, live_server.url, here, "prompt_engineer")
    release = Release.objects.get()
    for path in (
        f"/releases/{release.pk}/",
        "/prompts/new/",
        "/prompts/licence-reader/versions/1/",
        "/prompts/licence-reader/release/",
        "/prompts/licence-reader/",
    ):
        page.goto(live_server.url + path)
        assert_accessible(page)
