"""The forecast plays a queue as a queue behaves, the same every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.board.forecast import (
    FEWEST_DECISIONS,
    HORIZONS,
    Clock,
    Rates,
    finished,
    forecast,
)

dues = st.lists(st.floats(0.01, 30), max_size=30)


def medians(due: list[float], rates: Rates) -> list[int]:
    return [one.median for one in forecast(due, rates, 4)]


def test_nobody_decides() -> None:
    """Every answer that is due within the horizon passes its time."""
    assert medians([1, 5, 7.9, 20, 25], Rates(0, 0, 80)) == [1, 3, 4]


def test_decided_at_once() -> None:
    assert medians([0.5, 1, 2] * 5, Rates(80, 10**9, 80)) == [0, 0, 0]


def test_a_busy_queue_falls_behind_and_says_by_how_much() -> None:
    """One an hour is decided, three come: after the SLA of four hours two of three are late."""
    day = forecast([], Rates(300, 100, 100), 4)[-1]
    assert day.hours == 24
    assert 30 < day.low <= day.median <= day.high < 75


@settings(max_examples=25, deadline=None)
@given(dues, st.integers(0, 400), st.integers(0, 400))
def test_it_is_reproducible_ordered_and_grows_with_the_horizon(
    due: list[float], arrived: int, decided: int
) -> None:
    rates = Rates(arrived, decided, 100)
    found = forecast(due, rates, 4)
    assert found == forecast(list(reversed(due)), rates, 4)
    assert all(0 <= one.low <= one.median <= one.high for one in found)
    assert [one.hours for one in found] == list(HORIZONS)
    assert sorted(one.median for one in found) == [one.median for one in found]


@settings(max_examples=25, deadline=None)
@given(dues, st.integers(0, 400))
def test_more_decisions_never_mean_more_breaches(due: list[float], decided: int) -> None:
    slow, fast = Rates(0, decided, 100), Rates(0, decided + 100, 100)
    pairs = zip(medians(due, fast), medians(due, slow), strict=True)
    assert all(quick <= late for quick, late in pairs)


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 5)), min_size=1, max_size=30),
)
def test_one_after_another_is_what_a_plain_loop_does(jobs: list[tuple[float, float]]) -> None:
    came = np.array([[one for one, _ in jobs]])
    takes = np.array([[two for _, two in jobs]])
    done, expected = 0.0, []
    for at, takes_hours in jobs:
        done = max(done, at) + takes_hours
        expected.append(done)
    assert finished(came, takes)[0] == pytest.approx(expected)


def test_business_hours_leave_out_the_night() -> None:
    monday = datetime(2026, 11, 16, 9, tzinfo=UTC)
    spans = [
        (monday + timedelta(days=day), monday + timedelta(days=day, hours=8)) for day in range(3)
    ]
    clock = Clock(spans)
    assert clock.hours(monday - timedelta(hours=3)) == 0
    assert clock.hours(monday + timedelta(hours=2)) == 2
    assert clock.hours(monday + timedelta(hours=20)) == 8
    assert clock.hours(monday + timedelta(days=1, hours=1)) == 9
    assert clock.before[-1] == 24


def test_too_few_decisions_say_so() -> None:
    rates = Rates(5, 3, 80)
    assert not rates.is_known
    assert rates.text == f"too few decisions: 3 of {FEWEST_DECISIONS}"
