"""Prices of a deployment that is in use: proposed, decided on, then set as they were decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from governance.approvals.models import ChangeRequest
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.model_cards.models import Commitment, Deployment, Price
from governance.model_cards.pricing import NINE_PLACES, UNITS
from governance.model_cards.rates import CURRENCY
from governance.model_cards.rules import PRICE_KINDS

KIND = "prices"
MOST_AMOUNT = Decimal(1_000_000_000)
MOST_TIERS = 20
Tier = tuple[str, int]


def propose_prices(
    *,
    actor: Actor,
    deployment: Deployment,
    prices: Iterable[Mapping[str, Any]],
    starts_on: date,
    source: str,
    reason: str,
    now: datetime,
    currency: str = "",
    commitment: Mapping[str, Any] | None = None,
) -> ChangeRequest:
    """Open the change that sets these prices from a day on.

    Each price has a `kind`, an `amount` (None: the one there is ends that day) and `from_tokens`
    (0 without one). `commitment` has an `amount` and the last day, `ends_on`.
    """
    proposal = read_proposal(
        {
            "prices": [dict(one) for one in prices],
            "starts_on": starts_on.isoformat(),
            "source": source,
            "currency": currency or settings.PLACET_CURRENCY,
            "commitment": dict(commitment) if commitment else None,
        }
    )
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=deployment.pk,
        proposal=proposal,
        title=f"Prices of {deployment} from {starts_on}",
        reason=reason,
        now=now,
    )


def check_may_propose(actor: Actor) -> None:
    if not actor.may(Permission.PRICE_MANAGE) and not actor.may(Permission.MODEL_AUTHOR):
        raise NotAllowed("Nothing was opened: finance and ML engineers propose prices.")


def read_proposal(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is proposed, from facts that are not trusted; raises Invalid with all that is wrong."""
    problems: dict[str, list[str]] = {}
    prices = _prices(given.get("prices"), problems)
    starts_on = _day(given.get("starts_on"), "starts_on", problems)
    source = str(given.get("source") or "").strip()
    if not source or len(source) > 200:
        problems["source"] = ["Say where the price is written, in at most 200 characters."]
    currency = str(given.get("currency") or settings.PLACET_CURRENCY)
    if not CURRENCY.fullmatch(currency):
        problems["currency"] = ["A currency is three capital letters."]
    commitment = _commitment(given.get("commitment"), starts_on, problems)
    if not prices and commitment is None and not problems:
        problems["prices"] = ["Give at least one amount."]
    if problems:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=problems)
    return {
        "prices": prices,
        "starts_on": starts_on,
        "source": source,
        "currency": currency,
        "commitment": commitment,
    }


def _prices(given: Any, problems: dict[str, list[str]]) -> list[dict[str, Any]]:
    """In one order, so that the same prices are one proposal."""
    listed = given if isinstance(given, list) else []
    found: dict[Tier, dict[str, Any]] = {}
    for one in listed[: MOST_TIERS + 1]:
        kind = one.get("kind") if isinstance(one, dict) else None
        if kind not in PRICE_KINDS:
            problems["prices"] = [f"Each has a kind: {', '.join(PRICE_KINDS)}."]
            return []
        tier = one.get("from_tokens") or 0
        amount = _amount(one.get("amount"), kind, problems)
        if type(tier) is not int or not 0 <= tier < 10**15 or (kind, tier) in found:
            problems["prices"] = ["A tier begins at a whole number of tokens, once for each kind."]
            return []
        found[kind, tier] = {"kind": kind, "from_tokens": tier, "amount": amount}
    if len(listed) > MOST_TIERS:
        problems["prices"] = [f"At most {MOST_TIERS} at once."]
    order = {kind: place for place, kind in enumerate(PRICE_KINDS)}
    return [found[key] for key in sorted(found, key=lambda key: (order[key[0]], key[1]))]


def _amount(given: Any, kind: str, problems: dict[str, list[str]]) -> str | None:
    if given is None:
        return None
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        amount = Decimal(-1)
    most = Decimal(100) if kind == "discount" else MOST_AMOUNT
    fits = amount.is_finite() and 0 <= amount <= most
    if not fits or amount != amount.quantize(NINE_PLACES):
        words = "From 0 to 100 percent." if kind == "discount" else "At least 0."
        problems[kind] = [words]
        return None
    return f"{amount.quantize(NINE_PLACES).normalize():f}"


