"""The run rate: at least what is booked, weekends apart, and none from too little."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from telemetry.chargeback.forecast import LOOK_BACK, Method, Outlook, run_rate, whole_days

TODAY, END = date(2026, 11, 18), date(2026, 12, 1)
LEFT = (END - TODAY).days
MONEY = st.integers(-(10**6), 10**9).map(lambda units: Decimal(units).scaleb(-4))


def every_day(amount: str, days: int = 28) -> dict[date, Decimal]:
    return {TODAY - timedelta(days=n): Decimal(amount) for n in range(1, days + 1)}


def until_the_end(booked: str, daily: dict[date, Decimal]) -> Outlook:
    found = run_rate(whole_days(daily, TODAY), TODAY, LEFT)
    assert found is not None and found.method == Method.RUN_RATE
    return found.with_booked(Decimal(booked), daily.get(TODAY, Decimal(0)))


def test_steady_days_go_on_and_leave_no_range() -> None:
    found = until_the_end("17", every_day("1"))
    assert (found.expected, found.low, found.high) == (30, 30, 30)


def test_what_today_has_cost_is_not_expected_again() -> None:
    found = until_the_end("17.25", every_day("1") | {TODAY: Decimal("0.25")})
    assert found.expected == 30


def test_no_period_costs_less_than_is_booked() -> None:
    found = until_the_end("67", every_day("1") | {TODAY: Decimal(50)})
    assert (found.low, found.expected, found.high) == (67, 67, 67)


def test_weekends_are_a_rate_of_their_own() -> None:
    daily = {day: cost for day, cost in every_day("1").items() if day.weekday() < 5}
    assert until_the_end("12", daily).expected == 12 + 9


def test_what_is_longer_ago_than_four_weeks_counts_no_more() -> None:
    daily = every_day("50", 60) | every_day("1", LOOK_BACK)
    assert until_the_end("17", daily).expected == 30


def test_days_without_cost_are_days() -> None:
    days = {TODAY - timedelta(days=3): Decimal(1), TODAY: Decimal(9)}
    assert whole_days(days, TODAY) == [1, 0, 0]
    assert whole_days({TODAY: Decimal(9)}, TODAY) == []


def test_less_than_a_week_is_too_little() -> None:
    assert run_rate([Decimal(1)] * 6, TODAY, LEFT) is None
    assert run_rate([Decimal(1)] * 7, TODAY, -1) is None


@given(st.dictionaries(st.integers(0, 40).map(lambda n: TODAY - timedelta(days=n)), MONEY), MONEY)
def test_the_range_holds_the_expectation(daily: dict[date, Decimal], booked: Decimal) -> None:
    found = run_rate(whole_days(daily, TODAY), TODAY, LEFT)
    if found is None:
        return
    assert found.low <= found.expected <= found.high
    whole = found.with_booked(booked, daily.get(TODAY, Decimal(0)))
    assert booked <= whole.low <= whole.expected <= whole.high
