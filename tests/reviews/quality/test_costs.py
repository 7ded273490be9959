"""Review time is booked once per piece of work, to the call's team, and the books agree."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed
from reviews.decisions.figures import review_hours
from reviews.quality.costs import rate_on, set_rate
from reviews.quality.models import QualitySettings, ReviewCost, ReviewRate
from reviews.quality.rules import cost_of
from reviews.queues.models import Queue
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.ledger import make_person
from tests.factories.quality import judge, make_double
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


def rated(queue: Queue, hourly: str = "54.00", starts_on: date | None = None) -> ReviewRate:
    now = timezone.now()
    return set_rate(
        actor=Actor.person(make_person("finance")),
        queue=queue,
        hourly=hourly,
        starts_on=starts_on or now.date(),
        reason="Agreed with HR.",
        now=now,
    )


def test_a_decision_books_its_seconds_to_the_team_of_the_call() -> None:
    queue = make_queue()
    rated(queue)
    item = make_item(queue)
    judge(make_member(queue), item, now=timezone.now(), seconds_spent=100)
    entry = LedgerEntry.objects.get(kind="review")
    call = Call.objects.get(pk=item.call_id)
    assert entry.amount == Decimal("1.5")
    assert (entry.call, entry.team, entry.use_case) == (call, call.team, call.use_case)
    assert (entry.source, entry.calls, call.cost) == ("review", 0, 0)
    rolled = DailyUsage.objects.get(source="review")
    assert (rolled.cost, rolled.calls) == (Decimal("1.5"), 0)
    assert verify() == []
    shown = signed_in(make_person("safety")).get(f"/calls/{call.pk}/").content.decode()
    assert "100 seconds in 1 piece of work" in shown and "1.5000" in shown


def test_hours_that_are_booked_to_calls_are_shared_out_by_no_rule() -> None:
    queue, now = make_queue(), timezone.now()
    judge(make_member(queue), make_item(queue), now=now, seconds_spent=360)
    assert review_hours(now.date().replace(day=1)) == Decimal("0.1")
    rated(queue)
    judge(make_member(queue), make_item(queue), now=now, seconds_spent=360)
    assert review_hours(now.date().replace(day=1)) == Decimal("0.1")


def test_each_slot_and_the_lead_are_booked_once() -> None:
    queue = make_double()
    rated(queue)
    agreed, disputed = make_item(queue), make_item(queue)
    people = [make_member(queue) for _ in range(2)]
    now = timezone.now()
    for person in people:
        judge(person, agreed, now=now, seconds_spent=30)
    judge(people[0], disputed, "approve", now=now, seconds_spent=40)
    judge(people[1], disputed, "reject", now=now, seconds_spent=50)
    judge(make_member(queue, "review_lead"), disputed, now=now, seconds_spent=60)
    seconds = ReviewCost.objects.order_by("entry").values_list("seconds", flat=True)
    assert list(seconds) == [30, 30, 40, 50, 60]
    assert verify() == []


def test_a_queue_without_a_rate_books_nothing() -> None:
    queue = make_queue()
    judge(make_member(queue), make_item(queue), now=timezone.now(), seconds_spent=100)
    rated(queue, starts_on=timezone.now().date() + timedelta(days=1))
    judge(make_member(queue), make_item(queue), now=timezone.now(), seconds_spent=100)
    assert LedgerEntry.objects.filter(kind="review").count() == 0


def test_the_latest_rate_holds_and_what_is_booked_stays() -> None:
    queue, today = make_queue(), timezone.now().date()
    rated(queue, "36")
    judge(make_member(queue), make_item(queue), now=timezone.now(), seconds_spent=100)
    rated(queue, "72")
    rated(queue, "99", today + timedelta(days=5))
    judge(make_member(queue), make_item(queue), now=timezone.now(), seconds_spent=100)
    booked = LedgerEntry.objects.filter(kind="review").order_by("pk")
    assert [one.amount for one in booked] == [1, 2]
    later = rate_on(queue.pk, today + timedelta(days=9))
    assert later is not None and later.hourly == 99
    assert verify() == []


@pytest.mark.parametrize("hourly", ["-1", "nothing", "NaN", "Infinity", "10001", "1.234"])
def test_what_is_no_rate(hourly: str) -> None:
    with pytest.raises(Invalid) as refused:
        rated(make_queue(), hourly)
    assert "hourly" in refused.value.fields


def test_who_sets_rates_and_from_when() -> None:
    queue, now = make_queue(), timezone.now()
    facts: dict[str, Any] = {"queue": queue, "hourly": "1", "reason": "So.", "now": now}
    with pytest.raises(NotAllowed):
        lead = Actor.person(make_member(queue, "review_lead"))
        set_rate(actor=lead, starts_on=now.date(), **facts)
    with pytest.raises(Invalid):
        yesterday = now.date() - timedelta(days=1)
        set_rate(actor=Actor.person(make_person("finance")), starts_on=yesterday, **facts)
    page = signed_in(make_person("finance")).post(
        "/reviews/rates/",
        {"queue": queue.pk, "hourly": "45", "starts_on": f"{now:%Y-%m-%d}", "reason": "Agreed."},
    )
    assert page.status_code == 302
    assert ReviewRate.objects.get().hourly == 45


def test_rates_and_costs_are_written_once_and_a_wrong_line_is_found() -> None:
    queue = make_queue()
    rated(queue)
    judge(make_member(queue), make_item(queue), now=timezone.now(), seconds_spent=100)
    for rows in (ReviewRate.objects.all(), ReviewCost.objects.all()):
        for change in (rows.delete, lambda rows=rows: rows.update(**_change(rows))):
            with pytest.raises(IntegrityError), transaction.atomic():
                change()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE ledger_ledgerentry DISABLE TRIGGER ALL")
        cursor.execute("UPDATE ledger_ledgerentry SET amount = 2 WHERE kind = 'review'")
        cursor.execute("ALTER TABLE ledger_ledgerentry ENABLE TRIGGER ALL")
    assert {one.check for one in verify()} == {"review costs", "daily usage"}


def _change(rows: Any) -> dict[str, int]:
    return {"seconds": 1} if rows.model is ReviewCost else {"hourly": 1}


def test_double_review_off_leaves_everything_as_it_was() -> None:
    queue = make_queue()
    QualitySettings.objects.create(queue=queue)
    rated(queue)
    judge(make_member(queue), make_item(queue), now=timezone.now(), seconds_spent=10)
    assert ReviewCost.objects.get().decision is not None
    call_command("verify_ledger")


@given(
    st.lists(st.integers(0, 7 * 24 * 3600), max_size=20),
    st.decimals(0, 10_000, places=2, allow_nan=False),
)
def test_rounding_never_moves_more_than_half_a_billionth(seconds: list[int], rate: Decimal) -> None:
    for one in seconds:
        assert abs(cost_of(one, rate) - rate * one / 3600) <= Decimal("0.0000000005")
    assert cost_of(3600, rate) == rate
