"""What may be called now, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from governance.model_cards.models import Deployment, Price
from governance.model_cards.pricing import PriceList, PriceUnknown


def prices_on(deployment: Deployment, day: date) -> PriceList:
    """The prices in force that day; raises PriceUnknown when there are none or they mix currencies."""
    prices = [
        price
        for price in Price.objects.filter(deployment=deployment, starts_on__lte=day)
        if price.ends_on is None or price.ends_on > day
    ]
    currencies = {price.currency for price in prices}
    if len(currencies) != 1:
        raise PriceUnknown(f"{deployment} has no price in one currency on {day}.")
    amounts = {price.kind: price.amount for price in prices}
    per_call = amounts.pop("per_call", None)
    found = PriceList(currencies.pop(), amounts)
    return found if per_call is None else PriceList(found.currency, amounts, per_call)


def callable_deployments(ids: Sequence[int]) -> list[Deployment]:
    """Those that are approved under an approved card, in the order of `ids`."""
    found = Deployment.objects.select_related("card").filter(
        pk__in=ids, state="callable", card__state="approved", replay_only=False
    )
    by_id = {deployment.pk: deployment for deployment in found}
    return [by_id[one] for one in ids if one in by_id]
