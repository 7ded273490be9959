"""What a month would have cost at list prices: at the first tier, without the negotiated discount.

The ledger books what was agreed, tiers and discount with it. The difference is what agreeing
was worth; it is told beside the amounts and booked nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Sum

from governance.access.models import Team, User
from governance.model_cards.models import Deployment, Price
from governance.model_cards.pricing import UNITS, PriceUnknown, Usage
from governance.model_cards.selectors import price_list, rates_in_force, with_rate
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.what_if import Used, cost_of
from telemetry.ledger.models import ZERO

COUNTS = ("calls", "tokens_input", "tokens_cached", "tokens_output", "tokens_reasoning", "images")


class ListPrices:
    """Prices of deployments, read once; two queries."""

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self._deployments = {one.pk: one for one in deployments}
        self._prices: dict[int, list[Price]] = defaultdict(list)
        for price in Price.objects.filter(deployment__in=self._deployments):
            self._prices[price.deployment_id].append(price)
        self._rates = list(rates_in_force()) if self._deployments else []

    def agreed(self, deployment_id: int | None, day: date) -> list[Price]:
        """Discount and further tiers that are in force; without any, list and agreed are one."""
        if deployment_id is None:
            return []
        found = [
            price
            for price in self._prices[deployment_id]
            if price.is_in_force(day) and (price.from_tokens or price.kind == "discount")
        ]
        return sorted(found, key=lambda price: (price.from_tokens, price.kind))

    def since(self, deployment_id: int, day: date) -> date | None:
        """When the newest of the prices began that are in force that day."""
        found = [one.starts_on for one in self._prices[deployment_id] if one.is_in_force(day)]
        return max(found, default=None)

    def cost(self, deployment_id: int, day: date, calls: int, usage: Usage) -> Decimal | None:
        """In the ledger's currency at that day's rate; None where no list price is known."""
        deployment = self._deployments[deployment_id]
        row = Used("", "", deployment.slug, day, calls, usage, ZERO)
        try:
            prices = price_list(deployment, self._prices[deployment_id], day)
            return cost_of(with_rate(replace(prices, discount=ZERO), self._rates, day), row)
        except PriceUnknown:
            return None


@dataclass
class PricedLine:
    """A deployment's month of one team: at list prices, as agreed, and by which prices."""

    deployment: Deployment
    listed: Decimal
    booked: Decimal
    because: list[str]

    @property
    def reduction(self) -> Decimal:
        return self.listed - self.booked


class PricedTotal(NamedTuple):
    """What all lines of a month are together."""

    listed: Decimal
    booked: Decimal
    reduction: Decimal


def priced_lines(team: Team, period: date) -> list[PricedLine]:
    """Of deployments with a discount or tiers in the days of the month's usage."""
    usage = DailyUsage.objects.filter(team=team, period=period, source="live").exclude(
        deployment=None
    )
    sums = {f"sum_{name}": Sum(name) for name in (*COUNTS, "cost")}
    summed = usage.order_by("deployment", "day").values("deployment", "day").annotate(**sums)
    rows: list[dict[str, Any]] = [dict(row) for row in summed]
    deployments = Deployment.objects.in_bulk({row["deployment"] for row in rows})
    prices, lines = ListPrices(deployments.values()), dict[int, PricedLine]()
    for row in rows:
        key, day = row["deployment"], row["day"]
        agreed = prices.agreed(key, day)
        listed = prices.cost(key, day, row["sum_calls"], usage_of(row)) if agreed else None
        if listed is None:
            continue
        line = lines.setdefault(key, PricedLine(deployments[key], ZERO, ZERO, []))
        line.listed += listed
        line.booked += row["sum_cost"]
        line.because += [words for one in agreed if (words := _words(one)) not in line.because]
    return sorted(lines.values(), key=lambda line: (-line.reduction, line.deployment.name))


def priced_total(lines: Sequence[PricedLine]) -> PricedTotal:
    """Of all lines: at list prices, booked, and less by."""
    listed = sum((line.listed for line in lines), ZERO)
    booked = sum((line.booked for line in lines), ZERO)
    return PricedTotal(listed, booked, listed - booked)


def usage_of(row: dict[str, Any]) -> Usage:
    """The tokens of a row that was summed under `sum_…`, as prices count them."""
    return Usage(*(int(row[f"sum_{name}"] or 0) for name in COUNTS[1:]))


def _words(price: Price) -> str:
    amount = f"{price.amount.normalize():f}"
    if price.kind == "discount":
        words = f"{amount} % off"
    else:
        unit = UNITS.get(price.kind, "million tokens")
        words = f"{price.kind.replace('_', ' ')} at {amount} {price.currency} a {unit}"
    tier = f" from {price.from_tokens:,} tokens a month on" if price.from_tokens else ""
    return f"{words}{tier}, since {price.starts_on}"


def priced_detail(team: Team, period: date, user: User) -> dict[str, Any]:
    """For the statement's page; nothing where everything was booked at list prices."""
    lines = priced_lines(team, period)
    if not lines:
        return {}
    total, currency = priced_total(lines), settings.PLACET_CURRENCY
    return {"lines": lines, "total": total, "currency": currency}
