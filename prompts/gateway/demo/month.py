"""Money in the demo organisation: budgets, shared cost, a contract, and a standing order.

The rule of shared cost is signed, booked for one month and due for the next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from governance.approvals.models import ChangeRequest
from governance.model_cards.models import Deployment
from governance.model_cards.price_changes import propose_prices
from governance.registry.models import UseCase
from prompts.gateway.demo.people import People
from telemetry.allocation import services
from telemetry.allocation.content import RuleContent
from telemetry.allocation.models import AllocationRule
from telemetry.allocation.rules import Method
from telemetry.chargeback.proposals import propose_budget
from telemetry.chargeback.rules import month_of, next_month, previous_month
from telemetry.deliveries.rules import Occasion
from telemetry.deliveries.services import create_schedule

Sign = Callable[[People, ChangeRequest, datetime], None]
TITLE = "Platform fee"
# A dozen licences are some five thousand tokens, so the first day reaches the tier.
TIER_FROM = 3_000
TIERS = (("input", "0.17"), ("output", "0.50"))
PROMISED = "0.02"


def limit(people: People, licence: UseCase, now: datetime, sign: Sign) -> None:
    """A budget of each team that stops calls, and one of the pilot that warns."""
    limits = {"legal": "0.05", "engineering": "25", "support": "40"}
    for team, limit in limits.items():
        change = propose_budget(
            actor=people.actor("owner"),
            team=people.teams[team],
            limit=Decimal(limit),
            starts_on=now.date().replace(day=1),
            reason="Agreed for the pilot",
            now=now,
        )
        sign(people, change, now)
    # What a dozen licences cost is most of it. It warns and stops nothing: the team's does.
    change = propose_budget(
        actor=people.actor("owner"),
        team=people.teams["legal"],
        use_case=licence,
        limit=Decimal("0.0029"),
        hard=False,
        starts_on=now.date().replace(day=1),
        reason="A first dozen licences",
        now=now,
    )
    sign(people, change, now)


def share_cost(people: People, now: datetime, sign: Sign) -> None:
    """The month before last is booked; last month waits for finance at its month end."""
    if AllocationRule.objects.exists():
        return
    finance = people.actor("finance")
    last = previous_month(month_of(now.date()))
    content = RuleContent(
        starts_on=previous_month(last),
        method=Method.COST,
        amount=Decimal("120.00"),
        note="What the gateway and its people cost a month",
    )
    change = services.propose_rule(
        actor=finance,
        content=content,
        reason="Who uses the platform pays for it, by what their calls cost.",
        now=now,
        title=TITLE,
    )
    sign(people, change, now)
    rule = AllocationRule.objects.get()
    services.book(actor=finance, rule_id=rule.pk, period=previous_month(last), now=now)


def agree(people: People, local: Deployment, now: datetime, sign: Sign) -> None:
    """The local model is cheaper above so many tokens a month, for spending promised ahead."""
    ends_on = next_month(next_month(now.date())) - timedelta(days=1)
    change = propose_prices(
        actor=people.actor("ml_engineer"),
        deployment=local,
        prices=[
            {"kind": kind, "amount": amount, "from_tokens": TIER_FROM} for kind, amount in TIERS
        ],
        starts_on=now.date(),
        source="Contract with this machine's operator: hours bought ahead",
        reason="We use it every day; bought ahead, an hour is cheaper.",
        commitment={"amount": PROMISED, "ends_on": ends_on},
        now=now,
    )
    sign(people, change, now)


def order_statement(people: People, now: datetime) -> None:
    """Finance gets engineering's statement when its month is closed.

    Turned off: no mail is set up where a demo runs, and nothing of it leaves the machine.
    """
    create_schedule(
        actor=people.actor("finance"),
        team=people.teams["engineering"],
        format="pdf",
        occasion=Occasion.CLOSE,
        day=None,
        time_zone="Europe/Amsterdam",
        recipient=people.users["finance"].email,
        endpoint=None,
        now=now,
        is_active=False,
    )
