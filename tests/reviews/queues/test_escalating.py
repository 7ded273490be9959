"""First touch, breaches and the steps of an SLA: each taken once, counted, told; none releases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from reviews.queues.escalating import counted, mark_breaches, mark_untouched, take_steps
from reviews.queues.escalation_rules import NotSteps, parse_steps, steps_as_text
from reviews.queues.models import Escalation, Queue, SlaPolicy
from reviews.queues.services import claim_item
from telemetry.alerts.models import Alert
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db
# A Friday morning; decided within 100 minutes, so a percent is a minute.
OPENED = datetime(2026, 11, 20, 10, tzinfo=ZoneInfo("Europe/Amsterdam"))


def queue_with(steps: str, **facts: Any) -> Queue:
    queue = make_queue(**facts)
    sla = SlaPolicy.objects.create(
        name="Percent",
        calendar=queue.sla.calendar,
        first_touch_minutes=30,
        decision_minutes=100,
        steps=parse_steps(steps),
    )
    Queue.objects.filter(pk=queue.pk).update(sla=sla)
    return Queue.objects.get(pk=queue.pk)


def at(percent: float) -> datetime:
    return OPENED + timedelta(minutes=percent)


def test_steps_are_taken_at_their_time_and_once() -> None:
    last = make_queue("last")
    queue = queue_with("75 notify\n150 next queue", escalates_to=last)
    lead, boss = make_member(queue, "review_lead"), make_member(last, "review_lead")
    item = make_item(queue, now=OPENED)
    assert take_steps(now=at(74)) == 0
    assert take_steps(now=at(75)) == 1
    assert take_steps(now=at(80)) == 0
    assert Notification.objects.get(user=lead).title.endswith("has used 75 % of its time")
    assert take_steps(now=at(150)) == 1
    item.refresh_from_db()
    assert (item.queue, item.state, item.decided_at) == (last, "waiting", None)
    assert (item.due_at, item.call.state) == (at(100), "held")
    assert Notification.objects.filter(user=boss).count() == 1
    assert take_steps(now=at(5000)) == 0
    assert counted(queue, at(200)) == [("leads told", 1), ("moved on", 1)]
    assert counted(last, at(200)) == []
    event = AuditEvent.objects.get(action="review.escalated")
    assert (event.before["queue"], event.after["queue"]) == (queue.slug, "last")


def test_what_somebody_holds_stays_with_them() -> None:
    queue = queue_with("100 next queue", escalates_to=make_queue("last"))
    item = make_item(queue, now=OPENED)
    person = make_member(queue)
    claim_item(actor=Actor.person(person), item_id=item.pk, now=at(99))
    assert take_steps(now=at(101)) == 1
    item.refresh_from_db()
    assert (item.queue, item.claimed_by) == (queue, person)
    assert Escalation.objects.get().note == "somebody held it"


def test_a_queue_without_a_next_one_keeps_it_and_says_so() -> None:
    queue = queue_with("100 next queue")
    item = make_item(queue, now=OPENED)
    take_steps(now=at(100))
    item.refresh_from_db()
    assert item.queue == queue
    assert counted(queue, at(100)) == [("nowhere to move on", 1)]


def test_first_touch_is_a_target_like_the_decision() -> None:
    queue = queue_with("")
    lead = make_member(queue, "review_lead")
    seen, unseen = make_item(queue, now=OPENED), make_item(queue, now=OPENED)
    claim_item(actor=Actor.person(make_member(queue)), item_id=seen.pk, now=at(10))
    assert mark_untouched(now=at(30)) == 0
    assert mark_untouched(now=at(31)) == 1
    assert mark_untouched(now=at(32)) == 0
    unseen.refresh_from_db()
    assert (unseen.first_touch_breached_at, unseen.breached_at) == (at(31), None)
    assert (unseen.state, unseen.priority) == ("waiting", 2)
    assert Alert.objects.get().cause == f"review-first-touch:{queue.slug}"
    assert Notification.objects.filter(user=lead).count() == 1
    assert AuditEvent.objects.filter(action="review.untouched").count() == 1
    assert mark_breaches(now=at(101)) == 2
    assert counted(queue, at(101)) == [("decided too late", 2), ("looked at too late", 1)]
    board = signed_in(lead).get(f"/reviews/{queue.slug}/").content.decode()
    assert Escalation.objects.count() == 3
    assert board


def test_steps_are_read_as_people_write_them() -> None:
    plain = parse_steps("150% next queue\n\n75 Notify")
    assert steps_as_text(plain) == "75 notify\n150 next_queue".replace("_", " ")
    assert parse_steps(steps_as_text(plain)) == plain
    for text in ("notify", "0 notify", "1001 notify", "99 next queue", "5 release"):
        with pytest.raises(NotSteps):
            parse_steps(text)
    with pytest.raises(NotSteps):
        parse_steps("\n".join(f"{share} notify" for share in range(1, 10)))
