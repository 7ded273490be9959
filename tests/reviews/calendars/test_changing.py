"""Calendars and SLA policies: who changes them, what a change moves, what stays in history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.utils import IntegrityError
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.late_saves import seen_of
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict
from reviews.calendars.forms import calendar_values, policy_values
from reviews.calendars.services import (
    CalendarFacts,
    calendar_facts,
    change_calendar,
    preview_calendar,
)
from reviews.queues import retiming
from reviews.queues.models import BusinessCalendar, DueTimeChange, Queue, ReviewItem, SlaPolicy
from tests.factories.ledger import make_person
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("tests")
# A Friday morning.
OPENED = datetime(2026, 11, 20, 10, tzinfo=ZoneInfo("Europe/Amsterdam"))
WEEK = {str(day): [["09:00", "17:30"]] for day in range(5)}


def calendar_of(queue: Queue) -> BusinessCalendar:
    return BusinessCalendar.objects.get(pk=queue.sla.calendar_id)


def facts(calendar: BusinessCalendar, **changes: Any) -> CalendarFacts:
    stands: dict[str, Any] = {
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        "hours": calendar.hours,
    }
    return CalendarFacts(**(stands | changes))


def test_a_change_moves_open_items_only_and_keeps_what_was() -> None:
    queue = make_queue()
    item, done = make_item(queue, now=OPENED), make_item(queue, now=OPENED)
    ReviewItem.objects.filter(pk=done.pk).update(state="decided", decided_at=OPENED)
    now = OPENED + timedelta(hours=1)
    shorter = facts(calendar_of(queue), hours={str(day): [["09:00", "11:00"]] for day in range(5)})
    changed, effect = change_calendar(
        actor=SYSTEM, calendar_id=queue.sla.calendar_id, facts=shorter, now=now
    )
    assert str(effect) == "1 of 1 open items move, 0 become overdue"
    before = item.due_at
    item.refresh_from_db()
    # 240 minutes: one hour on Friday, two on Monday, one on Tuesday.
    assert item.due_at == datetime(2026, 11, 24, 10, tzinfo=OPENED.tzinfo)
    moved = item.due_changes.get()
    assert (moved.due_before, moved.due_after, moved.at) == (before, item.due_at, now)
    assert moved.reason == f"The calendar {changed} changed"
    kept = done.due_at
    done.refresh_from_db()
    assert done.due_at == kept
    event = AuditEvent.objects.get(action="calendar.changed")
    assert event.after["effect"]["moved"] == 1
    assert event.before["hours"] != event.after["hours"]


def test_to_work_it_out_again_changes_nothing() -> None:
    queue = make_queue()
    for hours in range(5):
        make_item(queue, now=OPENED + timedelta(hours=hours))
    slas = {queue.sla_id: SlaPolicy.objects.select_related("calendar").get(pk=queue.sla_id)}
    effect = retiming.retime_at_once(retiming.Scope(slas), actor=SYSTEM, reason="Again", now=OPENED)
    assert (effect.open_items, effect.moved) == (5, 0)
    assert not DueTimeChange.objects.exists()


def test_the_preview_says_what_saving_then_does() -> None:
    queue = make_queue()
    for minutes in (0, 120, 300):
        make_item(queue, now=OPENED + timedelta(minutes=minutes))
    now = OPENED + timedelta(hours=3)
    longer = facts(calendar_of(queue), hours={str(day): [["00:00", "00:00"]] for day in range(7)})
    # In another zone of the same hours everything is due at other times.
    east = facts(calendar_of(queue), time_zone="Asia/Tokyo", hours=WEEK)
    for one in (longer, east):
        foreseen = preview_calendar(actor=SYSTEM, calendar=calendar_of(queue), facts=one, now=now)
        assert not DueTimeChange.objects.filter(at=now).exists()
        _, effect = change_calendar(
            actor=SYSTEM, calendar_id=queue.sla.calendar_id, facts=one, now=now
        )
        assert foreseen == effect
        assert DueTimeChange.objects.filter(at=now).count() == effect.moved > 0
        now += timedelta(minutes=1)


def test_what_becomes_overdue_is_counted() -> None:
    queue = make_queue()
    calendar = calendar_of(queue)
    calendar.hours = {"0": [["09:00", "17:30"]]}
    calendar.save()
    queue.sla.calendar = calendar
    item = make_item(queue, now=OPENED)
    now = OPENED + timedelta(hours=5)
    assert item.due_at > now
    wide = facts(calendar, hours={str(day): [["00:00", "00:00"]] for day in range(7)})
    _, effect = change_calendar(actor=SYSTEM, calendar_id=calendar.pk, facts=wide, now=now)
    assert str(effect) == "1 of 1 open items move, 1 become overdue"
    item.refresh_from_db()
    assert item.due_at == OPENED + timedelta(hours=4)
    assert (item.state, item.decided_at) == ("waiting", None)


def test_an_item_keeps_its_promise_in_another_queue() -> None:
    last = make_queue("last")
    first = make_queue("first", escalates_to=last)
    own = SlaPolicy.objects.create(
        name="Own", calendar=first.sla.calendar, decision_minutes=60, first_touch_minutes=30
    )
    Queue.objects.filter(pk=first.pk).update(sla=own)
    item = make_item(Queue.objects.get(pk=first.pk), now=OPENED)
    ReviewItem.objects.filter(pk=item.pk).update(queue=last)
    change = facts(calendar_of(last), closures={"2026-11-20": "Away day"})
    change_calendar(actor=SYSTEM, calendar_id=own.calendar_id, facts=change, now=OPENED)
    item.refresh_from_db()
    assert item.due_at == datetime(2026, 11, 23, 10, tzinfo=OPENED.tzinfo)


def test_an_item_opened_while_the_calendar_was_saved_is_found() -> None:
    queue = make_queue()
    calendar = calendar_of(queue)
    change = facts(calendar, closures={"2026-11-20": ""})
    change_calendar(actor=SYSTEM, calendar_id=calendar.pk, facts=change, now=OPENED)
    # The settle transaction had read the calendar before it was saved.
    late = make_item(queue, now=OPENED)
    ReviewItem.objects.filter(pk=late.pk).update(due_at=OPENED + timedelta(hours=4))
    assert retiming.catch_up(now=OPENED + timedelta(seconds=30)) == 1
    assert retiming.catch_up(now=OPENED + timedelta(seconds=60)) == 0
    late.refresh_from_db()
    assert late.due_at == datetime(2026, 11, 23, 13, tzinfo=OPENED.tzinfo)


def test_history_is_written_once() -> None:
    queue = make_queue()
    make_item(queue, now=OPENED)
    change = facts(calendar_of(queue), closures={"2026-11-20": ""})
    change_calendar(actor=SYSTEM, calendar_id=queue.sla.calendar_id, facts=change, now=OPENED)
    with pytest.raises(IntegrityError, match="written once"):
        DueTimeChange.objects.update(reason="Never happened")


def test_who_edited_an_older_state_sees_both() -> None:
    queue = make_queue()
    calendar = calendar_of(queue)
    seen = seen_of(calendar_facts(calendar))
    first = facts(calendar, closures={"2026-12-24": ""})
    change_calendar(actor=SYSTEM, calendar_id=calendar.pk, facts=first, now=OPENED, seen=seen)
    with pytest.raises(Conflict):
        change_calendar(actor=SYSTEM, calendar_id=calendar.pk, facts=first, now=OPENED, seen=seen)


def sent(calendar: BusinessCalendar, **changes: Any) -> dict[str, Any]:
    return calendar_values(calendar) | {"action": "save"} | changes


def test_a_safety_officer_changes_one_by_page_after_a_preview() -> None:
    queue = make_queue()
    item = make_item(queue)
    calendar = calendar_of(queue)
    client = signed_in(make_person("safety"))
    path = f"/reviews/calendars/{calendar.pk}/change/"
    assert client.get(path).status_code == 200
    changes = {
        "hours_4": "09:00-12:00, 13:00-24:00",
        "closures": "2026-12-24 Christmas Eve\n2026-12-31",
        "holiday_country": "de",
        "holiday_subdivision": "by",
    }
    shown = client.post(path, sent(calendar, **changes) | {"action": "preview"})
    assert shown.status_code == 200
    assert "open items move" in shown.content.decode()
    assert calendar_of(queue).closures == []
    assert client.post(path, sent(calendar, **changes)).status_code == 302
    stands = calendar_of(queue)
    assert stands.closure_names == {"2026-12-24": "Christmas Eve"}
    assert (stands.holiday_country, stands.holiday_subdivision) == ("DE", "BY")
    assert stands.hours["4"] == [["09:00", "12:00"], ["13:00", "00:00"]]
    page = client.get(f"/reviews/calendars/{calendar.pk}/").content.decode()
    assert "public holiday" in page
    item.refresh_from_db()
    assert item.sla_id == queue.sla_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "/etc/passwd"}, "time_zone"),
        ({"hours_2": "17:00-09:00"}, "hours_2"),
        ({"hours_2": "nine to five"}, "hours_2"),
        ({"holiday_country": "XX"}, "holiday_country"),
        ({"holiday_country": "DE", "holiday_subdivision": "ZZ"}, "holiday_subdivision"),
        ({"holiday_subdivision": "BY"}, "holiday_country"),
        ({"closures": "Christmas"}, "closures"),
        ({f"hours_{day}": "" for day in range(7)}, "hours_0"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(change: dict[str, Any], field: str) -> None:
    calendar = calendar_of(make_queue())
    client = signed_in(make_person("safety"))
    refused = client.post(f"/reviews/calendars/{calendar.pk}/change/", sent(calendar, **change))
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == [field]
    assert not AuditEvent.objects.filter(action="calendar.changed").exists()


def test_a_lead_changes_what_only_their_queues_use() -> None:
    mine, other = make_queue("ours"), make_queue("other")
    client = signed_in(make_member(mine, "review_lead"))
    shared = f"/reviews/calendars/{mine.sla.calendar_id}/change/"
    calendar = calendar_of(mine)
    assert client.post(shared, sent(calendar, name="Ours")).status_code == 403
    made = client.post("/reviews/calendars/new/", sent(calendar, name="Ours"))
    assert made.status_code == 302
    ours = BusinessCalendar.objects.get(name="Ours")
    values = policy_values(None) | {
        "name": "Quick",
        "calendar": ours.pk,
        "steps": "150 next queue\n75 notify",
    }
    assert client.post("/reviews/sla/new/", values).status_code == 302
    quick = SlaPolicy.objects.get(name="Quick")
    assert [str(one) for one in quick.escalation()] == [
        "at 75 %: notify the review leads",
        "at 150 %: move it to the next queue",
    ]
    Queue.objects.filter(pk=mine.pk).update(sla=quick)
    path = f"/reviews/sla/{quick.pk}/change/"
    assert client.post(path, values | {"decision_minutes": "90"}).status_code == 302
    Queue.objects.filter(pk=other.pk).update(sla=quick)
    assert client.post(path, values | {"decision_minutes": "60"}).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first_touch_minutes": "0"}, "first_touch_minutes"),
        ({"first_touch_minutes": "90", "decision_minutes": "60"}, "first_touch_minutes"),
        ({"warn_share": "100"}, "warn_share"),
        ({"steps": "soon notify"}, "steps"),
        ({"steps": "75 release"}, "steps"),
        ({"steps": "75 next queue"}, "steps"),
        ({"steps": "75 notify\n75 notify"}, "steps"),
    ],
)
def test_a_promise_that_does_not_fit(change: dict[str, Any], field: str) -> None:
    queue = make_queue()
    values = policy_values(SlaPolicy.objects.get(pk=queue.sla_id)) | change
    client = signed_in(make_person("safety"))
    refused = client.post(f"/reviews/sla/{queue.sla_id}/change/", values)
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == [field]


def test_the_same_over_the_api() -> None:
    queue = make_queue()
    make_item(queue)
    client = signed_in(make_person("safety"))
    calendar = calendar_of(queue)
    body = {
        "name": calendar.name,
        "time_zone": "Europe/Amsterdam",
        "hours": {"0": [["09:00", "17:30"]]},
        "closures": [{"day": "2026-12-24", "name": "Christmas Eve"}],
    }
    path = f"/api/v1/review-calendars/{calendar.pk}/"
    foreseen = client.post(f"{path}preview/", body, "application/json")
    assert foreseen.status_code == 200
    changed = client.put(path, body, "application/json")
    assert changed.status_code == 200
    assert changed.json()["effect"] == foreseen.json()
    assert changed.json()["calendar"]["closures"] == {"2026-12-24": "Christmas Eve"}
    bad = client.put(path, body | {"hours": {"9": [["a", "b"]]}}, "application/json")
    assert (bad.status_code, bad.headers["Content-Type"]) == (400, "application/problem+json")
    made = client.post(
        "/api/v1/sla-policies/",
        {
            "name": "Slow",
            "calendar": calendar.pk,
            "first_touch_minutes": 10,
            "decision_minutes": 20,
            "warn_share": 50,
            "steps": [{"share": 100, "act": "next_queue"}],
        },
        "application/json",
    )
    assert made.status_code == 201
    assert client.get("/api/v1/sla-policies/").json()["results"][0]["name"] == "Slow"


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    "path",
    [
        "/reviews/calendars/",
        "/reviews/sla/",
        "/api/v1/review-calendars/",
        "/api/v1/sla-policies/",
    ],
)
def test_lists_ask_the_same_of_many(path: str) -> None:
    make_queue()
    client = signed_in(make_person("safety"))
    once = queries(client, path)
    for number in range(3):
        queue = make_queue(f"more-{number}")
        calendar = BusinessCalendar.objects.create(name=f"Calendar {number}")
        queue.sla = SlaPolicy.objects.create(name=f"Policy {number}", calendar=calendar)
        queue.save()
    assert queries(client, path) == once
