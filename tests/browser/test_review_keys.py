"""Ten answers reviewed without the mouse, and the screen in every light it is used in."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from governance.access.models import User
from reviews.board.models import HandOver
from reviews.decisions.models import ReviewDecision
from reviews.decisions.working_models import PendingDecision
from reviews.questions.models import Question
from reviews.queues.models import Queue, ReviewItem
from telemetry.ledger.models import Call
from tests.browser.test_tours import assert_accessible
from tests.factories.ledger import make_person
from tests.factories.reviews import make_item, make_member, make_queue

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A busy machine answers late; nothing here is about speed.
expect.set_options(timeout=60_000)

LICENCE = {
    "type": "json_schema",
    "schema": {
        "type": "object",
        "required": ["spdx", "copyleft"],
        "properties": {
            "spdx": {"type": "string", "title": "Licence", "description": "The SPDX identifier."},
            "copyleft": {"type": "boolean", "title": "Copyleft"},
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "duties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
ANSWER = '{"spdx": "MIT", "copyleft": false, "share": 0.50, "duties": ["keep the notice"]}'


def signed_in(page: Page, url: str, person: User) -> None:
    person.set_password("only-for-this-test")
    person.save()
    page.set_default_timeout(60_000)
    page.goto(f"{url}/accounts/login/")
    page.fill("#id_login", person.email)
    page.fill("#id_password", "only-for-this-test")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")


def arrived(page: Page, decided: int) -> None:
    """The next item's heading has the focus, without a new page."""
    expect(page.locator("#review h1")).to_be_focused()
    assert ReviewItem.objects.filter(state="decided").count() == decided


def looked_at(page: Page, name: str) -> None:
    """Screenshots in both themes, where PLACET_SCREENSHOTS names a folder."""
    folder = os.environ.get("PLACET_SCREENSHOTS")
    for theme in ("dark", "light") if folder else ():
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.screenshot(path=f"{folder}/{name}-{theme}.png", full_page=True)


def press(page: Page, key: str) -> None:
    """A key that decides; waits for the answer that brings the next item."""
    page.evaluate("document.getElementById('review').dataset.old = 'yes'")
    page.keyboard.press(key)
    expect(page.locator("#review[data-old]")).to_have_count(0)


def test_ten_items_without_the_mouse(page: Page, live_server: Any) -> None:
    experts = make_queue("experts")
    queue = make_queue(
        escalates_to=experts, rationale_templates=["It names no licence.", "Not our matter."]
    )
    reviewer = make_member(queue)
    for at in range(10):
        make_item(queue, f"Plain answer number {at}.") if at < 8 else make_item(
            queue, ANSWER, contract=LICENCE
        )
    Queue.objects.filter(pk=queue.pk).update(undo_seconds=0)
    signed_in(page, live_server.url, reviewer)
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    page.wait_for_url("**/reviews/items/**")
    whole = page.evaluate("performance.timeOrigin")
    for done in range(1, 4):  # three approved, one with labels
        page.keyboard.press("2")
        press(page, "a")
        arrived(page, done)
    page.keyboard.press("?")
    assert page.get_by_text("undo the last decision").is_visible()
    page.keyboard.press("r")  # without a reason it stays, and the reason is asked for
    expect(page.locator("#rationale")).to_be_focused()
    page.keyboard.type("Made up.")
    page.keyboard.press("Escape")
    press(page, "r")
    arrived(page, 4)
    page.keyboard.press("t")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#rationale")).to_have_value("It names no licence.")
    page.keyboard.press("Escape")
    press(page, "r")
    arrived(page, 5)
    page.keyboard.press("w")
    page.keyboard.type("Beyond me.")
    page.keyboard.press("Escape")
    press(page, "e")
    arrived(page, 5)
    page.keyboard.press("c")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Really.")
    expect(page.locator("#check ins")).to_have_text(" Really.")
    page.keyboard.press("Escape")
    press(page, "x")
    arrived(page, 6)
    press(page, "a")
    arrived(page, 7)
    page.keyboard.press("c")  # the first field of the form
    page.keyboard.press("Control+a")
    page.keyboard.type("ISC")
    expect(page.locator("#check ins")).to_have_text("ISC")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("#corrected")).to_be_focused()
    assert '"share": 0.50' in page.locator("#corrected").input_value()
    page.keyboard.press("Escape")
    expect(page.locator("#check ins")).to_have_text("ISC")
    press(page, "x")
    arrived(page, 8)
    press(page, "a")
    expect(page.locator("#review h1")).to_have_text(re.compile("Nothing waits"))
    assert page.evaluate("performance.timeOrigin") == whole  # never another page
    verdicts = list(ReviewDecision.objects.order_by("at").values_list("verdict", flat=True))
    assert verdicts == [
        *["approve"] * 3,
        *["reject"] * 2,
        *["escalate", "correct", "approve", "correct", "approve"],
    ]
    assert ReviewDecision.objects.filter(labels=["rude"]).count() == 3


