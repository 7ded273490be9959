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
from telemetry.chargeback.rules import BudgetPeriod, period_start, period_words

KIND = "new_budget"
THRESHOLDS = (80, 95)
CENT = Decimal("0.01")
SMALLEST = Decimal("0.000000001")


@transaction.atomic
def propose_budget(
    *,
    actor: Actor,
    team: Team | None,
    limit: Decimal,
    starts_on: date,
    reason: str,
    now: datetime,
    use_case: UseCase | None = None,
    hard: bool = True,
    renews: bool = True,
    soft_thresholds: Sequence[int] = THRESHOLDS,
    period: str = "month",
    carry_percent: int = 0,
) -> ChangeRequest:
    """Open the change that makes the budget of a period, in which `starts_on` is.

    Of a team, of one of its use cases, or (without a team) of the organisation.
    """
    check_can_propose(actor, team)
    if period not in list(BudgetPeriod):
        raise Invalid(
            "No budget was proposed: its period is a month, a quarter or a year.",
            fields={"period": [f"One of {', '.join(BudgetPeriod)}."]},
        )
    if use_case is not None and (team is None or use_case.team_id != team.pk):
        raise Invalid(
            f"No budget was proposed: {use_case} belongs to another team.",
            fields={"use_case": ["Choose a use case of this team."]},
        )
    facts = read_facts(
        {
            "limit": limit,
            "hard": hard,
            "renews": renews,
            "soft_thresholds": list(soft_thresholds),
            "carry_percent": carry_percent,
        }
    )
    first = period_start(period, starts_on)
    place = {"team": team, "use_case": use_case, "period": period, "starts_on": first}
    if Budget.objects.filter(**place).exists():
        raise Invalid(
            f"No budget was proposed: there is one for {use_case or team or 'the organisation'} "
            f"in {period_words(period, first)} already. Propose a new limit for it instead.",
            fields={"starts_on": [f"There is a budget for this {period} already."]},
        )
    asked, _ = BudgetProposal.objects.get_or_create(**place, defaults={"created_at": now})
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=asked.pk,
        proposal=facts,
        title=f"New budget of {asked}: {Decimal(facts['limit']):,} {facts['currency']}"[:200],
        reason=reason,
        now=now,
    )


def check_can_propose(actor: Actor, team: Team | None) -> None:
    """A team's owner proposes its own; the organisation's is for finance alone."""
    owns = team is not None and actor.may(Permission.USE_CASE_MANAGE, team)
    if not actor.may(Permission.BUDGET_MANAGE) and not owns:
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
        period=asked.period,
        starts_on=asked.starts_on,
        defaults=facts | {"limit": Decimal(facts["limit"]), "change": change, "created_at": now},
    )
    if not is_new:
        raise WrongState(
            f"No budget was made: there is one for {asked} already. "
            "Propose a new limit for it instead."
        )
    write_budget_event(actor, "budget.created", budget, now, reason=change.reason)
    renew_budgets(team_id=asked.team_id, day=min(asked.starts_on, now.date()), now=now)
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
    carry = given.get("carry_percent", 0)
    if type(carry) is not int or not 0 <= carry <= 100:
        problems["carry_percent"] = ["A whole percentage from 0 to 100."]
    if limit is None or problems:
        raise Invalid("No budget was proposed: some fields do not fit.", fields=problems)
    return {
        "limit": f"{limit:.2f}" if limit == limit.quantize(CENT) else f"{limit.normalize():f}",
        "currency": settings.PLACET_CURRENCY,
        "hard": given["hard"],
        "renews": given["renews"],
        "soft_thresholds": sorted(set(marks or [])),
        # Named only where something goes over: what was proposed before it could, stays as it is.
        **({"carry_percent": carry} if carry else {}),
    }


def _limit(given: Any) -> Decimal | None:
    try:
        limit = Decimal(str(given))
    except InvalidOperation:
        return None
    fits = limit.is_finite() and 0 <= limit < Decimal(1000000000)
    return limit if fits and limit == limit.quantize(SMALLEST) else None
