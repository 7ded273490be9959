"""Every page of reviews passes axe in both themes; the list is the URLconf's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from playwright.sync_api import Page

from tests.browser.test_review_keys import signed_in
from tests.browser.test_tours import assert_accessible
from tests.factories.things import Things, addresses, things_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Whoever sees most of them first; the others where that one does not.
ROLES = ("review_lead", "reviewer", "finance", "safety", "owner")


def pages_of(things: Things, role: str) -> set[str]:
    """Addresses that this person is shown as a page."""
    client = Client(raise_request_exception=False)
    client.force_login(things.here.people.users[role])
    paths = {things.fill(one) for one in addresses() if not one.is_api and _is_ours(one.path)}
    found = set()
    for path in paths:
        reply = client.get(path)
        is_page = reply.headers.get("content-type", "").startswith("text/html")
        if reply.status_code == 200 and is_page and b"<html" in reply.content:
            found.add(path)
    return found


def _is_ours(path: str) -> bool:
    return path.startswith(("reviews/", "absences/"))


@pytest.fixture
def things(settings: Any, transactional_db: None) -> Things:
    with transaction.atomic():
        return things_of(settings)


def test_every_page_of_reviews_passes_axe(page: Page, live_server: Any, things: Things) -> None:
    seen: set[str] = set()
    for role in ROLES:
        shown = pages_of(things, role) - seen
        if not shown:
            continue
        page.context.clear_cookies()
        signed_in(page, live_server.url, things.here.people.users[role])
        for path in sorted(shown):
            page.goto(live_server.url + path)
            assert_accessible(page)
        seen |= shown
    # What is there for nobody would make this pass without a look at anything.
    assert len(seen) >= 30
