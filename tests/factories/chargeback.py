"""Budgets, and calls that pass them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from governance.access.models import Team
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Actor
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.chargeback import holds, services
from telemetry.chargeback.models import Budget, BudgetProposal
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call
from tests.factories.ledger import (
    NOW,
    bill,
    body,
    make_call,
    make_deployment,
    make_person,
    make_use_case,
)
from tests.factories.stages import decided


def make_budget(
    team: Team | None,
    limit: str = "100",
    use_case: UseCase | None = None,
    starts_on: date = date(2026, 11, 1),
    **facts: Any,
) -> Budget:
    """Under a decided change, as the engine makes it; with what is used of it already."""
    used = {name: facts.pop(name) for name in ("captured", "reserved") if name in facts}
    period = facts.pop("period", "month")
    asked: dict[str, Any] = {
        "currency": "USD",
        "hard": True,
        "renews": True,
        "soft_thresholds": [80, 95],
    } | facts
    place, _ = BudgetProposal.objects.get_or_create(
        team=team,
        use_case=use_case,
        period=period,
        starts_on=starts_on,
        defaults={"created_at": NOW},
    )
    proposal = asked | {"limit": limit}
    change = decided("new_budget", place.pk, make_person(), proposal=proposal, now=NOW)
    return Budget.objects.create(
        team=team,
        use_case=use_case,
        period=period,
        starts_on=starts_on,
        limit=Decimal(limit),
        change=change,
        created_at=NOW,
        **asked,
        **used,
    )


def limit_change(budget: Budget, limit: str) -> ChangeRequest:
    """A decided change of its limit to that."""
    base = {"limit": f"{budget.limit:.2f}"}
    return decided("budget", budget.pk, make_person(), proposal={"limit": limit}, base=base)


def limit_to(budget: Budget, limit: str) -> Budget:
    """Set under a decided change."""
    return services.apply_limit(
        actor=Actor.system("tests"),
        budget=budget,
        limit=Decimal(limit),
        change=limit_change(budget, limit),
        now=NOW,
    )


def make_paid_call(
    use_case: UseCase | None = None,
    deployment: Deployment | None = None,
    *,
    held: str = "1",
    amount: str = "0.5",
    outcome: str = "deliver",
    now: datetime = NOW,
) -> Call:
    """A call that went the whole way: held, run, settled, captured."""
    use_case, deployment = use_case or make_use_case(), deployment or make_deployment()
    call = make_call(use_case, now=now)
    holds.reserve(call=call, attempt=1, amount=Decimal(held), currency="USD", now=now)
    call = ledger.start_call(call=call, now=now, deployment=deployment)
    call = ledger.settle_call(
        call=call,
        outcome=outcome,
        now=now,
        billed=[bill(deployment, amount)],
        response=body("the answer", now),
    )
    holds.capture(call=call, attempt=1, amount=Decimal(amount), now=now)
    return call
