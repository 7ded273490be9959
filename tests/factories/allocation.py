"""Rules of shared cost as the engine makes them, and a provider's file."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from governance.kernel.authority import Actor
from telemetry.allocation.content import read_content
from telemetry.allocation.models import AllocationRule
from telemetry.allocation.services import KIND, make_version
from telemetry.reconciliation.forms import upload_of
from telemetry.reconciliation.models import ProviderFile
from telemetry.reconciliation.services import take_file
from tests.factories.ledger import NOW, make_person
from tests.factories.stages import decided


def make_rule(title: str = "Platform fee", **facts: Any) -> AllocationRule:
    """Signed: 100.00 a month by cost since January, or as the facts say."""
    given: dict[str, Any] = {"starts_on": "2026-01", "amount": "100", "method": "cost"} | facts
    rule, _ = AllocationRule.objects.get_or_create(
        slug=title.lower().replace(" ", "-"), defaults={"title": title, "created_at": NOW}
    )
    proposal = read_content(given).as_proposal()
    change = decided(KIND, rule.pk, make_person(), proposal=proposal, now=NOW)
    make_version(actor=Actor.system("tests"), change=change, now=NOW)
    return rule


def last_month(today: date) -> date:
    return date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, 1)


def take_provider_file(finance: Actor, period: date, now: datetime) -> ProviderFile:
    """One day of a model that nobody here knows."""
    upload = upload_of(
        provider="Provider",
        period=period,
        file_name="usage.csv",
        content=f"date,model,cost\n{period},mystery,1.5\n".encode(),
        columns={},
        decimal_comma=False,
        models={},
    )
    return take_file(actor=finance, upload=upload, now=now)[0]