def _day(given: Any, name: str, problems: dict[str, list[str]]) -> str:
    try:
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        problems[name] = ["A day, as 2026-12-01."]
        return ""


def _commitment(
    given: Any, starts_on: str, problems: dict[str, list[str]]
) -> dict[str, str] | None:
    if not given:
        return None
    told = given if isinstance(given, dict) else {}
    amount = _amount(told.get("amount", ""), "commitment", problems)
    ends_on = _day(told.get("ends_on"), "commitment", problems)
    if ends_on and starts_on and ends_on < starts_on:
        problems["commitment"] = ["It ends on its first day or later."]
    if amount is not None and not Decimal(amount):
        problems["commitment"] = ["An amount above 0, or no commitment."]
    return {"amount": amount or "", "ends_on": ends_on}


def shown(prices: Iterable[Price]) -> dict[str, str]:
    """Each price as the board reads it, by what it is for."""
    return {
        label(one.kind, one.from_tokens): in_words(one.kind, one.amount, one.currency)
        for one in prices
    }


def label(kind: str, from_tokens: int) -> str:
    name = kind.replace("_", " ")
    return f"{name}, from {from_tokens:,} tokens a month" if from_tokens else name


def in_words(kind: str, amount: Decimal | str, currency: str) -> str:
    """The amount with its unit; what ends says so."""
    text = f"{Decimal(amount).normalize():f}"
    if kind == "discount":
        return f"{text} % off"
    return f"{text} {currency} per {UNITS.get(kind, 'million tokens')}"


@transaction.atomic
def apply_prices(*, actor: Actor, change: ChangeRequest, now: datetime) -> None:
    """What an approved change does. Called by the engine alone, so no right is checked here.

    The price there is ends on the first day of the new one. Days before today keep theirs
    unless nothing was priced then: what was booked is booked.
    """
    proposal = read_proposal(change.proposal)
    # The first price of a kind has no row to lock, so the deployment is.
    deployment = Deployment.objects.select_for_update(no_key=True).get(pk=change.subject_id)
    starts_on = date.fromisoformat(proposal["starts_on"])
    currency = proposal["currency"]
    for one in proposal["prices"]:
        _end(deployment, one["kind"], one["from_tokens"], starts_on)
        if one["amount"] is not None:
            Price.objects.create(
                deployment=deployment,
                kind=one["kind"],
                from_tokens=one["from_tokens"],
                amount=Decimal(one["amount"]),
                currency=currency,
                starts_on=starts_on,
                source=proposal["source"],
            )
    if proposal["commitment"]:
        Commitment.objects.create(
            deployment=deployment,
            starts_on=starts_on,
            ends_on=date.fromisoformat(proposal["commitment"]["ends_on"]),
            amount=Decimal(proposal["commitment"]["amount"]),
            currency=currency,
            source=proposal["source"],
            change=change,
            created_at=now,
        )
    _check_one_currency(deployment, starts_on)
    record(
        actor=actor,
        action="price.changed",
        subject=deployment,
        now=now,
        after=proposal,
        reason=change.reason,
    )


def _end(deployment: Deployment, kind: str, tier: int, day: date) -> None:
    rows = deployment.prices.filter(kind=kind, from_tokens=tier)
    if rows.filter(starts_on__gte=day).exists():
        raise WrongState(
            f"Nothing was set: a price for {label(kind, tier)} begins on {day} or later already. "
            "Propose a later day."
        )
    rows.filter(Q(ends_on=None) | Q(ends_on__gt=day)).update(ends_on=day)


def _check_one_currency(deployment: Deployment, day: date) -> None:
    found = {one.currency for one in deployment.prices.all() if one.is_in_force(day)}
    if len(found) > 1:
        raise WrongState(
            f"Nothing was set: {deployment} would have prices in {' and '.join(sorted(found))}. "
            "Propose every kind anew in the other currency."
        )
