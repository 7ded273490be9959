"""Two hundred calls at once against a budget for a hundred: exactly what fits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from telemetry.chargeback import holds
from telemetry.chargeback.holds import BudgetExceeded
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import Call
from tests.factories.chargeback import make_budget
from tests.factories.ledger import (
    NOW,
    make_call,
    make_deployment,
    make_team,
    make_use_case,
)

pytestmark = pytest.mark.django_db(transaction=True)
ONE = Decimal("0.01")


def at_once(work: Callable[[Call], bool], calls: list[Call], connections: int) -> list[bool]:
    """Run the work on each call, that many connections at a time, all beginning together."""
    barrier = threading.Barrier(connections)

    def run(mine: list[Call]) -> list[bool]:
        barrier.wait()
        try:
            return [work(call) for call in mine]
        finally:
            connection.close()

    parts = [calls[start::connections] for start in range(connections)]
    with ThreadPoolExecutor(connections) as pool:
        return [done for results in pool.map(run, parts) for done in results]


def reserve(call: Call) -> bool:
    try:
        holds.reserve(call=call, attempt=1, amount=ONE, currency="USD", now=NOW)
    except BudgetExceeded:
        return False
    return True


def test_two_hundred_calls_on_a_budget_for_a_hundred() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "1.00")
    make_budget(use_case.team, "5.00", use_case)
    calls = [make_call(use_case) for _ in range(200)]
    fitted = at_once(reserve, calls, 20)
    budget.refresh_from_db()
    assert sum(fitted) == 100
    assert (budget.reserved, budget.captured) == (Decimal(1), Decimal(0))
    assert Hold.objects.count() == 200
    assert verify() == []


@pytest.mark.parametrize(
    ("level", "period"),
    [
        ("use case", "quarter"),
        ("team", "year"),
        ("organisation", "month"),
        ("organisation", "year"),
    ],
)
def test_at_each_level_and_period_exactly_what_fits(level: str, period: str) -> None:
    """Two teams for the organisation's, so that its row is what they have in common."""
    starts = {"month": date(2026, 11, 1), "quarter": date(2026, 10, 1), "year": date(2026, 1, 1)}
    use_cases = [make_use_case(make_team()) for _ in range(2 if level == "organisation" else 1)]
    for one in use_cases:
        make_budget(one.team, "9.00")
    tight = make_budget(
        None if level == "organisation" else use_cases[0].team,
        "1.00",
        use_cases[0] if level == "use case" else None,
        starts[period],
        period=period,
    )
    calls = [make_call(use_cases[number % len(use_cases)]) for number in range(200)]
    fitted = at_once(reserve, calls, 20)
    tight.refresh_from_db()
    assert sum(fitted) == 100
    assert (tight.reserved, tight.left) == (Decimal(1), Decimal(0))
    assert Hold.objects.count() == 200
    assert verify() == []


def test_a_new_year_is_renewed_once_by_calls_at_once() -> None:
    use_case = make_use_case()
    old = make_budget(use_case.team, "1.00", starts_on=date(2025, 1, 1), period="year")
    calls = [make_call(use_case) for _ in range(120)]
    assert sum(at_once(reserve, calls, 20)) == 100
    old.refresh_from_db()
    assert old.renewed and old.reserved == 0
    assert Budget.objects.exclude(pk=old.pk).get().reserved == 1


def test_the_same_attempt_is_held_once_however_often_it_is_asked_for() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "1.00")
    call = make_call(use_case)
    assert all(at_once(reserve, [call] * 16, 8))
    budget.refresh_from_db()
    assert (budget.reserved, Hold.objects.count()) == (ONE, 1)


def test_capture_and_release_at_once_end_in_one_state() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "1.00")
    make_deployment()
    calls = [make_call(use_case) for _ in range(20)]
    for call in calls:
        reserve(call)

    def capture_twice(call: Call) -> bool:
        holds.capture(call=call, attempt=1, amount=Decimal("0.004"), now=NOW)
        holds.release(call=call, attempt=1, now=NOW)
        return True

    at_once(capture_twice, calls * 2, 8)
    budget.refresh_from_db()
    assert (budget.reserved, budget.captured) == (Decimal(0), Decimal("0.08"))
    assert set(Hold.objects.values_list("state", flat=True)) == {"captured"}
    assert Budget.objects.count() == 1
