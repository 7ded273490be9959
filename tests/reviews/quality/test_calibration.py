"""Calibration items look like any other, never leave, cost nothing, and count in no figure."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.kernel.authority import Actor
from governance.kernel.canonical import uuid7
from governance.kernel.errors import Conflict, NotAllowed, WrongState
from reviews.decisions.models import ReviewDecision
from reviews.decisions.services import decide
from reviews.quality import calibrations, selectors
from reviews.quality.models import (
    Calibration,
    CalibrationAnswer,
    Exercise,
    QualitySettings,
    ReviewCost,
    ReviewRate,
)
from reviews.quality.rules import is_calibration_turn
from reviews.queues.escalating import mark_breaches
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.selectors import queues_with_counts
from reviews.queues.services import claim_next, skip
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.ledger import make_person
from tests.factories.quality import make_answer, make_known
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    queue = make_queue()
    QualitySettings.objects.create(queue=queue, calibration_share=50)
    return queue


def exercise_of(queue: Queue, person: object) -> ReviewItem:
    """The person's next item that is an exercise; real ones before it are decided."""
    now = timezone.now()
    actor = Actor.person(person)
    while True:
        make_item(queue)
        item = claim_next(actor=actor, queue=queue, now=now)
        assert item is not None
        if item.gates_id is None:
            return item
        decide(actor=actor, item_id=item.pk, verdict="approve", now=now)


def bones(page: str) -> tuple[list[str], list[str], list[str]]:
    """Headings, buttons and field names of a page."""
    main = page[page.index("<main") : page.index("</main")]
    return (
        re.findall(r"<h[12][^>]*>([^<]*)</h", main),
        re.findall(r"<button[^>]*>", main),
        re.findall(r' name="([^"]*)"', main),
    )


def test_it_looks_like_any_other_item_until_it_is_decided(queue: Queue) -> None:
    make_known(queue, timezone.now(), text="a known text")
    person = make_member(queue)
    exercise = exercise_of(queue, person)
    client = signed_in(person)
    shown = client.get(f"/reviews/items/{exercise.pk}/").content.decode()
    assert "a known text" in shown
    other = make_member(queue)
    real = make_item(queue, "a known text", use_case=exercise.call.use_case)
    ReviewItem.objects.exclude(pk=real.pk).filter(state="waiting").delete()
    QualitySettings.objects.update(calibration_share=0)
    claimed = claim_next(actor=Actor.person(other), queue=queue, now=timezone.now())
    assert claimed == real
    beside = signed_in(other).get(f"/reviews/items/{real.pk}/").content.decode()

    assert bones(shown) == bones(beside)
    for word in ("calibration", "exercise"):
        main = shown[shown.index("<main") : shown.index("</main")]
        assert word not in main.lower()
    body = client.get(f"/api/v1/review-items/{exercise.pk}/").json()
    assert body["body"]["output"] == "a known text"
    listed = client.get("/api/v1/review-items/").json()["results"]
    assert str(exercise.pk) in [one["id"] for one in listed]


