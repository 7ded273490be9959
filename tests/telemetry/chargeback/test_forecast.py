"""The forecast: at least what is booked, and none from too little."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from telemetry.chargeback.forecast import forecast

TODAY, LAST = date(2026, 11, 18), date(2026, 11, 30)


def every_day(amount: str, days: int = 28) -> dict[date, Decimal]:
    return {TODAY - timedelta(days=n): Decimal(amount) for n in range(1, days + 1)}


def test_steady_days_go_on_and_leave_no_range() -> None:
    found = forecast(Decimal(17), every_day("1"), TODAY, LAST)
    assert found is not None
    assert (found.expected, found.low, found.high) == (30, 30, 30)


def test_what_today_has_cost_is_not_expected_again() -> None:
    found = forecast(Decimal("17.25"), every_day("1") | {TODAY: Decimal("0.25")}, TODAY, LAST)
    assert found is not None
    assert found.expected == 30


def test_a_dear_today_takes_nothing_from_the_days_after_it() -> None:
    found = forecast(Decimal(27), every_day("1") | {TODAY: Decimal(10)}, TODAY, LAST)
    assert found is not None
    assert found.expected == 27 + 12


def test_weekends_are_a_rate_of_their_own() -> None:
    daily = {day: cost for day, cost in every_day("1").items() if day.weekday() < 5}
    found = forecast(Decimal(12), daily, TODAY, LAST)
    assert found is not None
    assert found.expected == 12 + 9


def test_less_than_a_week_is_too_little() -> None:
    assert forecast(Decimal(1), every_day("1", 6), TODAY, LAST) is None
    assert forecast(Decimal(0), {}, TODAY, LAST) is None


@given(
    st.dictionaries(
        st.integers(0, 40).map(lambda n: TODAY - timedelta(days=n)),
        st.integers(0, 10**9).map(lambda units: Decimal(units).scaleb(-4)),
    ),
    st.integers(0, 10**9).map(lambda units: Decimal(units).scaleb(-4)),
)
def test_the_range_holds_the_expectation(daily: dict[date, Decimal], booked: Decimal) -> None:
    found = forecast(booked, daily, TODAY, LAST)
    assert found is None or booked <= found.low <= found.expected <= found.high
