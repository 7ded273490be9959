"""Questions follow their call: its retention, the legal holds on it, and its erasure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When

from reviews.questions.models import Question
from reviews.questions.rules import QUESTION_STATES
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed


def count_questions(calls: QuerySet[Call]) -> int:
    return _whole().filter(item__call__in=calls).count()


def erase_questions(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return _empty(_whole().filter(item__call__in=call_ids), now)


@transaction.atomic
def destroy_due(now: datetime, most: int) -> int:
    """Texts whose call's body is kept no longer."""
    while_no_hold_is_placed()
    due = _whole().filter(~is_held_back("item__call__"), item__call__payload__keep_until__lte=now)
    return _empty(due.order_by("pk")[:most], now)


def _whole() -> QuerySet[Question]:
    return Question.objects.filter(destroyed_at=None)


def _empty(questions: QuerySet[Question], now: datetime) -> int:
    """An open one lapses with its texts; its item is closed by the store of waiting items."""
    locked = questions.select_for_update(skip_locked=True, of=("self",)).values_list("pk")
    lapsed = QUESTION_STATES.target("open", "lapse")
    return Question.objects.filter(pk__in=[pk for (pk,) in locked]).update(
        text_sealed=None,
        answer_sealed=None,
        destroyed_at=now,
        state=Case(When(state="open", then=Value(lapsed)), default=F("state")),
        ended_at=Case(When(state="open", then=Value(now)), default=F("ended_at")),
    )
