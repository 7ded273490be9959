"""What may be called now, at what price, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db.models import QuerySet

from governance.model_cards.models import Deployment, ModelCard, Price
from governance.model_cards.pricing import PriceList, PriceUnknown


def prices_on(deployment: Deployment, day: date) -> PriceList:
    """The prices in force that day; raises PriceUnknown when there are none or they mix currencies."""
    return price_list(deployment, Price.objects.filter(deployment=deployment), day)


def price_list(deployment: Deployment, prices: Iterable[Price], day: date) -> PriceList:
    """Those of `prices` that are in force that day; raises PriceUnknown as `prices_on` does."""
    in_force = [price for price in prices if price.is_in_force(day)]
    currencies = {price.currency for price in in_force}
    if len(currencies) != 1:
        raise PriceUnknown(f"{deployment} has no price in one currency on {day}.")
    amounts = {price.kind: price.amount for price in in_force}
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


def deployments_with_facts() -> QuerySet[Deployment]:
    """Deployments with what `obstacles` reads of them, in two queries however many there are."""
    return Deployment.objects.select_related("card", "vendor").prefetch_related("prices")


def cards_with_author() -> QuerySet[ModelCard]:
    return ModelCard.objects.select_related("author")


@dataclass(frozen=True)
class Obstacle:
    """One reason why a deployment cannot be called, and who can do what about it."""

    code: str
    sentence: str


_STATE_SENTENCES = {
    "proposed": "It is not approved: an ML engineer proposes it and the board decides.",
    "suspended": "It is suspended: a safety officer can resume it while its approval is in force.",
    "retired": "It is retired, which is final.",
}


def obstacles(deployment: Deployment, day: date) -> list[Obstacle]:
    """Why it cannot be called that day; empty when it can. The gateway asks the same things."""
    found = []
    if deployment.replay_only:
        found.append(Obstacle("replay_only", "It prices replayed history and is never called."))
    if deployment.card.state != "approved":
        words = f"Its model card {deployment.card} is {deployment.card.state}, not approved."
        found.append(Obstacle("card_not_approved", words))
    if deployment.state in _STATE_SENTENCES:
        found.append(Obstacle(f"is_{deployment.state}", _STATE_SENTENCES[deployment.state]))
    problem = _price_problem(deployment, day)
    if problem:
        found.append(Obstacle("price_unknown", problem))
    return found


def _price_problem(deployment: Deployment, day: date) -> str:
    prices = list(deployment.prices.all())
    try:
        found = price_list(deployment, prices, day)
        found.ceiling(1, 1)
    except PriceUnknown as unknown:
        has_one = any(price.is_in_force(day) for price in prices)
        return str(unknown) if has_one else "No price holds today, and unknown is not free."
    if found.currency != settings.PLACET_CURRENCY:
        return (
            f"It is priced in {found.currency}, and the ledger is kept in "
            f"{settings.PLACET_CURRENCY}."
        )
    return ""
