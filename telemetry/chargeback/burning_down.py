"""A budget over the days of its period: what is left after each, and where it is going."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.urls import reverse

from telemetry.alerts.models import Alert
from telemetry.alerts.services import raise_alert
from telemetry.chargeback.models import Budget, DailyUsage
from telemetry.chargeback.trend import LEAST_DAYS, METHOD, MOST_DAYS, outlook
from telemetry.ledger.models import ZERO


@dataclass(frozen=True)
class BurnDay:
    """What a day cost, and what was left of the whole after it."""

    day: date
    cost: Decimal
    left: Decimal


@dataclass(frozen=True)
class BurnDown:
    """The days until today, and the expected end. Without figures there is too little data."""

    budget: Budget
    days: list[BurnDay]
    known_days: int
    expected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    method: str = METHOD
    least_days: int = LEAST_DAYS

    @property
    def passes(self) -> bool:
        """Even the low end of the range is above what may be spent."""
        return self.low is not None and self.low > self.budget.whole


def burn_down(budget: Budget, today: date) -> BurnDown:
    """Two queries. The forecast is captured, plus what today and the days after it may cost."""
    daily = _daily(budget, today)
    days, left = [], budget.whole
    day = budget.starts_on
    while day <= min(today, budget.ends_on - timedelta(days=1)):
        left -= daily.get(day, ZERO)
        days.append(BurnDay(day, daily.get(day, ZERO), left))
        day += timedelta(days=1)
    known = [one for one in daily if one < today]
    if not known or not budget.starts_on <= today < budget.ends_on:
        return BurnDown(budget, days, 0)
    first = max(min(known), today - timedelta(days=MOST_DAYS))
    costs = [daily.get(first + timedelta(days=n), ZERO) for n in range((today - first).days)]
    found = outlook(costs, (budget.ends_on - today).days)
    if found is None:
        return BurnDown(budget, days, len(costs))
    # What today cost already is in both: it is not expected again.
    booked = budget.captured - min(daily.get(today, ZERO), budget.captured)
    return BurnDown(
        budget,
        days,
        len(costs),
        max(booked + found.expected, budget.captured),
        max(booked + found.low, budget.captured),
        max(booked + found.high, budget.captured),
    )


def _daily(budget: Budget, today: date) -> dict[date, Decimal]:
    """Live cost by day, from before the period where there is some: weekdays are learnt there."""
    since = min(budget.starts_on, today - timedelta(days=MOST_DAYS))
    usage = DailyUsage.objects.filter(source="live", day__gte=since, day__lte=today)
    if budget.team_id is not None:
        usage = usage.filter(team=budget.team_id)
    if budget.use_case_id is not None:
        usage = usage.filter(use_case=budget.use_case_id)
    return dict(usage.order_by().values_list("day").annotate(Sum("cost")))


def watch_budgets(*, now: datetime) -> int:
    """Raise the alert of each running budget that will not last, once; how many are new."""
    new = 0
    running = Budget.objects.running(now.date()).select_related("team", "use_case")
    for budget in running.order_by("pk"):
        cause = f"budget-forecast:{budget.pk}"
        if Alert.objects.filter(cause=cause).exists():
            continue
        found = burn_down(budget, now.date())
        if not found.passes:
            continue
        with transaction.atomic():
            raise_alert(
                cause=cause,
                title=f"{budget}: {found.low:,.2f} {budget.currency} or more by the end, "
                f"of {budget.whole:,.2f}",
                severity="warning",
                now=now,
                url=reverse("chargeback:budget", args=[budget.pk]),
                team=budget.team,
            )
        new += 1
    return new
