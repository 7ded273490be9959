"""The board's figures, and giving items out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from reviews.board import selectors
from reviews.board.models import Assignment
from reviews.board.services import give_to, move_to
from reviews.decisions.models import ReviewDecision
from reviews.decisions.overturning import overturn
from reviews.quality.models import QualitySettings
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_item, claim_next
from tests.factories.quality import judge, make_double
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    return make_queue()


def test_a_gift_comes_first_to_its_person_and_to_nobody_else(queue: Queue) -> None:
    now = timezone.now()
    urgent, given = make_item(queue, now=now), make_item(queue, now=now)
    lead, person, other = (
        make_member(queue, role) for role in ("review_lead", "reviewer", "reviewer")
    )
    done = give_to(
        actor=Actor.person(lead), queue=queue, item_ids=[given.pk], person=person, now=now
    )
    assert done == 1
    with pytest.raises(NotAllowed):
        claim_item(actor=Actor.person(other), item_id=given.pk, now=now)
    assert claim_next(actor=Actor.person(other), queue=queue, now=now) == urgent
    assert claim_next(actor=Actor.person(make_member(queue)), queue=queue, now=now) is None
    assert claim_next(actor=Actor.person(person), queue=queue, now=now) == given


def test_a_gift_that_nobody_took_is_free_again(queue: Queue) -> None:
    now = timezone.now()
    item = make_item(queue, now=now)
    lead, person = make_member(queue, "review_lead"), make_member(queue)
    give_to(actor=Actor.person(lead), queue=queue, item_ids=[item.pk], person=person, now=now)
    Assignment.objects.update(until=now - timedelta(seconds=1))
    assert claim_next(actor=Actor.person(make_member(queue)), queue=queue, now=now) == item


def test_only_leads_give_and_only_to_who_may_judge(queue: Queue) -> None:
    now, item = timezone.now(), make_item(queue)
    lead = Actor.person(make_member(queue, "review_lead"))
    reviewer, stranger = make_member(queue), make_member(make_queue("other"))
    with pytest.raises(NotAllowed):
        give_to(
            actor=Actor.person(reviewer),
            queue=queue,
            item_ids=[item.pk],
            person=reviewer,
            now=now,
        )
    with pytest.raises(Invalid):
        give_to(actor=lead, queue=queue, item_ids=[item.pk], person=stranger, now=now)
    claim_item(actor=Actor.person(reviewer), item_id=item.pk, now=now)
    with pytest.raises(Conflict):
        give_to(actor=lead, queue=queue, item_ids=[item.pk], person=reviewer, now=now)


def test_nobody_is_given_what_they_judged_already() -> None:
    queue, now = make_double(), timezone.now()
    item, person = make_item(queue), make_member(queue)
    judge(person, item, now=now)
    lead = Actor.person(make_member(queue, "review_lead"))
    with pytest.raises(Conflict):
        give_to(actor=lead, queue=queue, item_ids=[item.pk], person=person, now=now)


def test_items_move_to_another_queue_of_the_lead(queue: Queue) -> None:
    other, now = make_queue("other"), timezone.now()
    item = make_item(queue)
    due = item.due_at
    lead = make_member(queue, "review_lead")
    with pytest.raises(NotAllowed):
        move_to(actor=Actor.person(lead), queue=queue, item_ids=[item.pk], target=other, now=now)
    safety = signed_in(make_member(other, "review_lead"))
    assert safety.post(f"/reviews/{queue.slug}/board/", {}).status_code == 404
    both = make_member(queue, "review_lead")
    both_grants = both.grants.get()
    both_grants.pk, both_grants.scope_id = None, other.pk
    both_grants.save()
    client = signed_in(both)
    page = client.post(
        f"/reviews/{queue.slug}/board/", {"items": [str(item.pk)], "to": f"queue:{other.slug}"}
    )
    assert page.status_code == 302
    item.refresh_from_db()
    assert (item.queue, item.due_at) == (other, due)


def test_what_was_chosen_stays_when_it_is_refused(queue: Queue) -> None:
    item = make_item(queue)
    lead = make_member(queue, "review_lead")
    path = f"/reviews/{queue.slug}/board/"
    page = signed_in(lead).post(path, {"items": [str(item.pk)], "to": ""})
    assert page.status_code == 422
    assert f'value="{item.pk}" aria-label="Choose {item}" checked' in page.content.decode()
    sent = {"items": [str(item.pk)], "to": f"person:{lead.pk}"}
    api = f"/api/v1/queues/{queue.slug}/rebalance/"
    assert signed_in(lead).post(api, sent, "application/json").status_code == 200
    assert signed_in(make_member(queue)).post(api, sent, "application/json").status_code == 403
    assert Assignment.objects.get().person == lead


def test_ages_by_the_share_of_time_used(queue: Queue) -> None:
    now = timezone.now()
    for used in (0.1, 0.4, 0.6, 0.9, 1.5, 3):
        item = make_item(queue)
        hours = timedelta(hours=4)
        ReviewItem.objects.filter(pk=item.pk).update(
            created_at=now - hours * used, due_at=now - hours * used + hours
        )
    counts = [one.count for one in selectors.ages(queue, now)]
    assert counts == [1, 1, 1, 1, 2]


def test_load_tells_no_more_than_a_median_of_enough(queue: Queue) -> None:
    now, person = timezone.now(), make_member(queue)
    for seconds in (10, 20, 30, 40):
        judge(person, make_item(queue), now=now, seconds_spent=seconds)
    (load,) = selectors.loads(queue, now)
    assert (load.person, load.decided_today, load.median_seconds) == (person, 4, None)
    judge(person, make_item(queue), now=now, seconds_spent=999)
    (load,) = selectors.loads(queue, now)
    assert (load.decided_today, load.median_seconds) == (5, 30)


def test_a_last_slot_and_its_decision_are_one_piece_of_work() -> None:
    queue, now = make_double(), timezone.now()
    item = make_item(queue)
    people = [make_member(queue) for _ in range(2)]
    for person in people:
        judge(person, item, now=now)
    assert [one.decided_today for one in selectors.loads(queue, now)] == [1, 1]


def test_the_forecast_counts_what_is_not_late_yet(queue: Queue) -> None:
    now, person = timezone.now(), make_member(queue)
    rates, expected = selectors.expected_breaches(queue, now)
    assert not rates.is_known and expected == []
    for _ in range(20):
        judge(person, make_item(queue, now=now), now=now)
    late = make_item(queue, now=now)
    ReviewItem.objects.filter(pk=late.pk).update(due_at=now - timedelta(hours=1))
    rates, expected = selectors.expected_breaches(queue, now)
    assert rates.is_known
    assert [one.hours for one in expected] == [4, 8, 24]
    assert all(0 <= one.low <= one.median <= one.high for one in expected)


def test_the_overturned_rate_needs_enough_and_has_its_interval(queue: Queue) -> None:
    now, person = timezone.now(), make_member(queue)
    lead = Actor.person(make_member(queue, "review_lead"))
    for _ in range(9):
        judge(person, make_item(queue), now=now)
    found = selectors.overturned_rate(queue, now)
    assert (found.count, found.is_measured) == (9, False)
    for _ in range(21):
        judge(person, make_item(queue), now=now)
    for one in ReviewDecision.objects.all()[:3]:
        overturn(actor=lead, decision_id=one.pk, verdict="reject", rationale="No.", now=now)
    found = selectors.overturned_rate(queue, now)
    assert (found.count, found.value) == (30, 0.1)
    assert found.low is not None and found.high is not None and found.low < 0.1 < found.high


@pytest.mark.parametrize("path", ["/reviews/answers/board/", "/reviews/answers/quality/"])
def test_as_many_queries_for_many_rows(queue: Queue, path: str) -> None:
    QualitySettings.objects.create(queue=queue, double_share=50)
    lead, now = make_member(queue, "review_lead"), timezone.now()
    client = signed_in(lead)

    def fill() -> None:
        for _ in range(3):
            item = make_item(queue)
            judge(make_member(queue), item, now=now)
            item = make_item(queue)
            give_to(
                actor=Actor.person(lead),
                queue=queue,
                item_ids=[item.pk],
                person=make_member(queue),
                now=now,
            )

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    fill()
    once = count()
    fill()
    assert count() == once
