"""Lines of batches follow their calls: retention, legal holds and erasure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from prompts.batches.models import BatchLine
from prompts.batches.rules import LineState
from telemetry.ledger.keeping_models import LegalHold, is_held_back
from telemetry.ledger.models import Call, Erasure

ERASED = ("erased", "What this line asks was erased, because a person asked for that.")


def count_lines(calls: QuerySet[Call]) -> int:
    return BatchLine.objects.filter(call__in=calls, body_sealed__isnull=False).count()


def erase_lines(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction. A line that waits for another try cannot run any more."""
    lines = BatchLine.objects.filter(call__in=call_ids, body_sealed__isnull=False)
    code, sentence = ERASED
    lines.filter(state=LineState.WAITING).update(
        state=LineState.FAILED, fault_code=code, fault=sentence
    )
    return lines.update(body_sealed=None)


def is_batch_held_back() -> Q:
    """Of a batch: a live legal hold covers it, or the call of one of its lines."""
    lines = BatchLine.objects.filter(batch=OuterRef("pk"), call__isnull=False)
    covering = LegalHold.objects.live().filter(
        Q(use_case=None) | Q(use_case=OuterRef("use_case_id")),
        Q(team=None) | Q(team=OuterRef("team_id")),
        Q(starts_at=None) | Q(starts_at__lte=OuterRef("created_at")),
        Q(ends_at=None) | Q(ends_at__gt=OuterRef("created_at")),
        call=None,
        end_user_hash="",
    )
    return Q(Exists(lines.filter(is_held_back("call__")))) | Q(Exists(covering))
