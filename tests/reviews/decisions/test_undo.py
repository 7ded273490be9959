"""The undo window: nothing leaves before it ends, and of undo and the clock one wins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, NotFound, PlacetError, WrongState
from reviews.decisions import drafts, keeping, undoing
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.services import decide
from reviews.decisions.tasks import finalise_due
from reviews.decisions.working_models import PendingDecision
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_next
from telemetry.ledger.models import Call, Payload
from telemetry.ledger.retention import destroy_payloads
from telemetry.ledger.services import visible_answer
from tests.factories.reviews import make_item, make_member, make_queue, signed_in
from tests.reviews.test_races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    return make_queue(undo_seconds=30)


@pytest.fixture
def reviewer(queue: Queue) -> User:
    return make_member(queue)


def decided(queue: Queue, person: User, verdict: str = "approve", **more: Any) -> PendingDecision:
    make_item(queue)
    actor = Actor.person(person)
    item = claim_next(actor=actor, queue=queue, now=timezone.now())
    assert item is not None
    made = decide(actor=actor, item_id=item.pk, verdict=verdict, now=timezone.now(), **more)
    assert isinstance(made, PendingDecision)
    return made


def run_out(pending: PendingDecision) -> None:
    """The window ends, by the database's clock."""
    PendingDecision.objects.filter(pk=pending.pk).update(final_at=Now() - timedelta(seconds=1))


def call_of(pending: PendingDecision) -> Call:
    return Call.objects.get(pk=pending.item.call_id)


def test_nothing_leaves_before_the_time_to_undo_has_passed(queue: Queue, reviewer: User) -> None:
    pending = decided(queue, reviewer)
    assert undoing.finalise(pending_id=pending.pk, now=timezone.now() + timedelta(days=1)) is None
    assert call_of(pending).state == "held"
    assert visible_answer(call_of(pending)) is None
    assert not ReviewDecision.objects.exists()
    assert ReviewItem.objects.get().state == "pending"


def test_the_clock_makes_it_final_once(queue: Queue, reviewer: User) -> None:
    pending = decided(queue, reviewer, "correct", corrected_text="better", labels=["rude"])
    run_out(pending)
    finalise_due()
    finalise_due()
    decision = ReviewDecision.objects.get()
    assert (decision.person, decision.at, decision.labels) == (reviewer, pending.at, ["rude"])
    assert visible_answer(call_of(pending)) == "better"
    assert Correction.objects.get().texts() == ("the answer", "better")
    pending.refresh_from_db()
    assert (pending.state, pending.text()) == ("final", None)
    actions = AuditEvent.objects.filter(action__startswith="review.").order_by("id")
    assert [one.action for one in actions][-2:] == ["review.held_back", "review.decided"]


def test_undo_gives_the_item_and_the_text_back(queue: Queue, reviewer: User) -> None:
    pending = decided(queue, reviewer, "correct", corrected_text="better", rationale="Why not")
    client = signed_in(reviewer)
    assert 'data-key="u"' in client.get(f"/reviews/{queue.slug}/next/").content.decode()
    answer = client.post(f"/reviews/items/{pending.item_id}/undo/")
    assert answer["Location"] == f"/reviews/items/{pending.item_id}/"
    item = ReviewItem.objects.get()
    assert (item.state, item.claimed_by) == ("claimed", reviewer)
    page = client.get(answer["Location"]).content.decode()
    assert "\nbetter</textarea>" in page and "\nWhy not</textarea>" in page
    pending.refresh_from_db()
    assert (pending.state, pending.text()) == ("undone", None)
    assert AuditEvent.objects.filter(action="review.undone").count() == 1
    run_out(pending)
    assert undoing.finalise(pending_id=pending.pk, now=timezone.now()) is None
    assert call_of(pending).state == "held"


