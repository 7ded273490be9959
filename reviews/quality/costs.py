"""What reviewing costs: seconds spent at the queue's rate, one money line per piece of work."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from reviews.decisions.models import ReviewDecision
from reviews.quality.models import Opinion, ReviewCost, ReviewRate
from reviews.quality.rules import HIGHEST_RATE, cost_of
from reviews.queues.models import Queue
from telemetry.ledger.models import Call, LedgerEntry
from telemetry.ledger.rules import EntryKind, EntrySource


def rate_on(queue_id: int, day: date) -> ReviewRate | None:
    """The rate that holds on that day: the latest to start, of those the last that was set."""
    return ReviewRate.objects.filter(queue_id=queue_id, starts_on__lte=day).first()


@transaction.atomic
def set_rate(
    *,
    actor: Actor,
    queue: Queue,
    hourly: str | Decimal,
    starts_on: date,
    reason: str,
    now: datetime,
) -> ReviewRate:
    """From that day, today or later, an hour in the queue costs so much. What is booked stays."""
    if not actor.may(Permission.PRICE_MANAGE):
        raise NotAllowed("No rate was set: finance, which keeps the prices, sets it.")
    amount, reason = _amount(hourly), reason.strip()
    if starts_on < now.date():
        raise Invalid(
            "No rate was set: what is booked stays as it is.",
            fields={"starts_on": ["Today or later."]},
        )
    if not reason or len(reason) > 300:
        raise Invalid(
            "No rate was set: say why.", fields={"reason": ["Say why in at most 300 characters."]}
        )
    before = rate_on(queue.pk, starts_on)
    made = ReviewRate.objects.create(
        queue=queue,
        hourly=amount,
        currency=settings.PLACET_CURRENCY,
        starts_on=starts_on,
        reason=reason,
        set_by=actor.user,
        set_at=now,
    )
    record(
        actor=actor,
        action="queue.rate_set",
        subject=queue,
        now=now,
        before={"hourly": f"{before.hourly:f}"} if before else None,
        after={"hourly": f"{amount:f}", "starts_on": starts_on.isoformat()},
        reason=reason,
    )
    return made


def _amount(hourly: str | Decimal) -> Decimal:
    try:
        amount = Decimal(hourly)
        fits = 0 <= amount <= HIGHEST_RATE and amount == round(amount, 2)
    except (InvalidOperation, ValueError):
        fits = False
    if not fits:
        raise Invalid(
            "No rate was set.",
            fields={"hourly": [f"An amount from 0 to {HIGHEST_RATE:,} with at most two decimals."]},
        )
    return round(amount, 2)


def book_opinion(opinion: Opinion, now: datetime) -> None:
    """In the transaction that fills the slot."""
    _book(opinion.item.call, opinion.item.queue_id, opinion.seconds_spent, now, opinion=opinion)


def book_decision(decision: ReviewDecision, now: datetime) -> None:
    """In the transaction of the decision. What filled the last slot is booked with that slot."""
    item = decision.item
    if item.opinions.filter(person=decision.person_id).exists():
        return
    _book(item.call, item.queue_id, decision.seconds_spent, now, decision=decision)


def _book(
    call: Call,
    queue_id: int,
    seconds: int,
    now: datetime,
    *,
    decision: ReviewDecision | None = None,
    opinion: Opinion | None = None,
) -> None:
    day = now.date()
    rate = rate_on(queue_id, day)
    if rate is None:
        return
    entry = LedgerEntry.objects.create(
        call=call,
        kind=EntryKind.REVIEW,
        team_id=call.team_id,
        use_case_id=call.use_case_id,
        period=day.replace(day=1),
        day=day,
        amount=cost_of(seconds, rate.hourly),
        currency=call.currency,
        source=EntrySource.REVIEW,
        description=f"{seconds} s of review at {rate.hourly:.2f} {rate.currency} an hour",
        created_at=now,
    )
    ReviewCost.objects.create(
        entry=entry, decision=decision, opinion=opinion, seconds=seconds, rate=rate
    )
