"""Decided answers that are like this one, found by keyed marks; within the reader's queues."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from governance.access.models import User
from governance.kernel.encryption import first_key
from reviews.decisions.likeness import LEAST_SHARE, Likeness, likeness, share_alike
from reviews.decisions.models import ReviewDecision
from reviews.decisions.working_models import AnswerLikeness
from reviews.queues.models import ReviewItem
from telemetry.ledger.bodies import held_text, kept_until
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.retention import while_no_hold_is_placed

MOST_SHOWN = 5
MOST_LOOKED_AT = 100


@dataclass(frozen=True)
class Similar:
    """A decision on a like answer, and what share of the pieces both have, in percent."""

    decision: ReviewDecision
    share: int

    @property
    def is_same(self) -> bool:
        return self.share == 100


def marks_of(text: str) -> Likeness:
    return likeness(text, hmac.new(first_key(), b"answer likeness", hashlib.sha256).digest())


def keep_marks(item: ReviewItem) -> None:
    """Of a decided answer whose text is there. In the caller's transaction."""
    text = held_text(item.call)
    if not text:
        return
    marks = marks_of(text)
    AnswerLikeness.objects.get_or_create(
        item=item,
        defaults={
            "exact": marks.exact,
            "sketch": marks.sketch,
            "bands": marks.bands,
            "keep_until": kept_until(item.call, item.created_at),
        },
    )


def similar_to(item: ReviewItem, text: str, user: User) -> list[Similar]:
    """The most alike first, the very same on top; only what this person may see."""
    marks = marks_of(text)
    alike = (
        AnswerLikeness.objects.filter(Q(exact=marks.exact) | Q(bands__overlap=marks.bands))
        .filter(item__in=ReviewItem.objects.visible_to(user), item__queue=item.queue_id)
        .exclude(item__call=item.call_id)
        .order_by("-item__decided_at")
        .values_list("item_id", "exact", "sketch")[:MOST_LOOKED_AT]
    )
    shares = {
        item_id: 100 if exact == marks.exact else min(99, share_alike(sketch, marks.sketch))
        for item_id, exact, sketch in alike
    }
    decided = (
        ReviewDecision.objects.filter(
            item__in=[one for one in shares if shares[one] >= LEAST_SHARE]
        )
        .exclude(verdict="escalate")
        .filter(overturned_by=None)
        .select_related("person", "item__call", "correction")
        .defer("rationale")
    )
    found = [Similar(one, shares[one.item_id]) for one in decided]
    return sorted(found, key=lambda one: (-one.share, -one.decision.at.timestamp()))[:MOST_SHOWN]


def count_marks(calls: QuerySet[Call]) -> int:
    return AnswerLikeness.objects.filter(item__call__in=calls).count()


def erase_marks(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return AnswerLikeness.objects.filter(item__call__in=call_ids).delete()[0]


@transaction.atomic
def destroy_due_marks(now: datetime, most: int) -> int:
    while_no_hold_is_placed()
    due = AnswerLikeness.objects.filter(~is_held_back("item__call__"), keep_until__lte=now)
    found = list(due.order_by("keep_until").values_list("pk", flat=True)[:most])
    return AnswerLikeness.objects.filter(pk__in=found).delete()[0]
