"""Budgets of a new month, made from the last that renew."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor
from telemetry.chargeback.models import Budget


@transaction.atomic
def renew_budgets(*, team_id: int, month: date, now: datetime) -> int:
    """Make a team's rows of `month` from its latest earlier ones that renew; how many are new.

    Locked, so that the copy is of a limit that nobody is changing: the database refuses others.
    """
    earlier = Budget.objects.filter(team_id=team_id, starts_on__lt=month)
    latest = earlier.order_by("use_case_id", "-starts_on").distinct("use_case_id")
    locked = Budget.objects.filter(pk__in=list(latest.values_list("pk", flat=True)), renews=True)
    made = 0
    for old in (
        locked.select_for_update(of=("self",)).select_related("team", "use_case").order_by("pk")
    ):
        copied = {
            "limit": old.limit,
            "currency": old.currency,
            "soft_thresholds": old.soft_thresholds,
            "hard": old.hard,
            "renews": True,
            "change_id": old.change_id,
            "created_at": now,
        }
        budget, is_new = Budget.objects.get_or_create(
            team=old.team, use_case=old.use_case, starts_on=month, defaults=copied
        )
        if is_new:
            made += 1
            write_budget_event(Actor.system("budgets"), "budget.renewed", budget, now)
    return made


def budget_content(budget: Budget) -> dict[str, Any]:
    """What people decide about a budget, for the audit log."""
    return {
        "team": budget.team.slug,
        "use_case": budget.use_case.slug if budget.use_case else None,
        "month": budget.starts_on,
        "limit": budget.limit,
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
