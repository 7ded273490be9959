"""Real threads: whatever changes while due times are worked out again, all end by what stands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from governance.kernel.authority import Actor
from reviews.calendars.services import CalendarFacts, change_calendar
from reviews.queues import retiming_job
from reviews.queues.models import (
    BusinessCalendar,
    DueTimeChange,
    Queue,
    Retiming,
    ReviewItem,
    SlaPolicy,
)
from reviews.queues.retiming import Scope
from reviews.queues.services import claim_next
from tests.factories.reviews import make_item, make_member, make_queue
from tests.reviews.queues.test_retiming_queue import choose
from tests.reviews.test_races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("few_are_many")]
Act = Callable[[], Any]
LONGEST_SECONDS = 60
HOURS = ([["09:00", "11:00"]], [["09:00", "17:30"]], [["10:00", "16:00"]])


@pytest.fixture
def queue() -> Queue:
    made = make_queue()
    for _ in range(8):
        make_item(made, now=timezone.now() - timedelta(hours=1))
    return made


def policy(name: str, minutes: int) -> SlaPolicy:
    calendar = BusinessCalendar.objects.get()
    return SlaPolicy.objects.create(name=name, calendar=calendar, decision_minutes=minutes)


def together(*acts: Act) -> None:
    at_once(lambda act: act(), list(acts))


def work() -> None:
    """As several workers and the housekeeping do."""
    for _ in range(6):
        retiming_job.run_unfinished(now=timezone.now())


def open_by(hours: list[list[str]]) -> None:
    calendar = BusinessCalendar.objects.get()
    change_calendar(
        actor=Actor.system("tests"),
        calendar_id=calendar.pk,
        facts=CalendarFacts(
            name=calendar.name,
            time_zone=calendar.time_zone,
            hours={str(day): hours for day in range(7)},
        ),
        now=timezone.now(),
    )


def assert_nothing_is_left_to_move(queue: Queue) -> None:
    while Retiming.objects.filter(finished_at=None).exists():
        retiming_job.run_unfinished(now=timezone.now())
    queue.refresh_from_db()
    items = list(ReviewItem.objects.open())
    assert {one.sla_id for one in items} == {queue.sla_id}
    slas = SlaPolicy.objects.select_related("calendar").in_bulk([queue.sla_id])
    assert [one.item for one in Scope(slas).moves(items) if one.moves] == []


def test_two_workers_go_through_each_answer_once(queue: Queue) -> None:
    choose(queue, policy("Two days", 1020))
    together(work, work, work)
    job = Retiming.objects.get()
    assert (job.done, job.moved, job.is_over) == (8, 8, True)
    assert DueTimeChange.objects.count() == 8
    assert_nothing_is_left_to_move(queue)


def test_the_calendar_changes_while_it_runs(queue: Queue) -> None:
    for hours in HOURS:
        choose(queue, policy(f"Of {hours}", 1020 + len(str(hours)) * HOURS.index(hours)))
        together(work, lambda hours=hours: open_by(hours), work)
        assert_nothing_is_left_to_move(queue)


def test_two_leads_choose_while_it_runs(queue: Queue) -> None:
    chosen = [policy("Two days", 1020), policy("Three days", 1530), policy("An hour", 60)]
    choose(queue, chosen[0])
    together(work, lambda: choose(queue, chosen[1]), lambda: choose(queue, chosen[2]), work)
    assert_nothing_is_left_to_move(queue)


def test_a_choice_waits_for_nobody_who_has_an_answer_in_hand(queue: Queue) -> None:
    some = list(ReviewItem.objects.order_by("pk").values_list("pk", flat=True)[:2])
    ReviewItem.objects.exclude(pk__in=some).update(state="decided")
    has_it, is_chosen = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            ReviewItem.objects.select_for_update().get(pk=some[0])
            has_it.set()
            assert is_chosen.wait(LONGEST_SECONDS)
            # As a claim does in a queue that takes few at a time.
            Queue.objects.select_for_update(no_key=True).get(pk=queue.pk)

    def choose_meanwhile() -> None:
        assert has_it.wait(LONGEST_SECONDS)
        choose(queue, policy("Two days", 1020))
        is_chosen.set()

    together(hold, choose_meanwhile)
    assert Retiming.objects.filter(finished_at=None, total=2).exists()
    assert_nothing_is_left_to_move(queue)


def test_answers_are_claimed_and_come_while_it_runs(queue: Queue) -> None:
    people = [make_member(queue) for _ in range(3)]
    longer = policy("Two days", 1020)

    def claim(person: Any) -> Act:
        return lambda: claim_next(actor=Actor.person(person), queue=queue, now=timezone.now())

    def come() -> None:
        stale = Queue.objects.select_related("sla__calendar").get(pk=queue.pk)
        make_item(stale, now=timezone.now())

    together(lambda: choose(queue, longer), work, *(claim(one) for one in people), come, come)
    work()
    retiming_job.catch_up(now=timezone.now())
    assert ReviewItem.objects.filter(state="claimed").count() == 3
    assert ReviewItem.objects.count() == 10
    assert_nothing_is_left_to_move(queue)
