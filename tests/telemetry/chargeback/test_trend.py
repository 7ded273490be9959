"""The outlook of a budget: its range, its trend, and silence from too little."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.chargeback.trend import LEAST_DAYS, outlook

COSTS = st.lists(
    st.integers(0, 10**8).map(lambda units: Decimal(units).scaleb(-4)),
    min_size=LEAST_DAYS,
    max_size=60,
)


@settings(max_examples=20, deadline=None)
@given(COSTS, st.integers(0, 40))
def test_the_range_holds_the_expectation_and_is_the_same_each_time(
    costs: list[Decimal], ahead: int
) -> None:
    found = outlook(costs, ahead)
    assert found is not None
    assert 0 <= found.low <= found.expected <= found.high
    assert found == outlook(costs, ahead)


@settings(max_examples=10, deadline=None)
@given(COSTS, st.integers(1, 9))
def test_ten_times_the_money_is_ten_times_the_outlook(costs: list[Decimal], ahead: int) -> None:
    one, ten = outlook(costs, ahead), outlook([cost * 10 for cost in costs], ahead)
    assert one is not None and ten is not None
    assert abs(ten.expected - one.expected * 10) <= Decimal("0.01") + one.expected / 50


def test_less_than_three_weeks_is_too_little() -> None:
    assert outlook([Decimal(1)] * (LEAST_DAYS - 1), 10) is None
    assert outlook([], 10) is None


def test_steady_days_go_on_and_leave_no_range() -> None:
    found = outlook([Decimal(2)] * 42, 10)
    assert found is not None
    assert found.low == found.expected == found.high == 20


def test_nothing_goes_on_as_nothing() -> None:
    found = outlook([Decimal(0)] * 30, 10)
    assert found is not None and found.high == 0


def test_weekdays_are_kept() -> None:
    week = [Decimal(n) for n in (10, 10, 10, 10, 10, 0, 0)]
    found = outlook(week * 6, 7)
    assert found is not None
    assert float(found.expected) == pytest.approx(50, rel=0.01)
    # The next five days are working days, and the two after them are not.
    five = outlook(week * 6, 5)
    assert five is not None and float(five.expected) == pytest.approx(50, rel=0.01)


def test_a_rise_goes_on_and_flattens() -> None:
    rising = [Decimal(100 + 5 * day) for day in range(56)]
    found = outlook(rising, 14)
    flat, straight = 14 * 375, sum(100 + 5 * day for day in range(56, 70))
    assert found is not None
    assert flat < found.expected < straight


def test_more_noise_is_a_wider_range() -> None:
    calm = [Decimal(100 + day % 3) for day in range(42)]
    wild = [Decimal(100 + 40 * (day * 7919 % 5 - 2)) for day in range(42)]
    narrow, wide = outlook(calm, 10), outlook(wild, 10)
    assert narrow is not None and wide is not None
    assert narrow.high - narrow.low < wide.high - wide.low
