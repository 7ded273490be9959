"""How wide a forecast's range must be, from how far off its method was on earlier days. Pure.

The method forecasts again from days whose continuation is known by now (rolling origin; Hyndman
and Athanasopoulos, “Forecasting: principles and practice”, 3rd ed., section 5.10). The range is
the split conformal one of these errors: of m of them, the one at place ⌈0.8·(m + 1)⌉ to both sides
(Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, “Distribution-free predictive inference for
regression”, Journal of the American Statistical Association, 2018). Each error is divided by the root of what a
day cost before it, as a sum of many calls varies by the root of its size; so a course that grows
is not judged by its small beginning. Errors of overlapping days are not independent, so what the
theory promises is measured in `tests/telemetry/chargeback/test_ranges.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal

from telemetry.chargeback.forecast import CENT, LEAST_DAYS, LOOK_BACK, WEEK, Outlook, run_rate

SHARE = Decimal("0.8")
LEAST = 4
"""Errors of which one stands at that place: of fewer, none is far enough out."""
MOST = 20
APART = 3
"""Days between two forecasts; the newest MOST of them count, so that the range follows the course."""

Expect = Callable[[Sequence[Decimal], int], Decimal | None]
"""What so many days after the last of the costs are expected to cost."""


def with_tested_range(
    found: Outlook, costs: Sequence[Decimal], days_ahead: int, expect: Expect, least_days: int
) -> Outlook:
    """The outlook with the range that its method's own errors give; as it is for too few of them.

    `costs` are what it was worked out from, `least_days` what the method needs of them.
    """
    errors, size = past_errors(costs, days_ahead, expect, least_days), _size(costs)
    if len(errors) < LEAST or not size:
        return found
    place = int((SHARE * (len(errors) + 1)).to_integral_value(ROUND_CEILING))
    half = sorted(errors)[place - 1] * size * days_ahead
    return replace(
        found,
        low=max(found.expected - half, Decimal(0)).quantize(CENT),
        high=(found.expected + half).quantize(CENT),
        tested=len(errors),
    )


def run_rate_with_tested_range(
    costs: Sequence[Decimal], today: date, days_ahead: int
) -> Outlook | None:
    """The run rate with a tested range, where there are days enough for one."""
    found = run_rate(costs, today, days_ahead)

    def expect(past: Sequence[Decimal], ahead: int) -> Decimal | None:
        then = run_rate(past, today - timedelta(days=len(costs) - len(past)), ahead)
        return then.expected if then else None

    return with_tested_range(found, costs, days_ahead, expect, LEAST_DAYS) if found else None


def past_errors(
    costs: Sequence[Decimal], days_ahead: int, expect: Expect, least_days: int
) -> list[Decimal]:
    """How far off each was, a day, by the root of a day's cost before it; the newest first.

    As many days ahead as are asked for, or as half of the days beyond the least can tell; nothing
    where that is less than a week.
    """
    spare = len(costs) - least_days
    ahead = min(days_ahead, spare // 2, spare - APART * (LEAST - 1))
    if ahead < min(days_ahead, WEEK) or ahead < 1:
        return []
    found = []
    for cut in range(len(costs) - ahead, least_days - 1, -APART)[:MOST]:
        past, size = costs[:cut], _size(costs[:cut])
        expected = expect(past, ahead) if size else None
        if expected is not None:
            came = sum(costs[cut : cut + ahead], Decimal(0))
            found.append(abs(came - expected) / (size * ahead))
    return found


def _size(costs: Sequence[Decimal]) -> Decimal:
    """The root of a day's cost in the last four weeks."""
    recent = costs[-LOOK_BACK:]
    return max(sum(recent, Decimal(0)) / max(len(recent), 1), Decimal(0)).sqrt()
