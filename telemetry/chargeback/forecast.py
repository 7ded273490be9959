"""What a period will have cost by its end, with a range: the words, and the run rate. Pure.

Two methods. The damped trend (`telemetry.chargeback.trend`) needs three weeks and seconds of
import, so a worker works it out and it is kept. The run rate needs one week and no library: pages
take it where nothing is kept yet. Each figure names the method that it comes from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

WEEK = 7
LOOK_BACK = 4 * WEEK
LEAST_DAYS = WEEK
"""Days that the run rate needs: no figure is better than a wrong one."""
TREND_DAYS = 3 * WEEK
"""Days that the damped trend needs to tell weekdays and a trend apart."""
MOST_DAYS = 26 * WEEK
Z_80 = Decimal("1.28")
CENT = Decimal("0.000001")


class Method(StrEnum):
    TREND = "trend"
    RUN_RATE = "run_rate"


METHOD_WORDS = {
    Method.TREND: "Damped trend with weekdays, fitted to the days until yesterday",
    Method.RUN_RATE: (
        "Run rate: the average working day and weekend day of the last 28 days for each day left"
    ),
}
UNTESTED = {
    Method.TREND: "the range holds the middle 80 % of what could come if days vary as they did",
    Method.RUN_RATE: "the range holds 80 % if days vary as they did",
}


@dataclass(frozen=True)
class Outlook:
    """Expected cost, and the ends of the 80 % range; `days` were learnt from.

    Of the days to come, or with what is booked of the whole period. `as_of` is when it was worked
    out, None for just now. `tested` is how many earlier forecasts the range was measured on; 0
    where there were too few, and the range is the method's own.
    """

    expected: Decimal
    low: Decimal
    high: Decimal
    days: int
    method: Method
    as_of: datetime | None = None
    tested: int = 0

    @property
    def words(self) -> str:
        range_words = (
            f"the range is as wide as {self.tested} forecasts from earlier days were off, but for "
            "the worst fifth of them"
            if self.tested
            else UNTESTED[self.method]
        )
        return f"{METHOD_WORDS[self.method]}; {range_words}."

    def with_booked(self, booked: Decimal, today: Decimal) -> Outlook:
        """Of the whole period: what is `booked`, of it `today`, which is not expected again."""
        before = booked - min(today, booked)
        return replace(
            self,
            expected=before + self.expected,
            low=before + self.low,
            high=before + self.high,
        ).at_least(booked)

    def at_least(self, booked: Decimal) -> Outlook:
        """A period never costs less than is booked to it already."""
        return replace(
            self,
            expected=max(self.expected, booked).quantize(CENT),
            low=max(self.low, booked).quantize(CENT),
            high=max(self.high, booked).quantize(CENT),
        )


def whole_days(daily: Mapping[date, Decimal], today: date) -> list[Decimal]:
    """The cost of each day from the first known one until yesterday; missing days cost nothing."""
    known = [day for day in daily if day < today]
    if not known:
        return []
    first = max(min(known), today - timedelta(days=MOST_DAYS))
    days = (first + timedelta(days=n) for n in range((today - first).days))
    return [daily.get(day, Decimal(0)) for day in days]


def run_rate(costs: Sequence[Decimal], today: date, days_ahead: int) -> Outlook | None:
    """Of `days_ahead` days from today on; `costs` end yesterday. None for less than a week.

    The average working day and weekend day. The range is plus and minus 1.28 standard deviations
    of a day, as if days were independent.
    """
    if len(costs) < LEAST_DAYS or days_ahead < 0:
        return None
    recent = list(costs[-LOOK_BACK:])
    groups: dict[bool, list[Decimal]] = {False: [], True: []}
    for number, cost in enumerate(recent):
        groups[_weekend(today - timedelta(days=len(recent) - number))].append(cost)
    ahead = Counter(_weekend(today + timedelta(days=n)) for n in range(days_ahead))
    expected = sum((_mean(groups[one]) * days for one, days in ahead.items()), Decimal(0))
    variance = sum((_variance(groups[one]) * days for one, days in ahead.items()), Decimal(0))
    spread = Z_80 * variance.sqrt()
    return Outlook(
        expected.quantize(CENT),
        min(max(expected - spread, Decimal(0)), expected).quantize(CENT),
        (expected + spread).quantize(CENT),
        len(recent),
        Method.RUN_RATE,
    )


def _weekend(day: date) -> bool:
    return day.weekday() >= 5


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def _variance(values: Sequence[Decimal]) -> Decimal:
    """Sample variance; nothing is known from fewer than two values."""
    if len(values) < 2:
        return Decimal(0)
    mean = _mean(values)
    return sum(((value - mean) ** 2 for value in values), Decimal(0)) / (len(values) - 1)
