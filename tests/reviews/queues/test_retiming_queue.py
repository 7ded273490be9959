"""A queue that takes another SLA re-times what is open in it, in steps where that is much."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from reviews.queues import retiming_job
from reviews.queues.models import (
    BusinessCalendar,
    DueTimeChange,
    Queue,
    Retiming,
    ReviewItem,
    SlaPolicy,
)
from reviews.queues.retiming import first_times
from reviews.queues.upkeep import change_queue
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("few_are_many")]
OPENED = datetime(2026, 11, 20, 10, tzinfo=ZoneInfo("Europe/Amsterdam"))
NOW = OPENED + timedelta(hours=1)


@pytest.fixture
def queue() -> Queue:
    made = make_queue()
    for _ in range(5):
        make_item(made, now=OPENED)
    return made


def policy(name: str, minutes: int) -> SlaPolicy:
    calendar = BusinessCalendar.objects.first()
    assert calendar is not None
    return SlaPolicy.objects.create(name=name, calendar=calendar, decision_minutes=minutes)


def choose(queue: Queue, sla: SlaPolicy) -> None:
    fresh = Queue.objects.get(pk=queue.pk)
    change_queue(
        actor=Actor.system("tests"),
        queue_id=queue.pk,
        name=fresh.name,
        guideline=fresh.guideline,
        labels=fresh.labels,
        use_cases=list(fresh.use_cases.all()),
        is_default=fresh.is_default,
        escalates_to=None,
        sla=sla,
        now=NOW,
    )


def step_all(order: tuple[int, ...] = ()) -> None:
    """Steps by turns, as workers may take them, until nothing is left."""
    while pending := list(Retiming.objects.filter(finished_at=None).values_list("pk", flat=True)):
        for place in order or range(len(pending)):
            if place < len(pending):
                retiming_job.step(retiming_id=pending[place], now=NOW)


def assert_all_follow(sla: SlaPolicy) -> None:
    for item in ReviewItem.objects.all():
        assert item.sla_id == sla.pk
        assert item.due_at == first_times(sla, OPENED).due_at


def test_many_move_in_steps_that_a_crash_does_not_undo(queue: Queue) -> None:
    neighbour = make_item(make_queue("neighbour"), now=OPENED)
    came_here = make_item(queue, now=OPENED)
    ReviewItem.objects.filter(pk=came_here.pk).update(sla=policy("Of its own", 60))
    before = {one.pk: one.due_at for one in ReviewItem.objects.all()}
    ReviewItem.objects.update(steps_done=1)
    longer = policy("Two days", 1020)
    choose(queue, longer)
    assert {one.pk: one.due_at for one in ReviewItem.objects.all()} == before
    job = Retiming.objects.get()
    assert (job.queue, job.total, job.is_over) == (queue, 5, False)
    assert retiming_job.step(retiming_id=job.pk, now=NOW)
    assert ReviewItem.objects.filter(sla=longer, steps_done=0).count() == 2
    # The worker is gone; the housekeeping goes on.
    retiming_job.run_unfinished(now=NOW)
    job.refresh_from_db()
    assert (job.done, job.moved, job.failed, job.is_over) == (5, 5, 0, True)
    moved = ReviewItem.objects.filter(sla=longer)
    assert {one.due_at for one in moved} == {first_times(longer, OPENED).due_at}
    for one in (neighbour, came_here):
        one.refresh_from_db()
        assert one.due_at == before[one.pk] and one.sla_id != longer.pk
    history = DueTimeChange.objects.values_list("item", "due_before")
    assert dict(history) == {one.pk: before[one.pk] for one in moved}
    assert retiming_job.run_unfinished(now=NOW) == 0


def test_few_move_with_the_choice_and_the_job_is_kept_as_done() -> None:
    queue = make_queue()
    item = make_item(queue, now=OPENED)
    longer = policy("Two days", 1020)
    choose(queue, longer)
    item.refresh_from_db()
    assert item.due_at == first_times(longer, OPENED).due_at
    job = Retiming.objects.get()
    assert (job.done, job.total, job.moved, job.is_over) == (1, 1, 1, True)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_the_last_choice_stands_in_whatever_order_steps_come(
    queue: Queue, order: tuple[int, ...]
) -> None:
    choose(queue, policy("Two days", 1020))
    retiming_job.step(retiming_id=Retiming.objects.get().pk, now=NOW)
    choose(queue, policy("Three days", 1530))
    last = policy("One hour", 60)
    choose(queue, last)
    step_all(order)
    assert_all_follow(last)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    choices=st.lists(st.integers(0, 2), min_size=1, max_size=4),
    steps=st.lists(st.integers(0, 3), max_size=6),
)
def test_whatever_is_chosen_while_steps_run_all_follow_the_last(
    choices: list[int], steps: list[int], queue: Queue
) -> None:
    first = queue.sla
    longer, _ = SlaPolicy.objects.get_or_create(
        name="Two days", calendar=first.calendar, decision_minutes=1020
    )
    longest, _ = SlaPolicy.objects.get_or_create(
        name="Three days", calendar=first.calendar, decision_minutes=1530
    )
    offered = [first, longer, longest]
    for place, chosen in enumerate(choices):
        choose(queue, offered[chosen])
        pending = list(Retiming.objects.filter(finished_at=None).values_list("pk", flat=True))
        for one in steps[place::2]:
            if one < len(pending):
                retiming_job.step(retiming_id=pending[one], now=NOW)
    step_all()
    assert_all_follow(offered[choices[-1]])


def test_what_was_opened_in_that_moment_is_found(queue: Queue) -> None:
    old, longer = queue.sla, policy("Two days", 1020)
    choose(queue, longer)
    step_all()
    # Its transaction began before the choice and ended after it.
    late = make_item(queue, now=NOW)
    ReviewItem.objects.filter(pk=late.pk).update(sla=old)
    escalated = make_item(queue, now=NOW)
    ReviewItem.objects.filter(pk=escalated.pk).update(sla=old, escalated_at=NOW)
    assert retiming_job.catch_up(now=NOW) == 1
    assert retiming_job.catch_up(now=NOW) == 0
    late.refresh_from_db()
    escalated.refresh_from_db()
    assert (late.sla, escalated.sla) == (longer, old)
    assert late.due_at == first_times(longer, NOW).due_at


def test_a_calendar_in_which_nothing_is_due_is_refused_beside_the_sla(queue: Queue) -> None:
    narrow = BusinessCalendar.objects.create(name="A minute", hours={"0": [["09:00", "09:01"]]})
    never = SlaPolicy.objects.create(
        name="Never", calendar=narrow, decision_minutes=60 * 24 * 90, first_touch_minutes=1
    )
    with pytest.raises(Invalid) as refused:
        choose(queue, never)
    assert list(refused.value.fields) == ["sla"]
    assert not Retiming.objects.exists()


def test_the_page_goes_on_to_the_progress_and_the_settings_say_so(queue: Queue) -> None:
    lead = signed_in(make_member(queue, "review_lead"))
    longer = policy("Two days", 1020)
    assert "5 answers now" in lead.get("/reviews/answers/settings/").content.decode()
    sent = {"name": queue.name, "sla": longer.pk, "undo_seconds": 0}
    answer = lead.post("/reviews/answers/settings/", sent)
    job = Retiming.objects.get()
    assert answer.headers["Location"] == f"/reviews/calendars/retimings/{job.pk}/"
    assert "0 of 5 answers" in lead.get("/reviews/answers/settings/").content.decode()
    told = lead.get(f"/api/v1/review-retimings/{job.pk}/").json()
    assert (told["queue"], told["total"]) == ("answers", 5)
    # Any other change leads to the board, as ever.
    sent["name"] = "Answers again"
    assert lead.post("/reviews/answers/settings/", sent).headers["Location"] == "/reviews/answers/"
