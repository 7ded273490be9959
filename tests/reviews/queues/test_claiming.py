"""A claim asks the database little, and everything that may stand in its way is still asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor, Permission
from reviews.board.models import Capacity
from reviews.queues.claim_registries import claimed, limits, offers
from reviews.queues.models import ReviewItem
from reviews.queues.qualifying import NotReady
from reviews.queues.rules import LEASE
from reviews.queues.services import claim_next
from reviews.queues.standing import Standing, standing_of
from tests.factories.reviews import make_item, make_member, make_queue
from tests.factories.training import make_training, train

pytestmark = pytest.mark.django_db


def test_a_claim_is_three_statements_however_many_items_wait() -> None:
    now, queue = timezone.now(), make_queue()
    person = make_member(queue)
    actor = Actor.person(person)
    person.may(Permission.REVIEW_WORK, queue)  # what a request has read already
    for _ in range(3):
        make_item(queue, now=now)
        with CaptureQueriesContext(connection) as queries:
            item = claim_next(actor=actor, queue=queue, now=now)
        assert item is not None
        asked = [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]
        assert len(asked) == 3, "\n".join(asked)
        ReviewItem.objects.filter(pk=item.pk).update(state="decided", lease_until=None)


def test_what_is_claimed_is_the_item_as_it_stands_in_the_database() -> None:
    now, queue = timezone.now(), make_queue()
    actor = Actor.person(make_member(queue))
    waiting = make_item(queue, now=now - timedelta(hours=1))
    ReviewItem.objects.filter(pk=waiting.pk).update(
        output_contract={"type": "object", "required": ["spdx"]}, reason="50 % of “it” is %s"
    )
    item = claim_next(actor=actor, queue=queue, now=now)
    assert item is not None
    kept = ReviewItem.objects.get(pk=item.pk)
    for field in ReviewItem._meta.concrete_fields:
        assert getattr(item, field.attname) == getattr(kept, field.attname), field.name
    assert (item.claimed_by, item.claimed_at, item.lease_until) == (actor.user, now, now + LEASE)
    assert item.first_touched_at == now
    assert item.output_contract == {"type": "object", "required": ["spdx"]}
    event = AuditEvent.objects.get(action="review.claimed", subject_id=str(item.pk))
    assert event.team_id == item.call.team_id
    assert event.pending.pk == event.pk


def test_nothing_stands_in_the_way_of_somebody_new() -> None:
    queue = make_queue()
    standing = standing_of(make_member(queue), queue, timezone.now())
    assert standing == Standing(False, False, (), ())
    assert len(offers) == 2
    assert len(limits) == len(claimed) == 1


def test_a_limit_is_asked_as_soon_as_there_is_one() -> None:
    now, queue = timezone.now(), make_queue()
    person = make_member(queue)
    make_item(queue, now=now)
    Capacity.objects.create(queue=queue, person=person, a_day=1)
    assert standing_of(person, queue, now).limits == ("capacity",)
    assert claim_next(actor=Actor.person(person), queue=queue, now=now) is not None


def test_a_training_that_ran_out_yesterday_is_missing_today() -> None:
    now, queue = timezone.now(), make_queue()
    made = make_training("Reading licences")
    queue.trainings.add(made)
    make_item(queue, now=now)
    late, ready = make_member(queue), make_member(queue)
    train(late, made, days_left=-1)
    train(ready, made, days_left=0)
    assert standing_of(late, queue, now).lacks_training
    with pytest.raises(NotReady, match="Reading licences"):
        claim_next(actor=Actor.person(late), queue=queue, now=now)
    assert not standing_of(ready, queue, now).lacks_training
    assert claim_next(actor=Actor.person(ready), queue=queue, now=now) is not None
