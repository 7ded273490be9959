"""An audit pack as compliance sees it come: asked for, watched without a reload, taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from governance.audit.models import AuditPack
from tests.browser.test_tours import assert_accessible, sign_in
from tests.factories.audit import built
from tests.factories.organisation import world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def own_data_folder(settings: Any, tmp_path: Path) -> None:
    """The copy of the log outside the database is this test's own."""
    settings.DATA_DIR = tmp_path / "data"


def test_a_pack_is_asked_for_watched_and_taken(page: Page, live_server: Any) -> None:
    sign_in(page, live_server.url, world(), "compliance")
    page.goto(f"{live_server.url}/audit/")
    page.get_by_role("link", name="Build a pack").click()
    page.get_by_role("link", name="Last month").click()
    assert_accessible(page)
    page.get_by_role("button", name="Build the pack").click()
    page.get_by_text("It waits for a worker.").wait_for()
    assert_accessible(page)
    page.locator("#pack-refresh").focus()
    built(AuditPack.objects.get())
    page.get_by_text("The pack is ready.").wait_for()
    assert_accessible(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download").click()
    assert taken.value.suggested_filename.endswith(".zip")
