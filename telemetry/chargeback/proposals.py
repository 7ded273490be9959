"""Budgets that are asked for: proposed by finance or the team's owner, made by the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.db import transaction

from governance.access.models import Team
from governance.approvals.models import ChangeRequest
from governance.approvals.services import open_change
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry.models import UseCase
from telemetry.chargeback.models import Budget, BudgetProposal
from telemetry.chargeback.renewal import renew_budgets, write_budget_event
from telemetry.chargeback.rules import month_of

KIND = "new_budget"
THRESHOLDS = (80, 95)
CENT = Decimal("0.01")
SMALLEST = Decimal("0.000000001")


@transaction.atomic
def propose_budget(
    *,
    actor: Actor,
    team: Team,
    limit: Decimal,
    starts_on: date,
    reason: str,
    now: datetime,
    use_case: UseCase | None = None,
    hard: bool = True,
    renews: bool = True,
    soft_thresholds: Sequence[int] = THRESHOLDS,
) -> ChangeRequest:
    """Open the change that makes a month's budget of a team, or of one of its use cases."""
    check_can_propose(actor, team)
    if use_case is not None and use_case.team_id != team.pk:
        raise Invalid(
            f"No budget was proposed: {use_case} belongs to another team.",
            fields={"use_case": ["Choose a use case of this team."]},
        )
    facts = read_facts(
        {"limit": limit, "hard": hard, "renews": renews, "soft_thresholds": list(soft_thresholds)}
    )
    month = month_of(starts_on)
    if Budget.objects.filter(team=team, use_case=use_case, starts_on=month).exists():
        raise Invalid(
            f"No budget was proposed: there is one for {use_case or team} in {month:%B %Y} "
            "already. Propose a new limit for it instead.",
            fields={"starts_on": ["There is a budget for this month already."]},
        )
    asked, _ = BudgetProposal.objects.get_or_create(
        team=team, use_case=use_case, starts_on=month, defaults={"created_at": now}
    )
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=asked.pk,
        proposal=facts,
        title=f"New budget of {asked}: {Decimal(facts['limit']):,} {facts['currency']}"[:200],
        reason=reason,
        now=now,
    )


def check_can_propose(actor: Actor, team: Team) -> None:
    if not actor.may(Permission.BUDGET_MANAGE) and not actor.may(Permission.USE_CASE_MANAGE, team):
        raise NotAllowed(
            "Nothing was opened: a product owner of the team, or finance, proposes a budget."
        )


@transaction.atomic
def make_budget(*, actor: Actor, change: ChangeRequest, now: datetime) -> Budget:
    """What an approved change does: the budget stands from now on, with nothing used of it.

    Called by the change engine alone, so no right is checked here.
    """
    asked = BudgetProposal.objects.select_related("team", "use_case").get(pk=change.subject_id)
    facts = read_facts(change.proposal)
    # A renewal may be making the row of the same month at this moment.
    budget, is_new = Budget.objects.get_or_create(
        team=asked.team,
        use_case=asked.use_case,
        starts_on=asked.starts_on,
        defaults=facts | {"limit": Decimal(facts["limit"]), "change": change, "created_at": now},
    )
    if not is_new:
        raise WrongState(
            f"No budget was made: there is one for {asked} already. "
            "Propose a new limit for it instead."
        )
    write_budget_event(actor, "budget.created", budget, now, reason=change.reason)
    renew_budgets(team_id=asked.team_id, month=asked.starts_on, now=now)
    return budget


def read_facts(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is proposed, from facts that are not trusted; raises Invalid with all that is wrong."""
    problems: dict[str, list[str]] = {}
    limit = _limit(given.get("limit"))
    if limit is None:
        problems["limit"] = ["Between 0 and 999,999,999."]
    for name in ("hard", "renews"):
        if not isinstance(given.get(name), bool):
            problems[name] = ["Yes or no."]
    marks = given.get("soft_thresholds")
    if not isinstance(marks, list) or not all(
        type(one) is int and 1 <= one <= 100 for one in marks
    ):
        problems["soft_thresholds"] = ["Whole percentages of the limit, each from 1 to 100."]
    if given.get("currency", settings.PLACET_CURRENCY) != settings.PLACET_CURRENCY:
        problems["currency"] = [f"Budgets are kept in {settings.PLACET_CURRENCY}."]
    if limit is None or problems:
        raise Invalid("No budget was proposed: some fields do not fit.", fields=problems)
    return {
        "limit": f"{limit:.2f}" if limit == limit.quantize(CENT) else f"{limit.normalize():f}",
        "currency": settings.PLACET_CURRENCY,
        "hard": given["hard"],
        "renews": given["renews"],
        "soft_thresholds": sorted(set(marks or [])),
    }


def _limit(given: Any) -> Decimal | None:
    try:
        limit = Decimal(str(given))
    except InvalidOperation:
        return None
    fits = limit.is_finite() and 0 <= limit < Decimal(1000000000)
    return limit if fits and limit == limit.quantize(SMALLEST) else None
