"""Lines of batches follow their calls: retention, legal holds and erasure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value

from prompts.batches.models import Batch, BatchLine
from prompts.batches.rules import LineState
from reviews.decisions.erasing_words import Sha256
from telemetry.ledger.keeping_models import LegalHold, is_held_back
from telemetry.ledger.models import Call, Erasure

ERASED = ("erased", "What this line asks was erased, because a person asked for that.")


WHOLE = Q(body_sealed__isnull=False) | ~Q(custom_id="")
"""Of a line: it has something that can be erased."""


def count_lines(calls: QuerySet[Call]) -> int:
    return BatchLine.objects.filter(WHOLE, call__in=calls).count()


def count_not_run(erasure: Erasure) -> int:
    """Lines about that person which have no call yet."""
    return _not_run(erasure).count()


def erase_lines(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction, and at each step also what has no call yet.

    A line that waits for its first or another try cannot run any more.
    """
    ended = BatchLine.objects.filter(WHOLE, call__in=call_ids)
    found = set(ended.values_list("pk", flat=True))
    waiting = _not_run(erasure).select_for_update(of=("self",), skip_locked=True)
    lines = BatchLine.objects.filter(pk__in=found | set(waiting.values_list("pk", flat=True)))
    code, sentence = ERASED
    lines.filter(state=LineState.WAITING).update(
        state=LineState.FAILED, fault_code=code, fault=sentence
    )
    lines.exclude(custom_id="").update(custom_id_sha256=Sha256(F("custom_id")), custom_id=Value(""))
    return lines.update(body_sealed=None)


def _not_run(erasure: Erasure) -> QuerySet[BatchLine]:
    """Uploaded before it was asked for, of no call, and not held back."""
    if not erasure.end_user_hash:
        return BatchLine.objects.none()
    lines = BatchLine.objects.filter(
        WHOLE,
        call=None,
        end_user_hash=erasure.end_user_hash,
        batch__created_at__lte=erasure.requested_at,
    )
    return lines.exclude(batch__in=Batch.objects.filter(is_batch_held_back())).exclude(
        Exists(_holds_on_person())
    )


def _holds_on_person() -> QuerySet[LegalHold]:
    """In a subquery over lines: live holds on the person whom the line is about."""
    return LegalHold.objects.live().filter(
        Q(use_case=None) | Q(use_case=OuterRef("batch__use_case_id")),
        Q(team=None) | Q(team=OuterRef("batch__team_id")),
        Q(starts_at=None) | Q(starts_at__lte=OuterRef("batch__created_at")),
        Q(ends_at=None) | Q(ends_at__gt=OuterRef("batch__created_at")),
        call=None,
        end_user_hash=OuterRef("end_user_hash"),
    )


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
