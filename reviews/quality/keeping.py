"""Opinions' texts follow their call: its retention, the legal holds on it, and its erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from reviews.decisions.erasing_words import erased
from reviews.quality.models import CalibrationAnswer, Opinion
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed


def count_opinions(calls: QuerySet[Call]) -> int:
    return _whole().filter(item__call__in=calls).count()


def erase_opinions(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return _empty(_whole().filter(item__call__in=call_ids), now)


@transaction.atomic
def destroy_due(now: datetime, most: int) -> int:
    while_no_hold_is_placed()
    due = _whole().filter(~is_held_back("item__call__"), keep_until__lte=now)
    return _empty(due.order_by("keep_until")[:most], now)


def _whole() -> QuerySet[Opinion]:
    return Opinion.objects.filter(destroyed_at=None, text_sealed__isnull=False)


def _empty(opinions: QuerySet[Opinion], now: datetime) -> int:
    locked = opinions.select_for_update(skip_locked=True, of=("self",)).values_list("pk")
    return Opinion.objects.filter(pk__in=[pk for (pk,) in locked]).update(
        text_sealed=None, destroyed_at=now
    )


def count_words(calls: QuerySet[Call]) -> int:
    return sum(found.exclude(rationale="").count() for found in _said(calls))


def erase_words(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    calls = Call.objects.filter(pk__in=call_ids)
    return sum(erased(found) for found in _said(calls))


def _said(calls: QuerySet[Call]) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """Of slots, and of exercises: those show the call of the calibration's source."""
    return (
        Opinion.objects.filter(item__call__in=calls),
        CalibrationAnswer.objects.filter(exercise__calibration__source__call__in=calls),
    )
