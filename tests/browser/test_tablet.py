"""Reviewers and leads at a tablet: nothing lies outside the page, a finger hits what it means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from governance.access.models import User
from governance.kernel.authority import Actor
from reviews.decisions.models import ReviewDecision
from reviews.queues.models import Queue, Retiming, ReviewItem
from reviews.queues.services import claim_item
from tests.browser.test_review_keys import signed_in
from tests.browser.test_tours import assert_accessible
from tests.factories.quality import judge
from tests.factories.reviews import make_item, make_member, make_queue

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
UPRIGHT, ACROSS = (820, 1180), (1180, 820)
LEAST = 44
"""CSS pixels of a target for a finger."""

TOO_SMALL = """least => [...document.querySelectorAll(
    'button, .button, select, summary, nav a, td label:has(> input),' +
    'input:not([type=hidden], [type=checkbox], [type=radio])')]
  .map(one => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.right > 0 && Math.round(box.height) < least)
  .map(([html, box]) => `${Math.round(box.height)}: ${html}`)"""
OUTSIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def queue() -> Queue:
    """Answers of every age, some decided, and a re-timing that runs."""
    made, now = make_queue("licence-answers"), timezone.now()
    worker = make_member(made)
    for _ in range(3):
        judge(worker, make_item(made, now=now - timedelta(days=2)), now=now, seconds_spent=90)
    for hours in (-3, 1, 20):
        item = make_item(made, now=now)
        ReviewItem.objects.filter(pk=item.pk).update(due_at=now + timedelta(hours=hours))
    Retiming.objects.create(
        policies=[made.sla_id],
        queue=made,
        leaves=made.sla,
        reason="Licence answers chose the SLA Two days",
        by_label="Lena Lead",
        at=now,
        total=12_000,
        done=5_000,
        moved=4_000,
    )
    return made


@pytest.fixture(params=[UPRIGHT, ACROSS], ids=["upright", "across"])
def tablet(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height}, has_touch=True)
    yield context.new_page()
    context.close()


def look(page: Page, address: str) -> None:
    page.goto(address)
    assert page.evaluate("() => matchMedia('(pointer: coarse)').matches")
    assert page.evaluate(OUTSIDE) == 0, address
    assert page.evaluate(TOO_SMALL, LEAST) == [], address
    assert_accessible(page)


def test_what_a_reviewer_uses(tablet: Page, live_server: Any, queue: Queue) -> None:
    person = make_member(queue)
    item = ReviewItem.objects.filter(state="waiting").first()
    assert item is not None
    claim_item(actor=Actor.person(person), item_id=item.pk, now=timezone.now())
    signed_in(tablet, live_server.url, person)
    for path in (
        "/reviews/",
        f"/reviews/items/{item.pk}/",
        f"/reviews/items/{item.pk}/hand/",
        f"/reviews/items/{item.pk}/ask/",
        "/reviews/mine/",
        "/reviews/questions/",
        f"/reviews/{queue.slug}/guideline/",
        f"/reviews/{queue.slug}/alike/",
        "/absences/",
    ):
        look(tablet, live_server.url + path)


def test_what_a_lead_uses(tablet: Page, live_server: Any, queue: Queue) -> None:
    lead: User = make_member(queue, "review_lead")
    signed_in(tablet, live_server.url, lead)
    paths = [f"/reviews/{queue.slug}/{part}" for part in QUEUE_PAGES]
    paths += [f"/reviews/calendars/retimings/{Retiming.objects.get().pk}/"]
    paths += [f"/reviews/decisions/{ReviewDecision.objects.latest('pk').pk}/overturn/"]
    for path in (*paths, *LEADS_PAGES):
        look(tablet, live_server.url + path)


QUEUE_PAGES = (
    "",
    "board/",
    "capacities/",
    "settings/",
    "quality/",
    "quality/settings/",
    "calibration/",
)
LEADS_PAGES = (
    "/reviews/feedback/",
    "/reviews/feedback/rules/",
    "/reviews/adjudications/",
    "/reviews/calendars/",
    "/reviews/sla/",
    "/reviews/intake/",
    "/absences/",
)
