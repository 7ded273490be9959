"""Budgets, and calls that pass them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from governance.access.models import Team
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.chargeback import services
from telemetry.chargeback.models import Budget
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call
from tests.factories.ledger import NOW, bill, body, make_call, make_deployment, make_use_case


def make_budget(
    team: Team,
    limit: str = "100",
    use_case: UseCase | None = None,
    starts_on: date = date(2026, 11, 1),
    **facts: Any,
) -> Budget:
    return Budget.objects.create(
        team=team,
        use_case=use_case,
        starts_on=starts_on,
        limit=Decimal(limit),
        currency="USD",
        created_at=NOW,
        **facts,
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
    services.reserve(call=call, attempt=1, amount=Decimal(held), currency="USD", now=now)
    call = ledger.start_call(call=call, now=now, deployment=deployment)
    call = ledger.settle_call(
        call=call,
        outcome=outcome,
        now=now,
        billed=[bill(deployment, amount)],
        response=body("the answer", now),
    )
    services.capture(call=call, attempt=1, amount=Decimal(amount), now=now)
    return call
