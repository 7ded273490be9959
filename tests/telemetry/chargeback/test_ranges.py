"""Ranges that hold: of 80 % of held-out months on seeded courses, and none from too few days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.chargeback.backtest import (
    APART,
    LEAST,
    MOST,
    past_errors,
    run_rate_with_tested_range,
    with_tested_range,
)
from telemetry.chargeback.forecast import TREND_DAYS, Method, Outlook
from telemetry.chargeback.trend import damped_trend
from tests.telemetry.chargeback.test_trend import MONDAY, WEEK, course

Costs = list[Decimal]
Forecasting = Callable[[Costs, date, int], Outlook | None]


def uneven(name: str, seed: int) -> Costs:
    """Twenty weeks whose days are not independent, or not of one kind."""
    luck, days = np.random.default_rng(seed), np.arange(140)
    week = np.array(WEEK)[days % 7]
    if name == "wandering":
        values = 100 * week * np.exp(np.cumsum(luck.normal(0, 0.03, 140)))
    elif name == "noisy":
        values = 100 * week * luck.lognormal(0, 0.4, 140)
    elif name == "few calls":
        values = np.array([luck.gamma(1.5, 1, luck.poisson(3 * one)).sum() for one in week])
    else:
        values = 100 * week * luck.lognormal(0, 0.1, 140) / (1 + np.exp(-(days - 60) / 12))
    return [Decimal(f"{value:.6f}") for value in values]


REGULAR = ("steady", "growth", "decline", "shift")
UNEVEN = ("wandering", "noisy", "few calls", "beginning")


def months(costs: Costs) -> Iterator[tuple[Costs, date, int, Decimal]]:
    """From every tenth day on until its month's end: what was known, and what came."""
    for cut in range(33, len(costs), 10):
        day = MONDAY + timedelta(days=cut)
        ahead = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - day).days
        if ahead > 2 and cut + ahead <= len(costs):
            yield costs[:cut], day, ahead, sum(costs[cut : cut + ahead], Decimal(0))


def held(forecasting: Forecasting, courses: Sequence[Costs]) -> float:
    """The share of months that came to lie in the range."""
    hits = []
    for costs in courses:
        for past, day, ahead, came in months(costs):
            found = forecasting(past, day, ahead)
            assert found is not None
            hits.append(found.low <= came <= found.high)
    return sum(hits) / len(hits)


@pytest.mark.parametrize(
    ("method", "least", "most"),
    [
        (lambda costs, day, ahead: damped_trend(costs, ahead), 0.74, 0.88),
        # It knows no trend, so that it is off to one side wherever there is one.
        (run_rate_with_tested_range, 0.66, 0.88),
    ],
    ids=["trend", "run rate"],
)
def test_eight_months_of_ten_come_to_lie_in_the_range(
    method: Forecasting, least: float, most: float
) -> None:
    regular = [course(name, 0) for name in REGULAR]
    irregular = [uneven(name, 0) for name in UNEVEN]
    print(held(method, regular + irregular), held(method, regular), held(method, irregular))
    assert least <= held(method, regular + irregular) <= most


def test_on_the_real_trace_it_holds_more_than_half() -> None:
    """An hour of calls over a hundred working days: bursts that nothing before them tells of."""
    assert held(lambda costs, day, ahead: damped_trend(costs, ahead), [course("trace", 0)]) > 0.5


def expect_nothing(costs: Sequence[Decimal], ahead: int) -> Decimal:
    return Decimal(0)


OWN = Outlook(Decimal(10), Decimal(9), Decimal(11), 30, Method.TREND)


def test_the_range_is_the_error_at_its_place() -> None:
    # Seven days are expected to cost nothing: the errors are what they cost.
    costs = [Decimal(4)] * 60
    errors = past_errors(costs, 7, expect_nothing, TREND_DAYS)
    assert errors == [Decimal(2)] * len(errors)  # 4 a day, by the root of 4
    assert len(errors) == len(range(53, TREND_DAYS - 1, -APART)) <= MOST
    found = with_tested_range(OWN, costs, 7, expect_nothing, TREND_DAYS)
    assert (found.expected, found.low, found.high) == (10, 0, 10 + 7 * 4)
    assert found.tested == len(errors)
    assert f"as wide as {found.tested} forecasts from earlier days were off" in found.words


def test_of_nineteen_errors_the_sixteenth_counts() -> None:
    level, misses = Decimal(1), iter(range(1, 20))

    def off(costs: Sequence[Decimal], ahead: int) -> Decimal:
        return level * ahead + next(misses)

    costs = [level] * (TREND_DAYS + 10 + 18 * APART)
    found = with_tested_range(OWN, costs, 10, off, TREND_DAYS)
    assert found.tested == 19
    assert found.high - found.expected == 16


@pytest.mark.parametrize(("days", "tested"), [(36, 0), (37, 4), (60, 11), (200, MOST)])
def test_a_range_needs_four_errors_of_a_week_each(days: int, tested: int) -> None:
    costs = [Decimal(4)] * days
    found = with_tested_range(OWN, costs, 7, expect_nothing, TREND_DAYS)
    assert found.tested == tested
    assert (found == OWN) == (tested == 0)
    assert tested == 0 or tested >= LEAST


def test_a_course_that_ended_keeps_the_range_of_its_method() -> None:
    costs = [Decimal(4)] * 60 + [Decimal(0)] * 28
    assert with_tested_range(OWN, costs, 7, expect_nothing, TREND_DAYS) == OWN


MONEY = st.integers(0, 10**9).map(lambda units: Decimal(units).scaleb(-4))


@settings(max_examples=200, deadline=None)
@given(st.lists(MONEY, min_size=7, max_size=80), st.integers(0, 40))
def test_whatever_the_course_the_range_holds_the_expectation(costs: Costs, ahead: int) -> None:
    found = run_rate_with_tested_range(costs, MONDAY, ahead)
    assert found is not None
    assert 0 <= found.low <= found.expected <= found.high
    assert found.tested == 0 or LEAST <= found.tested <= MOST
