"""Who is away gets nothing, and it ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.home.absences import begin_due, end_absence, is_away, reached, state_absence
from governance.home.models import Absence, Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from reviews.board.handing import hand_over
from reviews.board.models import Assignment, HandOver
from reviews.board.services import give_to
from reviews.queues.escalating import mark_breaches
from reviews.queues.models import ReviewItem
from reviews.queues.services import claim_item, claim_next
from tests.factories.ledger import make_person
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def away(person: User, stand_in: User | None = None, **facts: Any) -> Absence:
    now = timezone.now()
    known = {"starts_at": now, "ends_at": now + DAY, "now": now, "actor": Actor.person(person)}
    return state_absence(person=person, stand_in=stand_in, **(known | facts))


def test_what_was_given_returns_at_once_and_nothing_more_comes() -> None:
    queue, now = make_queue(), timezone.now()
    lead, ben, cleo = make_member(queue, "review_lead"), make_member(queue), make_member(queue)
    given, handed = make_item(queue, now=now), make_item(queue, now=now)
    lead_too = Actor.person(lead)
    give_to(actor=lead_too, queue=queue, item_ids=[given.pk], person=ben, now=now)
    claim_item(actor=Actor.person(cleo), item_id=handed.pk, now=now)
    hand_over(actor=Actor.person(cleo), item_id=handed.pk, person=ben, note="Yours.", now=now)
    away(ben)
    assert not Assignment.objects.exists()
    assert HandOver.objects.get().state == "returned"
    assert "did not take" in Notification.objects.filter(user=cleo).latest("pk").title
    assert AuditEvent.objects.filter(action="review.ungiven").count() == 1
    with pytest.raises(Invalid, match="out of office"):
        give_to(actor=lead_too, queue=queue, item_ids=[given.pk], person=ben, now=now)
    assert claim_next(actor=Actor.person(cleo), queue=queue, now=now) in (given, handed)


def test_one_that_begins_later_takes_effect_by_itself_and_ends_by_itself() -> None:
    queue, now = make_queue(), timezone.now()
    lead, ben, cleo = make_member(queue, "review_lead"), make_member(queue), make_member(queue)
    item = make_item(queue, now=now)
    made = away(ben, starts_at=now + DAY, ends_at=now + 2 * DAY)
    give_to(actor=Actor.person(lead), queue=queue, item_ids=[item.pk], person=ben, now=now)
    assert begin_due(now=now + DAY) == 0  # a worker's clock that is ahead begins nothing
    Absence.objects.update(starts_at=now - DAY, ends_at=now + DAY)
    assert is_away(ben)
    # Free at once, also before the housekeeping came.
    assert claim_next(actor=Actor.person(cleo), queue=queue, now=now) == item
    ReviewItem.objects.update(state="waiting", lease_until=None, claimed_by=None)
    assert begin_due(now=timezone.now()) == 1
    assert begin_due(now=timezone.now()) == 0
    assert not Assignment.objects.exists()
    Absence.objects.filter(pk=made.pk).update(ends_at=F("starts_at"))
    assert not is_away(ben)
    give_to(actor=Actor.person(lead), queue=queue, item_ids=[item.pk], person=ben, now=now)


def test_who_states_it_for_whom() -> None:
    queue = make_queue()
    lead, ben = make_member(queue, "review_lead"), make_member(queue)
    stranger = make_member(make_queue("other"), "review_lead")
    with pytest.raises(NotAllowed):
        away(ben, actor=Actor.person(stranger))
    made = away(ben, actor=Actor.person(lead))
    with pytest.raises(NotAllowed):
        end_absence(actor=Actor.person(stranger), absence_id=made.pk, now=timezone.now())
    assert signed_in(stranger).post(f"/absences/{made.pk}/end/").status_code == 404
    assert signed_in(lead).post(f"/absences/{made.pk}/end/").status_code == 302
    assert not is_away(ben)
    with pytest.raises(WrongState):
        end_absence(actor=Actor.person(ben), absence_id=made.pk, now=timezone.now())


def test_times_and_stand_ins_that_do_not_fit() -> None:
    ben, cleo, now = make_person(), make_person(), timezone.now()
    away(cleo)
    for facts, field in (
        ({"ends_at": now - DAY}, "ends_at"),
        ({"ends_at": now + 400 * DAY}, "ends_at"),
        ({"stand_in": ben}, "stand_in"),
        ({"stand_in": cleo, "ends_at": now + DAY / 2}, "stand_in"),
    ):
        with pytest.raises(Invalid) as refused:
            away(ben, **{"starts_at": now + timedelta(seconds=9), **facts})
        assert list(refused.value.fields) == [field]
    ends = away(ben).ends_at
    with pytest.raises(Invalid, match="away in that time already"):
        away(ben, starts_at=now + DAY / 2, ends_at=now + 2 * DAY)
    away(ben, starts_at=ends, ends_at=ends + DAY)  # from then on is no overlap


def test_notices_that_ask_for_an_act_go_to_who_stands_in() -> None:
    queue = make_queue()
    lead, other = make_member(queue, "review_lead"), make_member(queue, "review_lead")
    away(lead, other)
    other_only = make_person()
    assert reached([lead]) == [other]
    assert reached([lead, other]) == [other]
    assert reached([lead], lambda one: one == lead) == [lead]  # nobody fits: it is not lost
    away(other, other_only)
    assert reached([lead]) == [other_only]
    Notification.objects.all().delete()
    item = make_item(queue)
    ReviewItem.objects.filter(pk=item.pk).update(due_at=timezone.now() - DAY)
    mark_breaches(now=timezone.now())
    # The last of the chain may not lead here, so both keep theirs.
    assert {one.user for one in Notification.objects.all()} == {lead, other}


def test_two_who_stand_in_for_each_other_end() -> None:
    ada, ben = make_person(), make_person()
    away(ada, ben)
    Absence.objects.create(
        person=ben,
        stand_in=ada,
        starts_at=timezone.now() - DAY,
        ends_at=timezone.now() + DAY,
        made_at=timezone.now(),
    )
    assert reached([ada]) == [ada]


def test_a_breach_reaches_the_stand_in_of_a_lead() -> None:
    queue = make_queue()
    lead, other = make_member(queue, "review_lead"), make_member(queue, "review_lead")
    away(lead, other)
    Notification.objects.all().delete()
    item = make_item(queue)
    ReviewItem.objects.filter(pk=item.pk).update(due_at=timezone.now() - DAY)
    mark_breaches(now=timezone.now())
    assert [one.user for one in Notification.objects.all()] == [other]


def test_the_form_reads_times_where_the_person_is() -> None:
    queue = make_queue()
    lead, ben = make_member(queue, "review_lead"), make_member(queue)
    User.objects.filter(pk=ben.pk).update(time_zone="Asia/Tokyo")
    User.objects.filter(pk=lead.pk).update(time_zone="America/New_York")
    day = (timezone.now() + 3 * DAY).date()
    sent = {"person": ben.pk, "starts_at": f"{day}T09:00", "ends_at": f"{day}T17:30"}
    client = signed_in(lead)
    assert client.post("/absences/", sent).status_code == 302
    made = Absence.objects.get()
    tokyo = datetime(day.year, day.month, day.day, 9, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert made.starts_at == tokyo.astimezone(UTC)
    again = client.post("/absences/", sent)
    assert again.status_code == 422
    assert f'value="{day}T09:00"' in again.content.decode()
    assert ben.name in signed_in(ben).get("/absences/").content.decode()


def test_my_work_and_the_board_say_it_and_the_api_too() -> None:
    queue, now = make_queue(), timezone.now()
    lead, ben = make_member(queue, "review_lead"), make_member(queue)
    client, api = signed_in(ben), "/api/v1/absences/"
    make_item(queue)
    sent = {"starts_at": now.isoformat(), "ends_at": (now + DAY).isoformat(), "stand_in": lead.pk}
    made = client.post(api, sent, "application/json")
    assert made.status_code == 201 and made.json()["stand_in"] == lead.pk
    assert f"{lead.name} stands in" in client.get("/").content.decode()
    board = signed_in(lead).get(f"/reviews/{queue.slug}/board/").content.decode()
    assert f"{lead.name} stands in" in board and f"{ben.name}: out of office" in board
    for_lead = sent | {"person": lead.pk}
    assert client.post(api, for_lead, "application/json").status_code == 400
    ended = signed_in(lead).post(f"{api}{made.json()['id']}/end/")
    assert ended.status_code == 200
    assert client.post(f"{api}{made.json()['id']}/end/").status_code == 409
    assert "stands in" not in client.get("/").content.decode()
