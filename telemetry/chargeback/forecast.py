"""What the month will have cost by its end. Pure.

Method: the average cost of a working day and of a weekend day over the last 28 whole days,
times the days that are left, added to what is booked. The range is 80 %: plus and minus 1.28
standard deviations of a day, times the square root of the days left, as if days were
independent. It is simple on purpose and is labelled so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

LOOK_BACK = 28
LEAST_DAYS = 7
Z_80 = Decimal("1.28")
CENT = Decimal("0.000001")
METHOD = (
    "Booked so far, plus the average working day and weekend day of the last 28 days for the "
    "days left; the range holds 80 % if days vary as they did."
)


@dataclass(frozen=True)
class Forecast:
    """Expected cost of the whole month, and its 80 % range; `days` were looked back on."""

    expected: Decimal
    low: Decimal
    high: Decimal
    days: int
    method: str = METHOD


def forecast(
    booked: Decimal, daily: Mapping[date, Decimal], today: date, last_day: date
) -> Forecast | None:
    """`booked` this month, `daily` cost by day (missing days cost nothing); None for too little.

    Too little is a first cost less than seven whole days ago: no figure is better than a
    wrong one.
    """
    known = sorted(day for day in daily if day < today)
    if not known:
        return None
    first = max(known[0], today - timedelta(days=LOOK_BACK))
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    if len(days) < LEAST_DAYS:
        return None
    left = [today + timedelta(days=n) for n in range((last_day - today).days + 1)]
    groups = {
        is_weekend: [daily.get(day, Decimal(0)) for day in days if _weekend(day) is is_weekend]
        for is_weekend in (False, True)
    }
    # Today is partly booked already: what it still may cost is the rest of an average day.
    rest_of_today = max(_mean(groups[_weekend(today)]) - daily.get(today, Decimal(0)), Decimal(0))
    later = sum((_mean(groups[_weekend(day)]) for day in left[1:]), Decimal(0))
    expected = rest_of_today + later
    variance = sum((_variance(groups[_weekend(day)]) for day in left), Decimal(0))
    spread = Z_80 * variance.sqrt()
    return Forecast(
        (booked + expected).quantize(CENT),
        (booked + max(expected - spread, Decimal(0))).quantize(CENT),
        (booked + expected + spread).quantize(CENT),
        len(days),
    )


def _weekend(day: date) -> bool:
    return day.weekday() >= 5


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values) if values else Decimal(0)


def _variance(values: Sequence[Decimal]) -> Decimal:
    """Sample variance; nothing is known from fewer than two values."""
    if len(values) < 2:
        return Decimal(0)
    mean = _mean(values)
    return sum(((value - mean) ** 2 for value in values), Decimal(0)) / (len(values) - 1)
