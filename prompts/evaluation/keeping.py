"""Cases follow the call that they were made from: retention, legal holds and erasure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from prompts.evaluation.models import EvaluationCase
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed


def count_cases(calls: QuerySet[Call]) -> int:
    return _whole().filter(call__in=calls).count()


def erase_cases(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return _empty(_whole().filter(call__in=call_ids), now)


@transaction.atomic
def destroy_due(now: datetime, most: int) -> int:
    while_no_hold_is_placed()
    due = _whole().filter(~is_held_back("call__"), keep_until__lte=now)
    return _empty(due.order_by("keep_until")[:most], now)


def _whole() -> QuerySet[EvaluationCase]:
    return EvaluationCase.objects.filter(destroyed_at=None)


def _empty(cases: QuerySet[EvaluationCase], now: datetime) -> int:
    locked = cases.select_for_update(skip_locked=True, of=("self",)).values_list("pk")
    return EvaluationCase.objects.filter(pk__in=[pk for (pk,) in locked]).update(
        input_sealed=None, expectation_sealed=None, destroyed_at=now
    )
