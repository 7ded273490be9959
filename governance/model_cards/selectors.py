"""What may be called now, at what price, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet

from governance.model_cards.models import Deployment, ExchangeRate, ModelCard, Price
from governance.model_cards.pricing import TOKEN_KINDS, PriceList, PriceUnknown, Rate

ZERO = Decimal(0)
# A month's rate holds until the next month's is entered; an older one would be a guess.
RATE_DAYS = 35


def prices_on(deployment: Deployment, day: date) -> PriceList:
    """The prices in force that day; raises PriceUnknown when there are none or they mix currencies."""
    return price_list(deployment, Price.objects.filter(deployment=deployment), day)


def booked_prices_on(deployment: Deployment, day: date) -> PriceList:
    """As `prices_on`, with the rate at which they are booked; raises PriceUnknown without one."""
    return with_rate(prices_on(deployment, day), rates_in_force(), day)


def price_list(
    deployment: Deployment, prices: Iterable[Price], day: date, *, volume: int = 0
) -> PriceList:
    """Those of `prices` that are in force that day; raises PriceUnknown as `prices_on` does.

    `volume` is how many tokens the deployment had this month before the call: of each kind the
    price of the highest tier that begins at or below it.
    """
    in_force = [price for price in prices if price.is_in_force(day) and price.from_tokens <= volume]
    currencies = {price.currency for price in in_force}
    if len(currencies) != 1:
        raise PriceUnknown(f"{deployment} has no price in one currency on {day}.")
    reached = sorted(in_force, key=lambda price: price.from_tokens)
    amounts = {price.kind: price.amount for price in reached}
    return PriceList(
        currencies.pop(),
        {kind: amounts[kind] for kind in TOKEN_KINDS if kind in amounts},
        amounts.get("per_call", ZERO),
        amounts.get("image"),
        amounts.get("discount", ZERO),
    )


def with_rate(prices: PriceList, rates: Iterable[ExchangeRate], day: date) -> PriceList:
    """The list with the day's rate, where it is in another currency than the ledger.

    Raises PriceUnknown where no rate holds: an amount is never booked at a guessed one.
    """
    ours = settings.PLACET_CURRENCY
    if prices.currency == ours:
        return prices
    found = rate_on(rates, prices.currency, day)
    if found is None:
        raise PriceUnknown(
            f"No exchange rate from {prices.currency} to {ours} holds on {day}; "
            f"one holds for {RATE_DAYS} days at most."
        )
    return replace(prices, rate=Rate(found.pk, found.rate, ours))


def rate_on(rates: Iterable[ExchangeRate], currency: str, day: date) -> ExchangeRate | None:
    """The newest of the last day that has one, as it was corrected last; none that is too old."""
    held = [one for one in rates if one.currency == currency and (day - one.day).days >= 0]
    if not held:
        return None
    newest = max(held, key=lambda one: (one.day, one.pk))
    return newest if (day - newest.day).days < RATE_DAYS else None


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


def rates_in_force() -> QuerySet[ExchangeRate]:
    """Into the ledger's currency; read when one is needed, and once for a list of deployments."""
    return ExchangeRate.objects.filter(to_currency=settings.PLACET_CURRENCY)


def obstacles(
    deployment: Deployment, day: date, rates: Iterable[ExchangeRate] | None = None
) -> list[Obstacle]:
    """Why it cannot be called that day; empty when it can. The gateway asks the same things."""
    found = []
    if deployment.replay_only:
        found.append(Obstacle("replay_only", "It prices replayed history and is never called."))
    if deployment.card.state != "approved":
        words = f"Its model card {deployment.card} is {deployment.card.state}, not approved."
        found.append(Obstacle("card_not_approved", words))
    if deployment.state in _STATE_SENTENCES:
        found.append(Obstacle(f"is_{deployment.state}", _STATE_SENTENCES[deployment.state]))
    problem = _price_problem(deployment, day, rates_in_force() if rates is None else rates)
    if problem:
        found.append(Obstacle("price_unknown", problem))
    return found


def _price_problem(deployment: Deployment, day: date, rates: Iterable[ExchangeRate]) -> str:
    prices = list(deployment.prices.all())
    try:
        found = price_list(deployment, prices, day)
        with_rate(found, rates, day).ceiling(1, 1, int(deployment.takes_images))
    except PriceUnknown as unknown:
        has_one = any(price.is_in_force(day) for price in prices)
        return str(unknown) if has_one else "No price holds today, and unknown is not free."
    return ""
