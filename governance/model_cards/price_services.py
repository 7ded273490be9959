"""Set what tokens cost at a deployment, by hand or from litellm's table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.model_cards import price_table
from governance.model_cards.models import Deployment, Price
from governance.model_cards.rules import PRICE_KINDS


@transaction.atomic
def set_price(
    *,
    actor: Actor,
    deployment: Deployment,
    kind: str,
    amount: Decimal,
    starts_on: date,
    now: datetime,
    currency: str = "",
    source: str = "",
) -> Price:
    """A price from that day on; the one before ends on that day. Never back into the past of it."""
    _check_may_set(actor)
    if kind not in PRICE_KINDS or amount < 0 or (kind == "discount" and amount > 100):
        raise Invalid("No price was set: give a kind and an amount of zero or more.")
    # The first price of a kind has no row to lock, so the deployment is.
    locked = Deployment.objects.select_for_update(no_key=True).get(pk=deployment.pk)
    if locked.state != "proposed":
        raise WrongState(
            "No price was set: this deployment is approved, so its prices change by a change "
            "request that finance signs. Propose it."
        )
    current = deployment.prices.filter(kind=kind, from_tokens=0, ends_on=None).first()
    if current is not None and current.starts_on >= starts_on:
        raise Invalid(
            f"No price was set: one for {kind.replace('_', ' ')} holds from {current.starts_on} "
            "already. Choose a later day; booked calls keep the price they were made at.",
            fields={"starts_on": [f"Choose a day after {current.starts_on}."]},
        )
    if current is not None:
        current.ends_on = starts_on
        current.save(update_fields=["ends_on"])
    price = Price.objects.create(
        deployment=deployment,
        kind=kind,
        amount=amount,
        currency=currency or settings.PLACET_CURRENCY,
        starts_on=starts_on,
        source=source,
    )
    after = {"kind": kind, "amount": amount, "currency": price.currency, "starts_on": starts_on}
    record(actor=actor, action="price.set", subject=deployment, now=now, after=after, reason=source)
    return price


def _check_may_set(actor: Actor) -> None:
    if not actor.may(Permission.PRICE_MANAGE) and not actor.may(Permission.MODEL_AUTHOR):
        raise NotAllowed("No price was set: finance and ML engineers set prices.")


@transaction.atomic
def set_prices(
    *,
    actor: Actor,
    deployment: Deployment,
    amounts: Mapping[str, Decimal],
    starts_on: date,
    source: str,
    now: datetime,
    currency: str = "",
) -> list[Price]:
    """Several kinds from one day on: all of them, or none when one is refused."""
    if not amounts:
        raise Invalid("No price was set: give at least one amount.")
    return [
        set_price(
            actor=actor,
            deployment=deployment,
            kind=kind,
            amount=amount,
            starts_on=starts_on,
            source=source,
            now=now,
            currency=currency,
        )
        for kind, amount in amounts.items()
    ]


def import_litellm_prices(
    *, actor: Actor, deployment: Deployment, model: str, starts_on: date, now: datetime
) -> list[Price]:
    """Set every price that litellm's table knows for `model`, from that day on."""
    _check_may_set(actor)
    entry = price_table.look_up(model)
    check_currency()
    return set_prices(
        actor=actor,
        deployment=deployment,
        amounts=entry.amounts,
        starts_on=starts_on,
        source=entry.source,
        now=now,
    )


def check_currency() -> None:
    """Raise Invalid unless the table's currency is the ledger's: no rate is guessed."""
    if settings.PLACET_CURRENCY != price_table.CURRENCY:
        raise Invalid(
            f"No price was set: litellm's table is in {price_table.CURRENCY} and the ledger is "
            f"kept in {settings.PLACET_CURRENCY}. Set the prices by hand, at your own rate."
        )
