"""Notes of hand-overs follow their call: its retention, the legal holds on it, and its erasure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from reviews.board.models import HandOver
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed


def count_notes(calls: QuerySet[Call]) -> int:
    return _whole().filter(item__call__in=calls).count()


def erase_notes(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return _empty(_whole().filter(item__call__in=call_ids), now)


@transaction.atomic
def destroy_due(now: datetime, most: int) -> int:
    """Notes whose call's body is kept no longer."""
    while_no_hold_is_placed()
    due = _whole().filter(~is_held_back("item__call__"), item__call__payload__keep_until__lte=now)
    return _empty(due.order_by("pk")[:most], now)


def _whole() -> QuerySet[HandOver]:
    return HandOver.objects.filter(destroyed_at=None)


def _empty(found: QuerySet[HandOver], now: datetime) -> int:
    locked = found.select_for_update(skip_locked=True, of=("self",)).values_list("pk")
    return HandOver.objects.filter(pk__in=[pk for (pk,) in locked]).update(
        note_sealed=None, reply_sealed=None, destroyed_at=now
    )
