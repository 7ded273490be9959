"""Enter exchange rates, and correct one by another row. What was booked keeps its rate."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from governance.model_cards.models import ExchangeRate
from governance.model_cards.pricing import NINE_PLACES

CURRENCY = re.compile(r"[A-Z]{3}")
MOST = Decimal(1_000_000)


@transaction.atomic
def enter_rate(
    *, actor: Actor, currency: str, day: date, rate: Decimal, source: str, now: datetime
) -> ExchangeRate:
    """What one unit of `currency` is in the ledger's from that day on; one for a day."""
    _check(actor, rate, source)
    ours = settings.PLACET_CURRENCY
    if not CURRENCY.fullmatch(currency) or currency == ours:
        raise Invalid(
            "No rate was entered: name another currency by its three letters.",
            fields={"currency": [f"Three capital letters, and not {ours}."]},
        )
    if day > now.date():
        raise Invalid(
            "No rate was entered: its day has not come, and nobody knows it yet.",
            fields={"day": ["Today or earlier."]},
        )
    entered = ExchangeRate(
        currency=currency,
        to_currency=ours,
        day=day,
        rate=rate,
        source=source.strip(),
        entered_by=actor.user,
        entered_at=now,
    )
    return _written(actor, "rate.entered", entered, now)


@transaction.atomic
def correct_rate(
    *, actor: Actor, rate_id: int, rate: Decimal, source: str, now: datetime
) -> ExchangeRate:
    """Another row for the same day, which holds from now on. The first stays, and what it booked."""
    _check(actor, rate, source)
    wrong: ExchangeRate = get_or_404(ExchangeRate.objects.all(), pk=rate_id)
    if hasattr(wrong, "correction"):
        raise WrongState(
            "Nothing was corrected: this rate was corrected before. Correct the newer row."
        )
    corrected = ExchangeRate(
        currency=wrong.currency,
        to_currency=wrong.to_currency,
        day=wrong.day,
        rate=rate,
        source=source.strip(),
        corrects=wrong,
        entered_by=actor.user,
        entered_at=now,
    )
    return _written(actor, "rate.corrected", corrected, now)


def check_may_enter(actor: Actor) -> None:
    if not actor.may(Permission.PRICE_MANAGE):
        raise NotAllowed("No rate was entered: finance enters exchange rates.")


def _check(actor: Actor, rate: Decimal, source: str) -> None:
    check_may_enter(actor)
    problems: dict[str, list[str]] = {}
    fits = rate.is_finite() and 0 < rate < MOST and rate == rate.quantize(NINE_PLACES)
    if not fits:
        problems["rate"] = ["Above 0 and below 1,000,000, with at most nine decimals."]
    if not source.strip():
        problems["source"] = ["Say where the rate is published."]
    if problems:
        raise Invalid("No rate was entered: some fields do not fit.", fields=problems)


def _written(actor: Actor, action: str, row: ExchangeRate, now: datetime) -> ExchangeRate:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(
            f"No rate was entered: there is one from {row.currency} for {row.day} already. "
            "Correct that one instead."
        ) from None
    after: dict[str, Any] = {
        "currency": row.currency,
        "to": row.to_currency,
        "day": row.day,
        "rate": row.rate,
        "corrects": row.corrects_id,
    }
    record(actor=actor, action=action, subject=row, now=now, after=after, reason=row.source)
    return row
