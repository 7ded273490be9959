"""How much a person takes: claimed, given and handed alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from reviews.board import work
from reviews.board.capacity import Limits, place_of, places_in, set_capacities
from reviews.board.handing import hand_over
from reviews.board.models import Capacity
from reviews.board.rules import Place
from reviews.board.services import give_to
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_item, claim_next
from tests.factories.quality import judge
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    return make_queue()


def limit(queue: Queue, person: User | None = None, **numbers: Any) -> None:
    Capacity.objects.create(queue=queue, person=person, **numbers)


def give(queue: Queue, person: User, *items: UUID) -> int:
    lead = Actor.person(make_member(queue, "review_lead"))
    return give_to(actor=lead, queue=queue, item_ids=items, person=person, now=timezone.now())


@pytest.mark.parametrize(
    ("place", "free", "words"),
    [
        (Place(None, None, 9, 9), None, ""),
        (Place(3, None, 1, 0), 2, ""),
        (Place(3, 4, 1, 2), 1, ""),
        (Place(3, None, 5, 0), 0, "has 5 of 3 at a time"),
        (Place(9, 4, 1, 3), 0, "has 4 of 4 for today"),
    ],
)
def test_the_narrower_limit_counts(place: Place, free: int | None, words: str) -> None:
    assert (place.free, place.full_words) == (free, words)
    assert place.takes(free or 0) and (free is None or not place.takes(free + 1))


def test_as_many_at_a_time_by_name_and_by_pull(queue: Queue) -> None:
    now, ben = timezone.now(), make_member(queue)
    actor = Actor.person(ben)
    first, second, third = (make_item(queue, now=now) for _ in range(3))
    limit(queue, at_once=2)
    claim_item(actor=actor, item_id=first.pk, now=now)
    claim_item(actor=actor, item_id=second.pk, now=now)
    with pytest.raises(Conflict, match="has 2 of 2 at a time"):
        claim_item(actor=actor, item_id=third.pk, now=now)
    assert claim_item(actor=actor, item_id=first.pk, now=now) == first  # theirs already
    assert claim_next(actor=Actor.person(make_member(queue)), queue=queue, now=now) == third


def test_what_is_kept_counts_and_is_always_theirs(queue: Queue) -> None:
    now, ben = timezone.now(), make_member(queue)
    limit(queue, ben, at_once=1)
    kept, free = make_item(queue, now=now), make_item(queue, now=now - timedelta(days=1))
    give(queue, ben, kept.pk)
    with pytest.raises(Conflict):
        claim_item(actor=Actor.person(ben), item_id=free.pk, now=now)
    assert claim_next(actor=Actor.person(ben), queue=queue, now=now) == kept


def test_leads_and_colleagues_give_no_more_than_one_takes(queue: Queue) -> None:
    now, ada, ben = timezone.now(), make_member(queue), make_member(queue)
    limit(queue, ben, at_once=2)
    items = [make_item(queue, now=now).pk for _ in range(4)]
    with pytest.raises(Conflict, match="takes 2 more"):
        give(queue, ben, *items[:3])
    assert give(queue, ben, *items[:2]) == 2
    assert give(queue, ben, items[0]) == 1  # the same again is no more
    held = claim_item(actor=Actor.person(ada), item_id=items[3], now=now)
    with pytest.raises(Conflict, match="has 2 of 2"):
        hand_over(actor=Actor.person(ada), item_id=held.pk, person=ben, note="x", now=now)
    page = signed_in(ada).get(f"/reviews/items/{held.pk}/hand/").content.decode()
    assert f"{ben.name}: has 2 of 2 at a time" in page


def test_a_day_is_one_of_the_queues_calendar(queue: Queue) -> None:
    zone = ZoneInfo(queue.sla.calendar.time_zone)
    day = datetime(2026, 3, 29, tzinfo=zone)  # of 23 hours
    assert work.midnight(queue, day + timedelta(hours=13)) == day
    assert work.midnight(queue, day - timedelta(minutes=1)) == day - timedelta(days=1)


def test_who_did_their_day_gets_no_more_and_is_told_why(queue: Queue) -> None:
    now, ben = timezone.now(), make_member(queue)
    limit(queue, a_day=2)
    for _ in range(2):
        judge(ben, make_item(queue, now=now), now=now)
    make_item(queue, now=now)
    assert claim_next(actor=Actor.person(ben), queue=queue, now=now) is None
    page = signed_in(ben).get(f"/reviews/{queue.slug}/next/").content.decode()
    assert "has 2 of 2 for today" in page
    tomorrow = work.midnight(queue, now) + timedelta(days=1, hours=3)
    assert claim_next(actor=Actor.person(ben), queue=queue, now=tomorrow) is not None


def test_what_can_still_be_undone_is_in_hand(queue: Queue) -> None:
    now, ben = timezone.now(), make_member(queue)
    item = make_item(queue, now=now)
    claim_item(actor=Actor.person(ben), item_id=item.pk, now=now)
    ReviewItem.objects.filter(pk=item.pk).update(state="pending", lease_until=None)
    limit(queue, a_day=1)
    assert place_of(ben, queue, now).full_words == "has 1 of 1 for today"
    assert places_in(queue, [ben], now)[ben.pk] == place_of(ben, queue, now)


def test_leads_set_them_by_page_and_by_api(queue: Queue) -> None:
    lead, ben = make_member(queue, "review_lead"), make_member(queue)
    client, path = signed_in(lead), f"/reviews/{queue.slug}/capacities/"
    wrong = {"at_once-everybody": "5", f"a_day-{ben.pk}": "0"}
    page = client.post(path, wrong)
    assert page.status_code == 422 and not Capacity.objects.exists()
    assert 'value="5"' in page.content.decode()
    assert client.post(path, {"at_once-everybody": "²"}).status_code == 422
    sent = {"at_once-everybody": "5", f"a_day-{ben.pk}": "30"}
    assert client.post(path, sent).status_code == 302
    assert client.post(path, sent).status_code == 302
    assert AuditEvent.objects.filter(action="queue.capacities_set").count() == 1
    api = f"/api/v1/queues/{queue.slug}/capacities/"
    stands = client.get(api).json()["people"]
    assert {"person": ben.pk, "at_once": None, "a_day": 30} in stands and len(stands) == 2
    stranger = make_member(make_queue("other"))
    body = {"people": [{"person": stranger.pk, "at_once": 1}]}
    assert client.put(api, body, "application/json").status_code == 400
    body = {"people": [{"person": None, "at_once": 3}]}
    assert client.put(api, body, "application/json").status_code == 200
    assert [one.at_once for one in Capacity.objects.all()] == [3]
    board = client.get(f"/api/v1/queues/{queue.slug}/board/").json()["loads"]
    assert [(one["takes_at_once"], one["free"]) for one in board] == [(3, 3)] * 2
    with pytest.raises(NotAllowed):
        set_capacities(actor=Actor.person(ben), queue=queue, wanted=[], now=timezone.now())
    with pytest.raises(Invalid):
        twice = [Limits(ben.pk, 1, None)] * 2
        set_capacities(actor=Actor.person(lead), queue=queue, wanted=twice, now=timezone.now())
