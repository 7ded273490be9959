"""Budgets of a new month, made from the last that renew."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from governance.audit.services import record
from governance.kernel.authority import Actor
from telemetry.chargeback.models import Budget
from telemetry.chargeback.rules import carried, period_starts


@transaction.atomic
def renew_budgets(*, team_id: int | None, day: date, now: datetime) -> int:
    """Make the rows of the periods that the day is in, from the latest earlier ones that renew.

    Of the team, its use cases and the organisation; how many are new. Locked, so that the copy
    is of a limit that nobody is changing (the database refuses others), and that what goes over
    is what was unused. A bill that comes later than this shows as the old one's overrun.
    """
    starts, made = period_starts(day), 0
    above = Budget.objects.filter(Q(team=team_id) | Q(team=None), renews=True, renewed=False)
    due = Q()
    for period, starts_on in starts.items():
        due |= Q(period=period, starts_on__lt=starts_on)
    locked = above.filter(due).select_for_update(of=("self",)).order_by("pk")
    for old in locked.select_related("team", "use_case"):
        made += _renewed(old, starts[old.period], now)
    return made


def _renewed(old: Budget, starts_on: date, now: datetime) -> int:
    place = Budget.objects.filter(team=old.team, use_case=old.use_case, period=old.period)
    is_latest = not place.filter(starts_on__gt=old.starts_on, starts_on__lt=starts_on).exists()
    is_new = False
    if is_latest:
        rolled = carried(old.limit, old.whole - old.used, old.carry_percent)
        copied = {
            "limit": old.limit,
            "currency": old.currency,
            "soft_thresholds": old.soft_thresholds,
            "hard": old.hard,
            "renews": True,
            "carry_percent": old.carry_percent,
            "rolled": rolled,
            "change_id": old.change_id,
            "created_at": now,
        }
        budget, is_new = place.get_or_create(
            team=old.team,
            use_case=old.use_case,
            period=old.period,
            starts_on=starts_on,
            defaults=copied,
        )
        if is_new:
            write_budget_event(Actor.system("budgets"), "budget.renewed", budget, now)
    Budget.objects.filter(pk=old.pk).update(renewed=True)
    return int(is_new)


def budget_content(budget: Budget) -> dict[str, Any]:
    """What people decide about a budget, for the audit log."""
    return {
        "team": budget.team.slug if budget.team else None,
        "use_case": budget.use_case.slug if budget.use_case else None,
        "period": budget.period,
        "month": budget.starts_on,
        "limit": budget.limit,
        "carried_over": budget.rolled,
        "currency": budget.currency,
        "hard": budget.hard,
        "soft_thresholds": budget.soft_thresholds,
    }


def write_budget_event(
    actor: Actor,
    action: str,
    budget: Budget,
    now: datetime,
    *,
    reason: str = "",
    before: dict[str, Any] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=budget,
        now=now,
        before=before,
        after=budget_content(budget),
        reason=reason,
        team_id=budget.team_id,
    )
