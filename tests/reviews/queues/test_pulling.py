"""The next item across queues: fair, never twice, never what the person is not ready for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Grant
from governance.kernel.authority import Actor
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.pulling import claim_anywhere, fair_order, share_used
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


def also_in(queue: Queue, grant: Grant) -> None:
    grant.pk, grant.scope_id = None, queue.pk
    grant.save(force_insert=True)


def test_no_queue_starves_however_much_comes_into_another() -> None:
    now = timezone.now()
    busy, quiet, strange = make_queue("busy"), make_queue("quiet"), make_queue("strange")
    person = make_member(busy)
    also_in(quiet, person.grants.get())
    make_item(strange, now=now - timedelta(days=30))
    lonely = make_item(quiet, now=now - timedelta(minutes=30))
    for _ in range(5):
        item = make_item(busy, now=now)
        ReviewItem.objects.filter(pk=item.pk).update(priority=9)
    # A new and urgent item of another queue does not pass what has waited longer of its time.
    assert fair_order(person, now) == [quiet, busy]
    actor = Actor.person(person)
    first = claim_anywhere(actor=actor, now=now)
    assert first == lonely
    assert claim_anywhere(actor=actor, now=now) == lonely
    assert claim_anywhere(actor=Actor.person(make_member(quiet)), now=now) is None
    ReviewItem.objects.filter(pk=lonely.pk).update(state="decided", lease_until=None)
    after = claim_anywhere(actor=actor, now=now)
    assert after is not None
    assert after.queue == busy


def test_a_queue_for_which_one_is_not_ready_is_passed_over() -> None:
    now = timezone.now()
    closed, free = make_queue("closed", needs_acknowledgement=True), make_queue("free")
    person = make_member(closed)
    also_in(free, person.grants.get())
    make_item(closed, now=now - timedelta(days=9))
    item = make_item(free, now=now)
    assert claim_anywhere(actor=Actor.person(person), now=now) == item


def test_by_page_and_api() -> None:
    queue = make_queue()
    client = signed_in(make_member(queue))
    assert client.get("/reviews/next/")["Location"] == "/reviews/"
    assert client.post("/api/v1/review-items/next/").status_code == 204
    item = make_item(queue)
    assert "/reviews/next/" in client.get("/reviews/").content.decode()
    assert client.get("/reviews/next/")["Location"] == f"/reviews/items/{item.pk}/"
    assert client.post("/api/v1/review-items/next/").json()["id"] == str(item.pk)


def test_to_look_for_the_next_asks_the_same_of_many_queues() -> None:
    now = timezone.now()
    first = make_queue("first")
    person = make_member(first)
    make_item(first)

    def asked() -> int:
        person.forget_reaches()
        with CaptureQueriesContext(connection) as captured:
            fair_order(person, now)
        return len(captured)

    once = asked()
    for number in range(3):
        queue = make_queue(f"more-{number}")
        also_in(queue, person.grants.first())
        make_item(queue)
    assert asked() == once
    assert len(fair_order(person, now)) == 4


def test_the_share_used_grows_and_is_one_at_the_due_time() -> None:
    now = timezone.now()
    due = now + timedelta(hours=4)
    shares = [share_used(now, due, now + timedelta(hours=hours)) for hours in (0, 2, 4, 40)]
    assert shares == [0, 0.5, 1, 10]
    assert share_used(now, now, now + timedelta(hours=1)) > 1000
