"""Real threads on real connections: one item goes to one person, one decision stands."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from reviews.decisions.models import ReviewDecision
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_next
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work: Callable[[Any], Any], inputs: list[Any]) -> list[Any]:
    """Run the work on each input, each on a connection of its own, all beginning together."""
    barrier = threading.Barrier(len(inputs))

    def run(one: Any) -> Any:
        connection.ensure_connection()
        barrier.wait()
        try:
            return work(one)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(run, inputs))


def claiming(queue: Queue) -> Callable[[User], ReviewItem | None]:
    def claim(person: User) -> ReviewItem | None:
        return claim_next(actor=Actor.person(person), queue=queue, now=timezone.now())

    return claim


def test_two_people_and_the_only_item() -> None:
    queue = make_queue()
    item = make_item(queue)
    got = at_once(claiming(queue), [make_member(queue) for _ in range(2)])
    assert sorted(one is None for one in got) == [False, True]
    assert next(one for one in got if one) == item
    assert AuditEvent.objects.filter(action="review.claimed").count() == 1


def test_each_of_many_items_is_claimed_once_whoever_comes() -> None:
    queue = make_queue()
    items = [make_item(queue) for _ in range(12)]
    people = [make_member(queue) for _ in range(6)]
    claim = claiming(queue)

    def claim_until_none(person: User) -> list[ReviewItem]:
        mine = []
        while (item := claim(person)) is not None:
            mine.append(item)
            # Decided, so that the next claim is another item.
            signed_in(person).post(f"/reviews/items/{item.pk}/decide/", {"verdict": "approve"})
            held = ReviewItem.objects.filter(claimed_by=person, state="claimed")
            assert held.count() <= 1
        return mine

    at_once(claim_until_none, people)
    decided = Counter(ReviewDecision.objects.values_list("item_id", flat=True))
    assert decided == Counter(item.pk for item in items)
    claims = AuditEvent.objects.filter(action="review.claimed").values_list("subject_id", flat=True)
    assert Counter(claims) == Counter(str(item.pk) for item in items)


def test_more_people_than_items() -> None:
    queue = make_queue()
    items = [make_item(queue) for _ in range(3)]
    got = at_once(claiming(queue), [make_member(queue) for _ in range(8)])
    found = [one.pk for one in got if one is not None]
    # A row that is locked at the instant of the look is skipped, never given twice.
    assert len(set(found)) == len(found) == len(items)


def test_one_person_on_two_screens_holds_one_item() -> None:
    queue = make_queue()
    for _ in range(4):
        make_item(queue)
    person = make_member(queue)
    got = at_once(claiming(queue), [User.objects.get(pk=person.pk) for _ in range(4)])
    assert len({one.pk for one in got}) == 1
    assert ReviewItem.objects.filter(state="claimed").count() == 1


@pytest.mark.parametrize("verdicts", [("approve", "approve"), ("approve", "reject")])
def test_two_decisions_on_one_item(verdicts: tuple[str, str]) -> None:
    queue = make_queue()
    item = make_item(queue)
    person = make_member(queue)
    claiming(queue)(person)

    def decide(verdict: str) -> int:
        body = {"verdict": verdict, "rationale": "Seen twice."}
        path = f"/api/v1/review-items/{item.pk}/decide/"
        return signed_in(person).post(path, body, "application/json").status_code

    assert sorted(at_once(decide, list(verdicts))) == [201, 409]
    assert ReviewDecision.objects.count() == 1
    item.refresh_from_db()
    assert item.state == "decided"
