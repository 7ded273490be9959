"""Corrections follow their call: its retention, the legal holds on it, and its erasure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from reviews.decisions import undoing
from reviews.decisions.models import Correction
from reviews.decisions.rules import PendingState
from reviews.decisions.working_models import PendingDecision
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed


def count_corrections(calls: QuerySet[Call]) -> int:
    return _whole().filter(decision__item__call__in=calls).count()


def erase_corrections(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return _empty(_whole().filter(decision__item__call__in=call_ids), now)


@transaction.atomic
def destroy_due(now: datetime, most: int) -> int:
    while_no_hold_is_placed()
    due = _whole().filter(~is_held_back("decision__item__call__"), keep_until__lte=now)
    return _empty(due.order_by("keep_until")[:most], now)


def count_pending(calls: QuerySet[Call]) -> int:
    return PendingDecision.objects.filter(text_sealed__isnull=False, item__call__in=calls).count()


def erase_pending(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return undoing.lapse_of_calls(call_ids, now)


@transaction.atomic
def lapse_due_pending(now: datetime, most: int) -> int:
    """Those whose call's texts were destroyed meanwhile."""
    gone = PendingDecision.objects.filter(
        state=PendingState.WAITING, item__call__payload__destroyed_at__isnull=False
    )
    return undoing.lapse_of_calls(list(gone.values_list("item__call_id", flat=True)[:most]), now)


def _whole() -> QuerySet[Correction]:
    return Correction.objects.filter(destroyed_at=None)


def _empty(corrections: QuerySet[Correction], now: datetime) -> int:
    locked = corrections.select_for_update(skip_locked=True, of=("self",)).values_list("pk")
    return Correction.objects.filter(pk__in=[pk for (pk,) in locked]).update(
        model_text_sealed=None, human_text_sealed=None, destroyed_at=now
    )
