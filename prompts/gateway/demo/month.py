"""Shared cost in the demo organisation: a signed rule, booked for one month, due for the next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from governance.approvals.models import ChangeRequest
from prompts.gateway.demo.people import People
from telemetry.allocation import services
from telemetry.allocation.content import RuleContent
from telemetry.allocation.models import AllocationRule
from telemetry.allocation.rules import Method
from telemetry.chargeback.rules import month_of, previous_month

Sign = Callable[[People, ChangeRequest, datetime], None]
TITLE = "Platform fee"


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