def test_its_answer_is_kept_and_nothing_leaves(queue: Queue) -> None:
    known = make_known(queue, timezone.now(), verdict="reject")
    ReviewRate.objects.create(
        queue=queue,
        hourly=60,
        currency="USD",
        starts_on=timezone.now().date(),
        set_by=make_person(),
        set_at=timezone.now(),
    )
    person = make_member(queue)
    exercise = exercise_of(queue, person)
    before = (
        list(Call.objects.order_by("pk").values_list("pk", "state", "decided_at")),
        ReviewDecision.objects.count(),
        LedgerEntry.objects.count(),
        ReviewCost.objects.count(),
    )
    answered = signed_in(person).post(
        f"/reviews/items/{exercise.pk}/decide/", {"verdict": "approve", "rationale": "Seems fine."}
    )
    assert answered.status_code == 302
    page = signed_in(person).get(answered["Location"]).content.decode()
    assert "Here reject is right, not approve" in page and "Look at it." in page
    answer = CalibrationAnswer.objects.get()
    assert (answer.verdict, answer.is_right) == ("approve", False)
    assert answer.exercise.calibration == known
    assert before == (
        list(Call.objects.order_by("pk").values_list("pk", "state", "decided_at")),
        ReviewDecision.objects.count(),
        LedgerEntry.objects.count(),
        ReviewCost.objects.count(),
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        CalibrationAnswer.objects.update(is_right=True)
    stranger = signed_in(make_member(queue))
    assert stranger.get(answered["Location"]).status_code == 404


def test_it_stands_in_no_figure_of_the_queue(queue: Queue) -> None:
    make_known(queue, timezone.now())
    viewer, now = make_person("safety"), timezone.now()
    exercise = exercise_of(queue, make_member(queue))
    ReviewItem.everything.filter(pk=exercise.pk).update(due_at=now - timedelta(days=9))
    ReviewItem.objects.filter(state="waiting").delete()
    counted = queues_with_counts(viewer, now).get(pk=queue.pk)
    assert (counted.waiting, counted.claimed, counted.overdue) == (0, 0, 0)  # type: ignore[attr-defined]  # annotated
    assert mark_breaches(now=now) == 0
    assert exercise not in queue.items.all()
    shown = signed_in(viewer).get("/api/v1/review-items/").json()["results"]
    assert str(exercise.pk) not in [one["id"] for one in shown]


def test_nobody_gets_one_whose_answer_they_know_or_the_same_twice(queue: Queue) -> None:
    known = make_known(queue, timezone.now())
    person = make_member(queue)
    assert list(calibrations.open_to(queue, person)) == [known]
    assert list(calibrations.open_to(queue, known.made_by)) == []
    make_answer(queue, person, timezone.now())
    assert list(calibrations.open_to(queue, person)) == []
    other = make_member(queue)
    calibrations.retire(
        actor=Actor.person(known.made_by), calibration_id=known.pk, now=timezone.now()
    )
    assert list(calibrations.open_to(queue, other)) == []


def test_a_destroyed_text_is_shown_to_nobody(queue: Queue) -> None:
    known = make_known(queue, timezone.now())
    payload = known.source.call.payload
    payload.request_sealed = payload.response_sealed = None
    payload.destroyed_at = timezone.now()
    payload.save()
    assert list(calibrations.open_to(queue, make_member(queue))) == []


def test_who_skips_it_meets_it_again_later(queue: Queue) -> None:
    make_known(queue, timezone.now())
    person = make_member(queue)
    exercise = exercise_of(queue, person)
    actor = Actor.person(person)
    skip(actor=actor, item_id=exercise.pk, reason="Not now.", now=timezone.now())
    assert claim_next(actor=Actor.person(make_member(queue)), queue=queue, now=timezone.now()) != (
        exercise
    )
    assert exercise_of(queue, person) == exercise


def test_escalating_is_neither_right_nor_wrong(queue: Queue) -> None:
    make_known(queue, timezone.now())
    person = make_member(queue)
    answer = make_answer(queue, person, timezone.now(), "escalate")
    assert answer.is_right is None
    year = timezone.now() - timedelta(days=365)
    found = selectors.reviewers_in(queue, year, timezone.now() + timedelta(days=1))
    assert person.pk not in [one.person.pk for one in found]


def test_only_leads_make_one_and_only_of_what_was_decided(queue: Queue) -> None:
    now, lead = timezone.now(), make_member(queue, "review_lead")
    item = make_item(queue)
    facts = {"item_id": item.pk, "verdict": "approve", "why": "So.", "now": now}
    with pytest.raises(WrongState):
        calibrations.make_calibration(actor=Actor.person(lead), **facts)
    known = make_known(queue, now)
    facts["item_id"] = known.source_id
    with pytest.raises(Conflict):
        calibrations.make_calibration(actor=Actor.person(lead), **facts)
    with pytest.raises(NotAllowed):
        calibrations.make_calibration(actor=Actor.person(make_member(queue)), **facts)


def test_the_share_is_kept_over_many_turns() -> None:
    turns = sum(is_calibration_turn(7, 3, turn, 10) for turn in range(5_000))
    assert 400 < turns < 600
    assert not any(is_calibration_turn(7, 3, turn, 0) for turn in range(500))


def test_accuracy_counts_the_answers(queue: Queue) -> None:
    person, now = make_member(queue), timezone.now()
    lead = make_member(queue, "review_lead")
    for number in range(12):
        item = make_item(queue)
        known = Calibration.objects.create(
            source=item, queue=queue, verdict="approve", why="So.", made_by=lead, made_at=now
        )
        met = ReviewItem.everything.get(pk=item.pk)
        met.pk, met.gates, met.state, met.decided_at = uuid7(), None, "decided", now
        met.save(force_insert=True)
        exercise = Exercise.objects.create(item=met, calibration=known, person=person)
        said = "approve" if number % 4 else "reject"
        CalibrationAnswer.objects.create(
            exercise=exercise, verdict=said, is_right=said == "approve", at=now
        )
    found = selectors.reviewers_in(queue, now - timedelta(days=1), now + timedelta(days=1))
    figure = next(one.accuracy for one in found if one.person == person)
    assert (figure.count, figure.value) == (12, 0.75)
    shown = signed_in(person).get("/reviews/mine/").content.decode()
    assert "75% (47% to 91%)" in shown
    lead = make_member(queue, "review_lead")
    assert (
        "75% (47% to 91%)"
        in signed_in(lead).get(f"/reviews/{queue.slug}/quality/").content.decode()
    )
