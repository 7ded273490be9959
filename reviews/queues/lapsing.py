"""Items whose text is no longer kept: nobody can decide on them any more, so they are closed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from governance.audit.services import record
from governance.kernel.authority import Actor
from reviews.queues.models import ReviewItem, ReviewItemQuerySet
from reviews.queues.rules import REVIEW_ITEM_STATES
from telemetry.ledger.models import Call, Erasure

SYSTEM = Actor.system("retention")


def count_open(calls: QuerySet[Call]) -> int:
    return ReviewItem.objects.open().filter(call__in=calls).count()


def lapse_of_calls(call_ids: list[UUID], erasure: Erasure, now: datetime) -> int:
    """In the caller's transaction."""
    return _lapse(ReviewItem.objects.open().filter(call__in=call_ids), now)


@transaction.atomic
def lapse_due(now: datetime, most: int) -> int:
    """Open items whose texts were destroyed; how many."""
    gone = ReviewItem.objects.open().filter(call__payload__destroyed_at__isnull=False)
    return _lapse(gone.order_by("pk")[:most], now)


def _lapse(items: ReviewItemQuerySet, now: datetime) -> int:
    found = items.select_for_update(skip_locked=True, of=("self",)).select_related("call", "queue")
    lapsed = list(found)
    for item in lapsed:
        before = {"state": item.state}
        item.state = REVIEW_ITEM_STATES.target(item.state, "expire")
        item.decided_at, item.lease_until = now, None
        item.save(update_fields=["state", "decided_at", "lease_until"])
        record(
            actor=SYSTEM,
            action="review.expired",
            subject=item,
            now=now,
            before=before,
            after={"queue": item.queue.slug, "state": item.state, "call": str(item.call_id)},
            team_id=item.call.team_id,
        )
    return len(lapsed)
