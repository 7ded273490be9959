"""What was promised and is not used, for the month in which the promise ends."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from governance.model_cards.models import Commitment, Deployment
from telemetry.chargeback.commitments import promises_ending_in
from tests.factories.ledger import NOW, make_deployment, make_person, make_settled
from tests.factories.stages import decided

pytestmark = pytest.mark.django_db


def promised(deployment: Deployment, amount: str, until: date) -> Commitment:
    change = decided("prices", deployment.pk, make_person(), proposal={}, now=NOW)
    return Commitment.objects.create(
        deployment=deployment,
        starts_on=date(2026, 11, 1),
        ends_on=until,
        amount=Decimal(amount),
        currency="USD",
        source="Contract",
        change=change,
        created_at=NOW,
    )


def test_what_is_left_of_a_promise_is_known_when_it_ends() -> None:
    one, other = make_deployment(), make_deployment()
    first = promised(one, "10", date(2026, 11, 30))
    promised(one, "99", date(2026, 12, 1))
    used_up = promised(other, "1", date(2026, 11, 18))
    make_settled(deployment=one, amount="2.5")
    make_settled(deployment=other, amount="7")
    found = promises_ending_in(date(2026, 11, 15))
    assert {(each.commitment, each.spent, each.unused) for each in found} == {
        (first, Decimal("2.5"), Decimal("7.5")),
        (used_up, Decimal(7), Decimal(0)),
    }


def test_only_its_days_count() -> None:
    deployment = make_deployment()
    promised(deployment, "10", date(2026, 11, 17))
    make_settled(deployment=deployment, amount="2.5")
    (found,) = promises_ending_in(date(2026, 11, 1))
    assert (found.spent, found.unused) == (0, 10)
