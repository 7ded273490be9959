"""What was promised to a provider and not used: a shared cost, in the promise's own currency.

Allocation books it; this only says how much it is, for the month in which a promise ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from governance.model_cards.models import Commitment
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.rules import month_of, next_month
from telemetry.ledger.models import ZERO, LedgerEntry


@dataclass(frozen=True)
class Promise:
    """A commitment, and what live calls were priced at in its days until now."""

    commitment: Commitment
    spent: Decimal

    @property
    def unused(self) -> Decimal:
        left: Decimal = self.commitment.amount - self.spent
        return max(left, ZERO)


def promise(commitment: Commitment) -> Promise:
    return Promise(commitment, _spent(commitment))


def promises_ending_in(month: date) -> list[Promise]:
    """Those whose last day is in that month, with what is unused: for the allocation of it."""
    month = month_of(month)
    ending = Commitment.objects.filter(ends_on__gte=month, ends_on__lt=next_month(month))
    listed = ending.select_related("deployment").order_by("deployment__slug", "pk")
    return [promise(one) for one in listed]


def _spent(commitment: Commitment) -> Decimal:
    """Without tiers or rates of its own: what the ledger says these days' calls were priced at."""
    days = (commitment.starts_on, commitment.ends_on)
    facts = {"deployment": commitment.deployment_id, "day__range": days, "source": "live"}
    if commitment.currency == settings.PLACET_CURRENCY:
        found = DailyUsage.objects.filter(**facts).aggregate(sum=Sum("cost"))["sum"]
    else:
        priced = LedgerEntry.objects.filter(**facts, priced_currency=commitment.currency)
        found = priced.aggregate(sum=Sum("priced_amount"))["sum"]
    spent: Decimal = found or ZERO
    return spent