def test_late_or_strange_undo_is_refused_in_words(queue: Queue, reviewer: User) -> None:
    pending = decided(queue, reviewer)
    other = Actor.person(make_member(queue))
    now = timezone.now()
    with pytest.raises(NotFound):
        undoing.undo(actor=other, item_id=pending.item_id, now=now)
    run_out(pending)
    with pytest.raises(WrongState, match="cannot be unsaid"):
        undoing.undo(actor=Actor.person(reviewer), item_id=pending.item_id, now=now)
    finalise_due()
    with pytest.raises(WrongState, match="cannot be unsaid"):
        undoing.undo(actor=Actor.person(reviewer), item_id=pending.item_id, now=now)


def test_what_is_decided_cannot_be_decided_or_claimed_meanwhile(
    queue: Queue, reviewer: User
) -> None:
    pending = decided(queue, reviewer)
    path = f"/api/v1/review-items/{pending.item_id}/decide/"
    again = signed_in(reviewer).post(path, {"verdict": "approve"}, "application/json")
    assert again.status_code == 409 and "still be undone" in again.json()["title"]
    other = make_member(queue)
    assert claim_next(actor=Actor.person(other), queue=queue, now=timezone.now()) is None
    claim = signed_in(other).post(f"/reviews/items/{pending.item_id}/claim/")
    assert claim.status_code == 409


def test_without_a_window_it_is_final_at_once(reviewer: User) -> None:
    Queue.objects.update(undo_seconds=0)
    queue = Queue.objects.get()
    make_item(queue)
    item = claim_next(actor=Actor.person(reviewer), queue=queue, now=timezone.now())
    assert item is not None
    made = decide(
        actor=Actor.person(reviewer), item_id=item.pk, verdict="approve", now=timezone.now()
    )
    assert isinstance(made, ReviewDecision)
    assert Call.objects.get().state == "released"


def test_the_api_says_that_it_is_not_final(queue: Queue, reviewer: User) -> None:
    make_item(queue)
    item = claim_next(actor=Actor.person(reviewer), queue=queue, now=timezone.now())
    assert item is not None
    path = f"/api/v1/review-items/{item.pk}/"
    client = signed_in(reviewer)
    sent = client.post(path + "decide/", {"verdict": "approve"}, "application/json")
    assert sent.status_code == 202
    assert sent.json()["item_state"] == "pending" and sent.json()["final_at"]
    undone = client.post(path + "undo/")
    assert (undone.status_code, undone.json()["state"]) == (200, "claimed")


def test_texts_destroyed_in_the_window_end_it(queue: Queue, reviewer: User) -> None:
    pending = decided(queue, reviewer, "correct", corrected_text="better")
    Payload.objects.update(keep_until=timezone.now() - timedelta(days=1))
    destroy_payloads(now=timezone.now())
    assert keeping.lapse_due_pending(timezone.now(), 10) == 1
    pending.refresh_from_db()
    assert (pending.state, pending.text()) == ("lapsed", None)
    assert call_of(pending).state == "expired" and not ReviewDecision.objects.exists()


def test_a_settled_decision_keeps_no_text(queue: Queue, reviewer: User) -> None:
    pending = decided(queue, reviewer, "correct", corrected_text="better")
    with pytest.raises(IntegrityError), transaction.atomic():
        PendingDecision.objects.filter(pk=pending.pk).update(state="final")


@pytest.mark.django_db(transaction=True)
def test_undo_against_the_clock_has_one_outcome() -> None:
    queue = make_queue(undo_seconds=30)
    person = make_member(queue)
    outcomes = set()
    for is_late in (False, True):
        pending = decided(queue, person)
        if is_late:
            run_out(pending)

        def work(act: str, pending: PendingDecision = pending) -> str:
            now = timezone.now()
            try:
                if act == "clock":
                    return "final" if undoing.finalise(pending_id=pending.pk, now=now) else ""
                undoing.undo(actor=Actor.person(person), item_id=pending.item_id, now=now)
            except PlacetError:
                return ""
            return "undone"

        done = [one for one in at_once(work, ["clock", "undo", "clock", "undo"]) if one]
        assert len(done) == 1
        pending.refresh_from_db()
        assert pending.state == done[0]
        call = call_of(pending)
        assert (call.state == "released") == (done[0] == "final")
        assert ReviewDecision.objects.filter(item=pending.item).exists() == (done[0] == "final")
        outcomes.add(done[0])
        ReviewItem.objects.filter(state="claimed").update(state="waiting", lease_until=None)
    assert outcomes == {"final", "undone"}


