"""The board's and the reviewer's tours, clicked; every page on the way passes axe in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from telemetry.ledger.models import Call
from tests.factories.organisation import World, provider, world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def here(settings: Any) -> Iterator[World]:
    made = world()
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        variables = {"licence_text": "MIT License"}
        pipeline.run(GovernedRequest("licence-review", made.key, variables=variables))
        yield made


def sign_in(page: Page, url: str, here: World, role: str) -> None:
    page.goto(f"{url}/accounts/login/")
    page.fill("#id_login", here.people.users[role].email)
    page.fill("#id_password", here.people.passwords[role])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")


def assert_accessible(page: Page) -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        wrong = [(page.url, one["id"], one["nodes"][0]["html"][:200]) for one in found]
        assert wrong == []


def test_the_board_decides_from_my_work(page: Page, live_server: Any, here: World) -> None:
    sign_in(page, live_server.url, here, "board")
    assert_accessible(page)
    page.get_by_role("link", name="Open the first").click()
    assert_accessible(page)
    page.get_by_label("approve", exact=True).check()
    page.locator("#rationale").fill("Clearer, and the same cost.")
    page.get_by_role("button", name="Decide").click()
    assert page.get_by_text("signed by Bea Board").is_visible()


def test_a_reviewer_decides_with_the_keyboard(page: Page, live_server: Any, here: World) -> None:
    sign_in(page, live_server.url, here, "reviewer")
    page.goto(f"{live_server.url}/reviews/")
    assert_accessible(page)
    page.keyboard.press("n")
    page.wait_for_url("**/reviews/items/**")
    assert_accessible(page)
    page.keyboard.press("a")
    page.wait_for_url("**/next/")
    assert page.get_by_role("heading", name="Nothing waits in").is_visible()
    assert Call.objects.get().state == "released"


def test_the_tier_is_shown_while_the_answers_are_given(
    page: Page, live_server: Any, here: World
) -> None:
    sign_in(page, live_server.url, here, "owner")
    page.goto(f"{live_server.url}/use-cases/licence-review/intake/risk/")
    assert not page.locator("[name=employment][value=yes]").is_visible()
    page.locator("[name=essential][value=yes]").check()
    assert page.locator("[name=employment][value=yes]").is_visible()
    page.get_by_role("button", name="Show the tier").click()
    page.get_by_text("An Annex III area: access to jobs, education").wait_for()
    assert page.url.endswith("/intake/risk/")
    assert page.locator("[name=essential][value=yes]").is_checked()
    assert here.use_case.risk_assessments.get().tier == "limited"


PAGES = {
    "finance": ["/chargeback/"],
    "compliance": ["/audit/", "/audit/events/", "/audit/packs/new/"],
    "safety": ["/incidents/"],
    "owner": [
        "/use-cases/licence-review/",
        "/use-cases/new/",
        "/use-cases/map/",
        "/use-cases/?sort=priority",
        *(
            f"/use-cases/licence-review/intake/{step}/"
            for step in ("what", "pattern", "data", "scores", "risk", "summary")
        ),
        "/use-cases/licence-review/hand-over/",
        "/policy/",
    ],
    "data_steward": ["/datasets/", "/datasets/new/"],
    "ml_engineer": ["/models/"],
    "prompt_engineer": ["/prompts/licence-reader/"],
    "administrator": ["/people/"],
    "board": ["/help/", "/calls/"],
}


@pytest.mark.parametrize("role", PAGES)
def test_pages_pass_axe(page: Page, live_server: Any, here: World, role: str) -> None:
    sign_in(page, live_server.url, here, role)
    for path in PAGES[role]:
        page.goto(live_server.url + path)
        assert_accessible(page)