def test_ten_more_with_a_question_an_undo_and_a_hand_over(page: Page, live_server: Any) -> None:
    """Never the mouse: two pages are left for and come back from by key."""
    queue = make_queue(undo_seconds=300)
    reviewer, colleague = make_member(queue), make_member(queue)
    person = make_person()
    for at in range(10):
        if at == 4:
            make_item(queue, ANSWER, contract=LICENCE)
        else:
            make_item(queue, f"Plain answer number {at}.", requester=person)
    signed_in(page, live_server.url, reviewer)
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    page.wait_for_url("**/reviews/items/**")
    waiting = page.locator("#review h1")

    page.keyboard.press("q")  # a question to the requester
    page.wait_for_url("**/ask/")
    page.keyboard.press("w")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("For which country?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reviews/questions/**")
    assert Question.objects.get().asked == person
    page.keyboard.press("n")
    page.wait_for_url("**/reviews/items/**")

    page.keyboard.press("h")  # to a colleague, with a note
    page.wait_for_url("**/hand/")
    expect(page.locator("#to")).to_be_focused()
    assert_accessible(page)
    page.keyboard.type(colleague.name)
    page.keyboard.press("Tab")
    page.keyboard.type("You know this law.")
    looked_at(page, "hand")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reviews/items/**")
    expect(page.locator("#messages")).to_contain_text(f"Handed to {colleague.name}")
    handed = HandOver.objects.get()
    assert (handed.to, handed.note) == (colleague, "You know this law.")

    press(page, "a")  # decided, taken back, decided again otherwise
    page.keyboard.press("u")
    expect(page.locator("#messages")).to_contain_text("Taken back")
    page.keyboard.press("w")
    page.keyboard.type("Made up.")
    page.keyboard.press("Escape")
    press(page, "r")
    press(page, "a")
    page.keyboard.press("c")  # the structured one, as a form
    expect(page.get_by_label("Licence")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("ISC")
    expect(page.locator("#check ins")).to_have_text("ISC")
    page.keyboard.press("Escape")
    press(page, "x")
    for _ in range(5):
        expect(waiting).to_have_text("Is this answer fit to leave?")
        press(page, "a")
    expect(waiting).to_have_text(re.compile("Nothing waits"))
    verdicts = PendingDecision.objects.filter(state="waiting").values_list("verdict", flat=True)
    assert sorted(verdicts) == ["approve"] * 6 + ["correct", "reject"]

    signed_out = page.context.browser
    assert signed_out is not None
    context = signed_out.new_context()
    other = context.new_page()
    signed_in(other, live_server.url, colleague)
    expect(other.locator(".inbox li").first).to_contain_text("hands you an answer")
    assert_accessible(other)
    looked_at(other, "handed-my-work")
    other.keyboard.press("Tab")
    other.locator(".inbox a").first.focus()
    other.keyboard.press("Enter")
    other.wait_for_url("**/reviews/items/**")
    expect(other.get_by_text("You know this law.")).to_be_visible()
    assert_accessible(other)
    looked_at(other, "handed-waiting")
    other.keyboard.press("c")
    expect(other.locator("#judgement")).to_be_visible()
    other.keyboard.press("?")
    expect(other.get_by_text("hand it to a colleague, or give it back")).to_be_visible()
    assert_accessible(other)
    looked_at(other, "handed-held")
    other.keyboard.press("?")
    other.keyboard.press("h")
    other.wait_for_url("**/hand/")
    expect(other.locator("#reply")).to_be_focused()
    other.keyboard.type("Not this one.")
    other.keyboard.press("Tab")
    other.keyboard.press("Enter")
    expect(other.locator("#messages")).to_contain_text("Given back to")
    handed.refresh_from_db()
    assert (handed.state, handed.reply) == ("given_back", "Not this one.")
    context.close()


def test_undo_by_key_brings_the_item_back(page: Page, live_server: Any) -> None:
    queue = make_queue(undo_seconds=300)
    reviewer = make_member(queue)
    item = make_item(queue, "Plain answer.")
    signed_in(page, live_server.url, reviewer)
    page.goto(f"{live_server.url}/reviews/answers/next/")
    press(page, "a")
    expect(page.locator("#review h1")).to_have_text(re.compile("Nothing waits"))
    assert_accessible(page)
    looked_at(page, "undo")
    assert Call.objects.get().state == "held"
    page.keyboard.press("u")
    expect(page.locator("#output")).to_be_visible()
    page.wait_for_url(f"**/reviews/items/{item.pk}/")
    assert PendingDecision.objects.get().state == "undone"


def test_typing_is_checked_and_survives_a_reload(page: Page, live_server: Any) -> None:
    queue = make_queue()
    reviewer = make_member(queue)
    make_item(queue, ANSWER, contract=LICENCE)
    signed_in(page, live_server.url, reviewer)
    page.goto(f"{live_server.url}/reviews/answers/next/")
    share = page.get_by_label("share")
    share.fill("7")
    expect(page.locator('[data-errors-of="f/share"]')).to_contain_text("maximum of 1")
    expect(page.locator("#said")).to_contain_text("It does not fit")
    assert_accessible(page)
    looked_at(page, "structured")
    expect(page.locator("#lease")).to_contain_text("saved")
    page.reload()
    expect(page.get_by_label("share")).to_have_value("7")
    page.get_by_label("share").fill("0.25")
    page.get_by_role("button", name="Add one more").click()
    expect(page.locator('[data-pointer="/duties/1"] input')).to_be_focused()
    page.keyboard.type("name the author")
    expect(page.locator("#check")).to_contain_text("name the author")
    expect(page.locator("#check")).to_contain_text("It keeps the contract")
    page.get_by_role("button", name="Send corrected").click()
    expect(page.locator("#review h1")).to_have_text(re.compile("Nothing waits"))
    assert Call.objects.get().state == "corrected"


def test_a_tablet_needs_no_sideways_scroll(page: Page, live_server: Any) -> None:
    queue = make_queue()
    reviewer = make_member(queue)
    words = (
        "שלום עולם, זה הרישיון. " * 40 + "\n```python\n" + "x = 1; " * 80 + "\n```\n" + "y" * 900
    )
    make_item(queue, words)
    signed_in(page, live_server.url, reviewer)
    page.set_viewport_size({"width": 768, "height": 1024})
    page.goto(f"{live_server.url}/reviews/answers/next/")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 768
    block = page.locator(".body > div").nth(1)
    looked_at(page, "tablet")
    assert block.evaluate("one => getComputedStyle(one).direction") == "rtl"
    assert_accessible(page)
