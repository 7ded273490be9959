"""Forecasts worked out by a worker and kept; what pages show of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, Q, Sum

from governance.access.models import User
from governance.kernel.authority import Permission
from telemetry.chargeback.backtest import run_rate_with_tested_range
from telemetry.chargeback.forecast import MOST_DAYS, Outlook, whole_days
from telemetry.chargeback.forecast_models import Forecast
from telemetry.chargeback.models import Budget, DailyUsage
from telemetry.chargeback.rules import month_of, next_month
from telemetry.ledger.models import ZERO

LASTS = timedelta(hours=6)
"""After that, and on another day, they are worked out again."""
KEPT = ("ends_on", "as_of", "expected", "low", "high", "method", "days", "tested")

# Allocations and corrections of whole days; reviewers' time has no model either, but recurs.
BOOKED_ONCE = Q(deployment=None, source="live")

Daily = dict[date, Decimal]
Continue = Callable[[Sequence[Decimal], int], Outlook | None]


@dataclass
class _Costs:
    """Of one team and use case: live cost by day, cost by day, and what is booked this month."""

    live: Daily = field(default_factory=dict)
    all: Daily = field(default_factory=dict)
    booked: Decimal = ZERO


def are_due(now: datetime) -> bool:
    """Whether none is kept of today, or the last is too old. One query."""
    last = Forecast.objects.aggregate(at=Max("as_of"))["at"]
    return last is None or last.date() != now.date() or now - last >= LASTS


def work_out(*, now: datetime) -> int:
    """Every running budget and every part of this month that costs something; how many.

    A number of queries that does not grow with budgets, teams, use cases or calls.
    """
    # Seconds of import, and memory that only a worker is to spend.
    from telemetry.chargeback.trend import damped_trend

    today = now.date()
    costs = _costs(today)
    found = [
        *_of_budgets(costs, today, damped_trend),
        *_of_month(costs, today, damped_trend),
    ]
    for one in found:
        one.as_of = now
    with transaction.atomic():
        Forecast.objects.filter(ends_on__lte=today).delete()
        Forecast.objects.bulk_create(
            found,
            update_conflicts=True,
            unique_fields=["budget", "team", "use_case", "starts_on"],
            update_fields=KEPT,
        )
    return len(found)


def kept_of_month(
    user: User, month: date, *, team: str, use_case: str, booked: Decimal
) -> Outlook | None:
    """What is kept of a page's part of the month in the person's reach; None for nothing.

    Nothing is kept of several teams together that are not the organisation. One query.
    """
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    kept = Forecast.objects.filter(budget=None, starts_on=month)
    if not reach.everywhere:
        kept = kept.filter(team__in=reach.team_ids)
    if team:
        kept = kept.filter(team__slug=team)
    elif not use_case and reach.everywhere:
        kept = kept.filter(team=None)
    kept = kept.filter(use_case__slug=use_case) if use_case else kept.filter(use_case=None)
    found = list(kept[:2])
    return found[0].outlook(booked) if len(found) == 1 else None


def simple(
    daily: Mapping[date, Decimal], booked: Decimal, today: date, end: date
) -> Outlook | None:
    """The run rate until `end` (excluded), for where nothing is kept; None for too little."""
    found = run_rate_with_tested_range(whole_days(daily, today), today, (end - today).days)
    return found.with_booked(booked, daily.get(today, ZERO)) if found else None


def _of_budgets(
    costs: dict[tuple[int, int | None], _Costs], today: date, trend: Continue
) -> Iterable[Forecast]:
    for budget in Budget.objects.running(today).order_by("pk"):
        its = [
            one.live
            for (team, use_case), one in costs.items()
            if budget.team_id in (None, team) and budget.use_case_id in (None, use_case)
        ]
        made = _forecast(_added(its), budget.captured, today, budget.ends_on, trend)
        if made is not None:
            made.budget, made.starts_on = budget, budget.starts_on
            yield made


def _of_month(
    costs: dict[tuple[int, int | None], _Costs], today: date, trend: Continue
) -> Iterable[Forecast]:
    """The organisation, each team and each use case with what is booked to this month."""
    parts: dict[tuple[int | None, int | None], list[_Costs]] = defaultdict(list)
    for (team, use_case), one in costs.items():
        parts[None, None].append(one)
        parts[team, None].append(one)
        if use_case is not None:
            parts[team, use_case].append(one)
    end = next_month(month_of(today))
    for (whose, what), members in parts.items():
        booked = sum((one.booked for one in members), ZERO)
        made = _forecast(_added(one.all for one in members), booked, today, end, trend)
        if made is not None:
            made.team_id, made.use_case_id, made.starts_on = whose, what, month_of(today)
            yield made


def _forecast(
    daily: Daily, booked: Decimal, today: date, end: date, trend: Continue
) -> Forecast | None:
    days, ahead = whole_days(daily, today), (end - today).days
    found = trend(days, ahead) or run_rate_with_tested_range(days, today, ahead)
    if found is None:
        return None
    found = found.with_booked(booked, daily.get(today, ZERO))
    return Forecast(
        ends_on=end,
        expected=found.expected,
        low=found.low,
        high=found.high,
        method=found.method,
        days=found.days,
        tested=found.tested,
    )


def _costs(today: date) -> dict[tuple[int, int | None], _Costs]:
    """From the rollup, as far back as anything is learnt from. One query.

    Nothing is learnt from what was booked once and for no model, as a share of a platform's fee.
    """
    usage = DailyUsage.objects.filter(day__gte=today - timedelta(days=MOST_DAYS), day__lte=today)
    usage = usage | DailyUsage.objects.filter(period=month_of(today))
    marked = usage.annotate(is_once=BOOKED_ONCE).order_by()
    rows = marked.values_list("team_id", "use_case_id", "day", "period", "source", "is_once")
    found: dict[tuple[int, int | None], _Costs] = defaultdict(_Costs)
    for team, use_case, day, period, source, is_once, cost in rows.annotate(Sum("cost")):
        one = found[team, use_case]
        if not is_once:
            one.all[day] = one.all.get(day, ZERO) + cost
        if source == "live" and not is_once:
            one.live[day] = one.live.get(day, ZERO) + cost
        if period == month_of(today):
            one.booked += cost
    return found


def _added(several: Iterable[Daily]) -> Daily:
    found: Daily = {}
    for one in several:
        for day, cost in one.items():
            found[day] = found.get(day, ZERO) + cost
    return found
