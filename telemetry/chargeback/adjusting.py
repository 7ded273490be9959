"""Correct the ledger by entries that point at what they correct. Nothing is ever edited.

Up to `ALONE_UP_TO` one person of finance books it; above that a second one signs. A correction
goes to the month of what it corrects, or to the team's next open month where that is closed
(the database sees to it). Budgets are not touched: they say what calls were let through.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from governance.access.models import Team
from governance.approvals.models import ChangeRequest
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import NINE_PLACES
from governance.registry.models import UseCase
from telemetry.chargeback.adjustment_models import KINDS
from telemetry.chargeback.models import Adjustment
from telemetry.chargeback.rules import month_of
from telemetry.ledger.models import ZERO, LedgerEntry
from telemetry.ledger.rules import CallSource

KIND = "adjustment"
# In the ledger's currency. What moves more needs a second person of finance.
ALONE_UP_TO = Decimal(100)
MOST = Decimal(1_000_000_000)
LONGEST_REASON = 250


@transaction.atomic
def correct_entry(
    *,
    actor: Actor,
    entry: LedgerEntry,
    amount: Decimal,
    reason: str,
    now: datetime,
    kind: str = "adjustment",
) -> Adjustment:
    """Add `amount` to what that entry booked (below zero: take it off), by another entry.

    Raises Invalid where more would be taken off than is left of it.
    """
    _check(actor, kind, amount, reason)
    locked = LedgerEntry.objects.select_for_update(of=("self",)).get(pk=entry.pk)
    _check_left(locked, amount)
    return _ask(
        actor=actor,
        now=now,
        kind=kind,
        corrects=locked,
        team_id=locked.team_id,
        use_case_id=locked.use_case_id,
        deployment_id=locked.deployment_id,
        day=locked.day,
        amount=amount,
        reason=reason.strip(),
    )


@transaction.atomic
def adjust_day(
    *,
    actor: Actor,
    team: Team,
    day: date,
    amount: Decimal,
    reason: str,
    now: datetime,
    use_case: UseCase | None = None,
    deployment: Deployment | None = None,
    kind: str = "adjustment",
) -> Adjustment:
    """An amount that no single entry stands for, as a difference to a provider's invoice."""
    _check(actor, kind, amount, reason)
    if day > now.date():
        raise Invalid(
            "Nothing was booked: its day has not come.", fields={"day": ["Today or earlier."]}
        )
    if use_case is not None and use_case.team_id != team.pk:
        raise Invalid(
            f"Nothing was booked: {use_case} belongs to another team.",
            fields={"use_case": ["Choose a use case of this team."]},
        )
    return _ask(
        actor=actor,
        now=now,
        kind=kind,
        team_id=team.pk,
        use_case_id=use_case.pk if use_case else None,
        deployment_id=deployment.pk if deployment else None,
        day=day,
        amount=amount,
        reason=reason.strip(),
    )


def _ask(*, actor: Actor, now: datetime, **facts: Any) -> Adjustment:
    asked = Adjustment.objects.create(
        currency=settings.PLACET_CURRENCY, asked_by=actor.user, asked_at=now, **facts
    )
    if abs(asked.amount) <= ALONE_UP_TO:
        return book(actor=actor, adjustment_id=asked.pk, now=now)
    open_change(
        actor=actor,
        kind=KIND,
        subject_id=asked.pk,
        proposal={"amount": f"{asked.amount:.9f}"},
        title=f"{asked.kind.capitalize()} of {asked.amount:,.2f} {asked.currency} for {asked.team}",
        reason=asked.reason,
        now=now,
    )
    return asked


def change_of(adjustment: Adjustment) -> ChangeRequest | None:
    """The request that a second person signs; None for a small one."""
    return ChangeRequest.objects.filter(kind=KIND, subject_id=adjustment.pk).first()


@transaction.atomic
def book(*, actor: Actor, adjustment_id: int, now: datetime) -> Adjustment:
    """Write the entry. Called for a small one, and by the engine; no right is checked here."""
    adjustments = Adjustment.objects.select_for_update(of=("self",)).select_related("corrects")
    asked = adjustments.get(pk=adjustment_id)
    if asked.is_booked:
        raise WrongState("Nothing was booked: this was booked before.")
    corrected = asked.corrects
    if corrected is not None:
        # Others may have corrected it while this one waited for its signature.
        LedgerEntry.objects.select_for_update(of=("self",)).get(pk=corrected.pk)
        _check_left(corrected, asked.amount)
    asked.entry = LedgerEntry.objects.create(
        call_id=corrected.call_id if corrected else None,
        attempt=corrected.attempt if corrected else 1,
        kind=asked.kind,
        team_id=asked.team_id,
        use_case_id=asked.use_case_id,
        deployment_id=asked.deployment_id,
        period=corrected.period if corrected else month_of(asked.day),
        day=asked.day,
        amount=asked.amount,
        currency=asked.currency,
        source=corrected.source if corrected else CallSource.LIVE,
        corrects=corrected,
        description=asked.reason,
        created_at=now,
    )
    asked.entry.refresh_from_db(fields=["period"])
    asked.save(update_fields=["entry"])
    after = {
        "kind": asked.kind,
        "amount": asked.amount,
        "currency": asked.currency,
        "entry": asked.entry.pk,
        "corrects": asked.corrects_id,
        "period": asked.entry.period,
    }
    record(
        actor=actor,
        action="ledger.adjusted",
        subject=asked,
        now=now,
        after=after,
        reason=asked.reason,
        team_id=asked.team_id,
    )
    return asked


def left_of(entry: LedgerEntry) -> Decimal:
    """What an entry stands for with all that corrected it."""
    corrected: Decimal = entry.corrections.aggregate(sum=Sum("amount"))["sum"] or ZERO
    left: Decimal = entry.amount + corrected
    return left


def _check_left(entry: LedgerEntry, amount: Decimal) -> None:
    left = left_of(entry)
    # A credit may be corrected back to nothing, and not into a charge.
    is_too_much = left + amount < 0 <= entry.amount or left + amount > 0 > entry.amount
    if is_too_much:
        raise Invalid(
            f"Nothing was booked: {left.normalize():f} {entry.currency} is left of this entry, "
            "and no more than that can be taken off.",
            fields={"amount": [f"At most {abs(left).normalize():f} can be taken off."]},
        )


def check_may_adjust(actor: Actor) -> None:
    if not actor.may(Permission.STATEMENT_CLOSE):
        raise NotAllowed("Nothing was booked: finance corrects the ledger.")


def _check(actor: Actor, kind: str, amount: Decimal, reason: str) -> None:
    check_may_adjust(actor)
    problems: dict[str, list[str]] = {}
    if kind not in KINDS:
        problems["kind"] = [f"One of {', '.join(KINDS)}."]
    fits = amount.is_finite() and 0 < abs(amount) < MOST
    if not fits or amount != amount.quantize(NINE_PLACES):
        problems["amount"] = ["An amount that is not 0, with at most nine decimals."]
    elif kind == "credit" and amount > 0:
        problems["amount"] = ["A credit gives money back: below 0."]
    if not reason.strip() or len(reason.strip()) > LONGEST_REASON:
        problems["reason"] = [f"Say why, in at most {LONGEST_REASON} characters."]
    if problems:
        raise Invalid("Nothing was booked: some fields do not fit.", fields=problems)