def save(client: Any, item_id: Any, **typed: Any) -> Any:
    return client.post(f"/reviews/items/{item_id}/draft/", typed)


def test_a_draft_survives_another_device_and_ends_with_the_decision(
    queue: Queue, reviewer: User
) -> None:
    make_item(queue, "secret answer")
    item = claim_next(actor=Actor.person(reviewer), queue=queue, now=timezone.now())
    assert item is not None
    ReviewItem.objects.update(lease_until=timezone.now() + timedelta(seconds=30))
    typed = {"corrected_text": "half of it", "rationale": "so far", "labels": ["rude"]}
    said = save(signed_in(reviewer), item.pk, edit_mode="raw", **typed)
    assert "Held by you until" in said.content.decode() and "saved" in said.content.decode()
    item.refresh_from_db()
    assert item.lease_until and item.lease_until > timezone.now() + timedelta(minutes=5)
    page = signed_in(reviewer).get(f"/reviews/items/{item.pk}/").content.decode()
    assert "\nhalf of it</textarea>" in page and "\nso far</textarea>" in page
    assert 'value="rude" data-key="2" checked' in page
    stored = bytes(item.drafts.get().content_sealed)
    assert b"half of it" not in stored
    actor, now = Actor.person(reviewer), timezone.now()
    made = decide(actor=actor, item_id=item.pk, verdict="approve", now=now)
    assert isinstance(made, PendingDecision)
    run_out(made)
    finalise_due()
    assert not item.drafts.exists()


def test_a_lost_lease_says_what_was_kept_and_shows_no_body(queue: Queue, reviewer: User) -> None:
    make_item(queue, "secret answer")
    item = claim_next(actor=Actor.person(reviewer), queue=queue, now=timezone.now())
    assert item is not None
    save(signed_in(reviewer), item.pk, corrected_text="half of the secret", edit_mode="raw")
    ReviewItem.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    late = save(signed_in(reviewer), item.pk, corrected_text="more", edit_mode="raw")
    assert late.status_code == 409 and "kept for you" in late.content.decode()
    page = signed_in(reviewer).get(f"/reviews/items/{item.pk}/").content.decode()
    assert "Your draft of" in page and "secret" not in page and "Claim" in page
    other = make_member(queue)
    claim_next(actor=Actor.person(other), queue=queue, now=timezone.now())
    seen = signed_in(other).get(f"/reviews/items/{item.pk}/").content.decode()
    assert "half of the secret" not in seen and "secret answer" in seen
    with pytest.raises(Conflict):
        drafts.save_draft(
            actor=Actor.person(reviewer),
            item_id=item.pk,
            corrected_text="x",
            rationale="",
            labels=[],
            now=timezone.now(),
        )


def test_drafts_go_with_retention_and_erasure(queue: Queue, reviewer: User) -> None:
    item = make_item(queue)
    claim_next(actor=Actor.person(reviewer), queue=queue, now=timezone.now())
    client = signed_in(reviewer)
    save(client, item.pk, corrected_text="mine", edit_mode="raw")
    assert drafts.count_drafts(Call.objects.all()) == 1
    keep_until = item.drafts.get().keep_until
    assert drafts.destroy_due_drafts(keep_until - timedelta(seconds=1), 10) == 0
    assert drafts.destroy_due_drafts(keep_until, 10) == 1
    save(client, item.pk, corrected_text="mine", edit_mode="raw")
    assert drafts.erase_drafts([item.call_id], None, timezone.now()) == 1  # type: ignore[arg-type]  # not read
