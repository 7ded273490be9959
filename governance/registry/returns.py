"""What a use case saved against what it cost: money from a metric's worth. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Saving:
    """One month of one metric: every number that the formula needs, and what comes out."""

    month: date
    baseline: Decimal
    measured: Decimal
    measured_on: date
    improvement: Decimal
    volume: Decimal
    amount: Decimal
    saved: Decimal


@dataclass(frozen=True)
class Month:
    """What was saved and booked in a month; `net` is None where nothing can be said."""

    month: date
    saved: Decimal | None
    cost: Decimal

    @property
    def net(self) -> Decimal | None:
        return None if self.saved is None else self.saved - self.cost


def improvement(baseline: Decimal, target: Decimal | None, measured: Decimal) -> Decimal:
    """How much better than the baseline, towards the target; without one less is better."""
    wants_less = target is None or target <= baseline
    return baseline - measured if wants_less else measured - baseline


def last_known(values: Sequence[tuple[date, Decimal]], end: date) -> tuple[date, Decimal] | None:
    """The last value measured before that day; values come by day."""
    before = [one for one in values if one[0] < end]
    return before[-1] if before else None


def saving(
    month: date,
    end: date,
    baseline: Decimal | None,
    target: Decimal | None,
    values: Sequence[tuple[date, Decimal]],
    volume: Decimal,
    amount: Decimal,
) -> Saving | None:
    """Measured against baseline, times volume, times worth; None when something is not known."""
    found = last_known(values, end)
    if baseline is None or found is None:
        return None
    on, measured = found
    better = improvement(baseline, target, measured)
    saved = (better * volume * amount).quantize(CENT)
    return Saving(month, baseline, measured, on, better, volume, amount, saved)


def months_before(today: date, count: int) -> list[tuple[date, date]]:
    """The last months with their first day and the day after their last, this one first."""
    found, end = [], _next_month(today)
    for _ in range(count):
        start = _month_before(end)
        found.append((start, end))
        end = start
    return found


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _month_before(first: date) -> date:
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)
