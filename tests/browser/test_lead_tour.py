"""The lead's tour: will the SLA hold, who has what; two answers move by keyboard, one by drag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from governance.access.models import User
from governance.home.absences import state_absence
from governance.kernel.authority import Actor
from reviews.board.models import Assignment, Capacity
from reviews.board.services import give_to
from reviews.decisions.models import ReviewDecision
from reviews.decisions.overturning import overturn
from reviews.queues.models import Queue, ReviewItem
from tests.browser.test_review_keys import looked_at, signed_in
from tests.browser.test_tours import assert_accessible
from tests.factories.quality import judge
from tests.factories.reviews import make_item, make_member, make_queue

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def named(person: User, name: str) -> User:
    User.objects.filter(pk=person.pk).update(name=name)
    person.name = name
    return person


@pytest.fixture
def queue() -> Queue:
    """Thirty decisions of the past days, two of them overturned, and answers of every age."""
    made, now = make_queue("licence-answers"), timezone.now()
    worker = named(make_member(made), "Wilma Work")
    for _ in range(30):
        judge(worker, make_item(made, now=now - timedelta(days=2)), now=now, seconds_spent=90)
    lead = Actor.person(named(make_member(made, "review_lead"), "Lena Lead"))
    for one in ReviewDecision.objects.all()[:2]:
        overturn(actor=lead, decision_id=one.pk, verdict="reject", rationale="No.", now=now)
    for hours in (-3, 1, 2, 5, 9, 20):
        item = make_item(made, now=now)
        ReviewItem.objects.filter(pk=item.pk).update(
            created_at=now - timedelta(hours=3), due_at=now + timedelta(hours=hours)
        )
    return made


def test_a_lead_sees_who_has_what_and_moves_it(page: Page, live_server: Any, queue: Queue) -> None:
    now = timezone.now()
    ada, ben, cleo = (
        named(make_member(queue), name) for name in ("Ada Able", "Ben Busy", "Cleo Coast")
    )
    lead = User.objects.get(name="Lena Lead")
    waiting = list(ReviewItem.objects.filter(state="waiting").order_by("due_at"))
    give_to(
        actor=Actor.person(lead),
        queue=queue,
        item_ids=[one.pk for one in waiting[:4]],
        person=ben,
        now=now,
    )
    Capacity.objects.create(queue=queue, person=ada, at_once=3)
    state_absence(
        actor=Actor.person(lead),
        person=cleo,
        starts_at=now,
        ends_at=now + timedelta(days=3),
        stand_in=ben,
        now=now,
    )
    signed_in(page, live_server.url, lead)
    page.goto(f"{live_server.url}/reviews/")
    page.get_by_role("link", name="Board").click()
    page.get_by_role("link", name="SLA and load").click()

    # Ages against the SLA, the forecast, and who is not there.
    ages = page.get_by_role("group", name="What waits, by age")
    expect(ages.get_by_role("row", name="past due 1")).to_be_visible()
    forecast = page.get_by_role("group", name="What will pass its due time")
    expect(forecast.get_by_role("row", name="next 24")).to_be_visible()
    load = page.get_by_role("group", name="Who has what")
    expect(load.get_by_role("row", name="Cleo Coast")).to_contain_text("Ben Busy stands in")
    expect(page.get_by_role("heading", name="Overturned afterwards").locator("..")).to_contain_text(
        "of 30 decisions"
    )
    assert_accessible(page)
    looked_at(page, "lead-board")

    # Two of Ben's go to Ada, without the mouse.
    page.keyboard.press("g")
    expect(page.locator("#first-answer")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("t")
    expect(page.locator("#to")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("2 kept for Ada Able.")
    assert _kept_for(ada) == [one.pk for one in waiting[:2]]

    # And one more by drag, onto her line.
    row = page.locator(f'[data-drag="{waiting[2].pk}"]')
    drag(page, row, "Ada Able")
    expect(page.locator("#messages")).to_contain_text("1 kept for Ada Able.")
    assert _kept_for(ada) == [one.pk for one in waiting[:3]]
    expect(load.get_by_role("row", name="Ada Able")).to_contain_text("full")
    looked_at(page, "lead-board-full")

    # Who takes no more or is away can be chosen neither way.
    row = page.locator(f'[data-drag="{waiting[3].pk}"]')
    drag(page, row, "Wilma Work", drop=False)
    strip = page.locator("[data-drop-strip]")
    looked_at(page, "lead-board-dragging")
    expect(strip).not_to_contain_text("Cleo Coast")
    expect(strip).not_to_contain_text("Ada Able")
    page.mouse.up()
    expect(page.locator("#messages")).to_contain_text("1 kept for Wilma Work.")
    for name in ("Ada Able", "Cleo Coast"):
        option = page.locator("#to option", has_text=name)
        expect(option).to_be_disabled()

    page.get_by_role("link", name="How much people take").click()
    assert_accessible(page)
    looked_at(page, "lead-capacities")
    page.get_by_label("Ada Able at a time").fill("9")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Ben Busy is away").click()
    expect(page.locator("#id_person option:checked")).to_have_text("Ben Busy")
    assert_accessible(page)
    looked_at(page, "lead-absences")
    page.goto(f"{live_server.url}/reviews/{queue.slug}/board/")
    page.get_by_role("link", name="Quality").click()
    expect(page.get_by_role("heading", name="Agreement").first).to_be_visible()
    assert_accessible(page)


def drag(page: Page, row: Locator, name: str, *, drop: bool = True) -> None:
    """As a hand does it: the people come into sight once the line is on its way."""
    row.scroll_into_view_if_needed()
    row.locator("th").hover()
    page.mouse.down()
    box = row.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 40, steps=4)
    page.locator("[data-drop-strip] li", has_text=name).hover()
    page.locator("[data-drop-strip] li", has_text=name).hover()
    if drop:
        page.mouse.up()


def _kept_for(person: User) -> list[Any]:
    kept = Assignment.objects.live().filter(person=person).order_by("item__due_at")
    return list(kept.values_list("item", flat=True))
