"""The words that reviewers wrote beside an answer: they may repeat what a person is known by.

A decision stays, with its verdict; of an erased reason the SHA-256 stays, as in the audit log.
Reasons have no retention of their own: they are kept as long as the decision is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import CharField, F, Func, QuerySet, Value

from reviews.decisions.models import ReviewDecision
from reviews.decisions.working_models import PendingDecision
from reviews.queues.models import Skip
from telemetry.ledger.models import Call, Erasure


class Sha256(Func):
    """Hexadecimal, of a text."""

    template = "encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')"
    output_field = CharField()


def erased(rows: QuerySet[Any]) -> int:
    """Empty the rationale of these rows and keep its hash; how many had one."""
    said = rows.exclude(rationale="")
    return said.update(rationale_sha256=Sha256(F("rationale")), rationale=Value(""))


def count_words(calls: QuerySet[Call]) -> int:
    return sum(found.count() for found in _words(item__call__in=calls))


def erase_words(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    decided, pending, skips = _words(item__call__in=call_ids)
    return erased(decided) + pending.update(rationale="") + skips.update(reason="")


def _words(**of_calls: Any) -> tuple[QuerySet[Any], QuerySet[Any], QuerySet[Any]]:
    return (
        ReviewDecision.objects.filter(**of_calls).exclude(rationale=""),
        PendingDecision.objects.filter(**of_calls).exclude(rationale=""),
        Skip.objects.filter(**of_calls).exclude(reason=""),
    )


def none_due(now: datetime, most: int) -> int:
    """They have no time of their own."""
    return 0
