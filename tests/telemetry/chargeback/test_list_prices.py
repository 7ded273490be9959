"""What tiers and a discount were worth, model by model, with the prices that made it so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from governance.model_cards.models import Price
from telemetry.chargeback.list_prices import priced_lines
from tests.factories.ledger import (
    NOW,
    make_deployment,
    make_person,
    make_settled,
    make_team,
    make_use_case,
)

pytestmark = pytest.mark.django_db
MONTH = date(2026, 11, 1)


def test_list_booked_and_why() -> None:
    use_case, plain, agreed = (
        make_use_case(make_team("legal")),
        make_deployment(),
        make_deployment(),
    )
    for kind, amount, tokens in (("discount", "10", 0), ("input", "1", 1000)):
        Price.objects.create(
            deployment=agreed,
            kind=kind,
            amount=Decimal(amount),
            currency="USD",
            starts_on=MONTH,
            from_tokens=tokens,
        )
    make_settled(use_case, deployment=plain, amount="0.00035", now=NOW)
    for _ in range(2):
        # 100 in at 2.50 and 10 out at 10.00 by the million, a tenth off.
        make_settled(use_case, deployment=agreed, amount="0.000315", now=NOW)
    [line] = priced_lines(use_case.team, MONTH)
    assert (line.listed, line.booked) == (Decimal("0.0007"), Decimal("0.00063"))
    assert line.because == [
        "10 % off, since 2026-11-01",
        "input at 1 USD a million tokens from 1,000 tokens a month on, since 2026-11-01",
    ]
    client = Client()
    client.force_login(make_person("owner", use_case.team))
    page = client.get("/chargeback/legal/2026-11/").text
    assert "Tiers and discounts in this month" in page
    assert "0.000070000 USD" in page
    other = make_use_case(make_team("support"))
    make_settled(other, deployment=plain, now=NOW)
    client.force_login(make_person("owner", other.team))
    assert "Tiers and discounts" not in client.get("/chargeback/support/2026-11/").text
