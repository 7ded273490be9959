"""The review screen: what it shows, what it keeps, and the decision that brings the next item."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.rules import LONGEST_RATIONALE
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_next
from telemetry.ledger.models import Call
from telemetry.ledger.services import visible_answer
from tests.factories.ledger import make_use_case
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    return make_queue()


@pytest.fixture
def reviewer(queue: Queue) -> User:
    return make_member(queue)


@pytest.fixture
def client(reviewer: User) -> Client:
    return signed_in(reviewer)


def claimed(queue: Queue, person: User) -> ReviewItem:
    item = claim_next(actor=Actor.person(person), queue=queue, now=timezone.now())
    assert item is not None
    return item


def decide(client: Client, item: ReviewItem, verdict: str, **more: Any) -> HttpResponse:
    sent = {"verdict": verdict} | more
    answer: HttpResponse = client.post(f"/reviews/items/{item.pk}/decide/", sent)  # type: ignore[assignment]  # the test client's own
    return answer


def shown(client: Client, item: ReviewItem) -> str:
    return client.get(f"/reviews/items/{item.pk}/").content.decode()


def test_a_decision_claims_the_next_item_in_the_same_round_trip(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue)
    second = make_item(queue)
    first = claimed(queue, reviewer)
    answer = decide(client, first, "approve", labels=["rude"])
    second = ReviewItem.objects.exclude(pk=first.pk).get()
    assert answer["Location"] == f"/reviews/items/{second.pk}/"
    assert (second.state, second.claimed_by) == ("claimed", reviewer)
    assert visible_answer(Call.objects.get(pk=first.call_id)) == "the answer"
    assert ReviewDecision.objects.get().labels == ["rude"]
    event = AuditEvent.objects.get(action="review.decided")
    assert event.after["verdict"] == "approve"
    assert decide(client, second, "approve")["Location"] == "/reviews/answers/next/"
    assert "Nothing waits" in client.get("/reviews/answers/next/").content.decode()


def test_findings_are_marked_where_they_stand(client: Client, queue: Queue, reviewer: User) -> None:
    make_item(queue, "Ask <PERSON_1> or jane@example.com & <b>me</b>.")
    page = shown(client, claimed(queue, reviewer))
    assert '<mark title="placeholder">&lt;PERSON_1&gt;</mark>' in page
    assert '<mark title="email address">jane@example.com</mark>' in page
    assert "<b>me</b>" not in page


def test_the_policy_the_guideline_and_the_keys_stand_beside_it(
    client: Client, reviewer: User
) -> None:
    queue = Queue.objects.get()
    use_case = make_use_case(oversight="sampled", sample_share="12.50", tier="high")
    queue.use_cases.add(use_case)
    make_item(queue, use_case=use_case)
    page = shown(client, claimed(queue, reviewer))
    assert "Its high risk obliges that every answer waits for a person" in page
    assert "only declares that a sample of 12.5 % of the answers waits" in page
    assert "<strong>what</strong> is fit to leave" in page
    assert "data-keys-help" in page and "<kbd>?</kbd>" in page
    assert "Yours until" in page and 'class="due' in page
    assert "This queue escalates to no other." in page


def test_similar_decisions_show_no_content_and_only_this_queue(
    client: Client, queue: Queue, reviewer: User
) -> None:
    elsewhere = make_queue("elsewhere")
    make_item(queue)
    decide(client, claimed(queue, reviewer), "reject", rationale="Quotes: the secret")
    stranger = make_member(elsewhere)
    make_item(elsewhere)
    decide(signed_in(stranger), claimed(elsewhere, stranger), "approve")
    make_item(queue)
    page = client.get(f"/reviews/items/{claimed(queue, reviewer).pk}/")
    similar = page.context["similar"]
    assert [(one.decision.verdict, one.is_same) for one in similar] == [("reject", True)]
    assert "the secret" not in page.content.decode()


@pytest.mark.parametrize("verdict", ["reject", "escalate", "skip"])
def test_a_missing_reason_keeps_all_that_was_typed(
    client: Client, queue: Queue, reviewer: User, verdict: str
) -> None:
    make_item(queue)
    item = claimed(queue, reviewer)
    refused = decide(
        client, item, verdict, rationale="  ", corrected_text="Half done", labels=["rude"]
    )
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "\nHalf done</textarea>" in page
    assert 'value="rude" data-key="2" checked' in page
    assert 'value="wrong" data-key="1" checked' not in page
    assert 'class="error"' in page
    item.refresh_from_db()
    assert item.state == "claimed"


def test_a_reason_that_is_too_long_is_kept_and_refused(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue)
    long = "x" * (LONGEST_RATIONALE + 1)
    refused = decide(client, claimed(queue, reviewer), "reject", rationale=long)
    assert refused.status_code == 422 and long in refused.content.decode()


def test_a_correction_is_shown_before_it_is_sent(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue, "The licence is MIT.")
    item = claimed(queue, reviewer)
    text = "The licence is ISC.\r\nReally!"
    first = decide(client, item, "correct", corrected_text=text)
    page = first.content.decode()
    assert first.status_code == 200
    assert "<del>MIT</del><ins>ISC</ins>" in page
    assert not ReviewDecision.objects.exists()
    seen = first.context["seen_sha256"]  # type: ignore[attr-defined]  # the test client's own
    assert f'name="seen_sha256" value="{seen}"' in page
    again = decide(client, item, "correct", corrected_text=text + "?", seen_sha256=seen)
    assert again.status_code == 200 and not ReviewDecision.objects.exists()
    sent = decide(client, item, "correct", corrected_text=text, seen_sha256=seen)
    assert sent.status_code == 302
    call = Call.objects.get(pk=item.call_id)
    assert visible_answer(call) == "The licence is ISC.\nReally!"
    assert Correction.objects.get().characters_changed == 3 + len("\nReally!")


def test_a_correction_that_breaks_the_contract_is_said_at_once(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue, contract={"type": "text", "max_chars": 12})
    item = claimed(queue, reviewer)
    refused = decide(client, item, "correct", corrected_text="far too long an answer")
    assert refused.status_code == 422
    assert "At most 12 characters" in refused.content.decode()
    assert 'name="seen_sha256"' not in refused.content.decode()


def test_other_line_breaks_in_json_are_no_correction(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue, '{"spdx":"MIT","copyleft":false}')
    item = claimed(queue, reviewer)
    same = json.dumps({"spdx": "MIT", "copyleft": False}, indent=2)
    refused = decide(client, item, "correct", corrected_text=same)
    assert refused.status_code == 422
    assert "own text" in refused.content.decode()
    changed = same.replace("MIT", "ISC")
    first = decide(client, item, "correct", corrected_text=changed)
    seen = first.context["seen_sha256"]  # type: ignore[attr-defined]  # the test client's own
    decide(client, item, "correct", corrected_text=changed, seen_sha256=seen)
    assert Correction.objects.get().characters_changed == 3


def test_a_lost_claim_keeps_the_typed_text_and_shows_no_body(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue, "secret answer")
    item = claimed(queue, reviewer)
    ReviewItem.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    claimed(queue, make_member(queue))
    for verdict in ("reject", "correct"):
        refused = decide(client, item, verdict, rationale="My reason", corrected_text="My text")
        page = refused.content.decode()
        assert refused.status_code == 409
        assert "My reason" in page and "My text" in page
        assert "secret answer" not in page
    assert not ReviewDecision.objects.exists()


def test_escalation_without_a_way_on_is_refused_and_keeps_the_reason(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue)
    refused = decide(client, claimed(queue, reviewer), "escalate", rationale="Beyond me")
    assert refused.status_code == 409
    assert "\nBeyond me</textarea>" in refused.content.decode()
    assert not ReviewDecision.objects.exists()


def test_an_escalated_item_tells_the_next_queue_why() -> None:
    target = make_queue("experts")
    queue = make_queue("front", escalates_to=target)
    front, expert = make_member(queue), make_member(target)
    due = make_item(queue).due_at
    decide(signed_in(front), claimed(queue, front), "escalate", rationale="Beyond me")
    item = claimed(target, expert)
    assert item.due_at == due
    assert "Beyond me" in shown(signed_in(expert), item)
    assert signed_in(front).get(f"/reviews/items/{item.pk}/").status_code == 404


def test_a_colleague_sees_that_it_is_held_and_not_what_it_says(queue: Queue) -> None:
    make_item(queue, "secret answer")
    item = claimed(queue, make_member(queue))
    for role in ("reviewer", "review_lead"):
        page = shown(signed_in(make_member(queue, role)), item)
        assert "holds it until" in page and "secret answer" not in page


def test_skipping_brings_another_item_first(client: Client, queue: Queue, reviewer: User) -> None:
    make_item(queue)
    make_item(queue)
    item = claimed(queue, reviewer)
    answer = decide(client, item, "skip", rationale="I know the author")
    other = ReviewItem.objects.exclude(pk=item.pk).get()
    assert answer["Location"] == f"/reviews/items/{other.pk}/"


def test_the_lease_is_renewed_by_its_holder_alone(
    client: Client, queue: Queue, reviewer: User
) -> None:
    make_item(queue)
    item = claimed(queue, reviewer)
    ReviewItem.objects.update(lease_until=timezone.now() + timedelta(seconds=30))
    assert client.post(f"/reviews/items/{item.pk}/renew/").status_code == 204
    item.refresh_from_db()
    assert item.lease_until is not None
    assert item.lease_until > timezone.now() + timedelta(minutes=5)
    other = signed_in(make_member(queue))
    assert other.post(f"/reviews/items/{item.pk}/renew/").status_code == 409
