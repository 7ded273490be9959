"""Very many due times are worked out again in steps that a crash does not undo."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from reviews.calendars.services import CalendarFacts, change_calendar
from reviews.queues import retiming, retiming_job
from reviews.queues.models import BusinessCalendar, DueTimeChange, Queue, Retiming, ReviewItem
from reviews.queues.retiming import Effect
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("few_are_many")]
OPENED = datetime(2026, 11, 20, 10, tzinfo=ZoneInfo("Europe/Amsterdam"))
NOW = OPENED + timedelta(hours=1)
SHORT = {str(day): [["09:00", "11:00"]] for day in range(5)}


@pytest.fixture
def queue() -> Queue:
    made = make_queue()
    for _ in range(5):
        make_item(made, now=OPENED)
    return made


def change(queue: Queue, hours: dict[str, Any], by: User | None = None) -> Effect:
    calendar = BusinessCalendar.objects.get(pk=queue.sla.calendar_id)
    facts = CalendarFacts(name=calendar.name, time_zone=calendar.time_zone, hours=hours)
    actor = Actor.person(by) if by else Actor.system("tests")
    return change_calendar(actor=actor, calendar_id=calendar.pk, facts=facts, now=NOW)[1]


def dues() -> set[datetime]:
    return set(ReviewItem.objects.values_list("due_at", flat=True))


def test_it_goes_on_where_a_crash_left_it_and_ends_as_in_one_go(queue: Queue) -> None:
    before = dues()
    effect = change(queue, SHORT)
    assert str(effect) == "5 open items are being re-timed" and dues() == before
    job = Retiming.objects.get()
    assert (job.pk, job.total, job.is_over) == (effect.retiming, 5, False)
    assert retiming_job.step(retiming_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.done, job.moved, DueTimeChange.objects.count()) == (2, 2, 2)
    # The worker is gone; another one comes.
    assert retiming_job.run_unfinished(now=NOW) == 1
    job.refresh_from_db()
    assert (job.done, job.moved, job.is_over) == (5, 5, True)
    assert retiming_job.run_unfinished(now=NOW) == 0
    assert DueTimeChange.objects.count() == 5
    in_steps = dues()
    assert in_steps != before
    slas = {queue.sla_id: type(queue.sla).objects.select_related("calendar").get()}
    again = retiming.retime_at_once(
        retiming.Scope(slas), actor=Actor.system("t"), reason="Again", now=NOW
    )
    assert again.moved == 0 and dues() == in_steps
    event = AuditEvent.objects.get(action="sla.retimed")
    assert event.after["moved"] == 5


def test_a_later_change_has_the_last_word(queue: Queue) -> None:
    first = change(queue, SHORT).retiming
    assert first is not None
    retiming_job.step(retiming_id=first, now=NOW)
    before = OPENED.date()
    second = change(queue, {str(day): [["09:00", "17:30"]] for day in range(5)}).retiming
    assert second is not None
    for pk in (second, first):  # in whatever order they are done
        retiming_job.run(retiming_id=pk, now=NOW)
    assert {one.astimezone(OPENED.tzinfo).date() for one in dues()} == {before}
    assert not Retiming.objects.filter(finished_at=None).exists()


def test_it_tells_what_becomes_overdue_and_by_whom(queue: Queue) -> None:
    lead = make_member(queue, "review_lead")
    ReviewItem.objects.update(created_at=OPENED - timedelta(days=7))
    change(queue, SHORT, by=lead)
    retiming_job.run(retiming_id=Retiming.objects.get().pk, now=NOW)
    job = Retiming.objects.get()
    assert job.become_overdue == 5
    assert set(DueTimeChange.objects.values_list("by", flat=True)) == {lead.pk}


def test_few_are_retimed_with_the_change_itself(queue: Queue) -> None:
    some = [one.pk for one in ReviewItem.objects.all()[:2]]
    ReviewItem.objects.filter(pk__in=some).update(state="decided")
    effect = change(queue, SHORT)
    assert (effect.moved, effect.retiming, Retiming.objects.count()) == (3, None, 0)


def test_hours_in_which_nothing_would_be_due_are_refused_before(queue: Queue) -> None:
    type(queue.sla).objects.update(decision_minutes=60 * 24 * 90)
    with pytest.raises(Invalid):
        change(queue, {"0": [["09:00", "09:01"]]})
    assert not Retiming.objects.exists()


def test_progress_is_a_page_and_in_the_api_and_stops_polling(queue: Queue) -> None:
    lead = signed_in(make_member(queue, "review_lead"))
    calendar = BusinessCalendar.objects.get(pk=queue.sla.calendar_id)
    week = {"time_zone": calendar.time_zone, "hours": SHORT, "name": calendar.name}
    api = f"/api/v1/review-calendars/{calendar.pk}/"
    sent = lead.put(api, week, content_type="application/json").json()
    path = f"/reviews/calendars/retimings/{sent['effect']['retiming']}/"
    page = lead.get(path)
    assert "0 of 5 open items" in page.content.decode()
    assert path in lead.get("/reviews/calendars/").content.decode()
    assert lead.get(path, headers={"hx-request": "true"}).status_code == 200
    retiming_job.run_unfinished(now=NOW)
    assert lead.get(path, headers={"hx-request": "true"}).status_code == 286
    told = lead.get(f"/api/v1/review-retimings/{sent['effect']['retiming']}/").json()
    assert (told["done"], told["total"]) == (5, 5) and told["finished_at"]
