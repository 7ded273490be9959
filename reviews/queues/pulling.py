"""The next item across all of a person's queues, so that no queue starves.

Of each queue the most urgent free item is looked at; the queue whose item has used the largest
share of its time gives next. That share only grows while an item waits, so whatever comes into
other queues, its turn comes.
"""

from __future__ import annotations

from datetime import datetime

from governance.access.models import User
from governance.kernel.authority import Actor
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.qualifying import readiness
from reviews.queues.rules import ItemState
from reviews.queues.services import claim_next
from reviews.queues.taking import unconflicted


def claim_anywhere(*, actor: Actor, now: datetime) -> ReviewItem | None:
    """The person's live claim in any queue, else the fairest next item; None when none is left.

    Queues for which the person is not ready (guideline, training) give them nothing.
    """
    mine = ReviewItem.objects.filter(
        state=ItemState.CLAIMED, claimed_by=actor.user, lease_until__gte=now
    )
    queues = Queue.objects.workable_by(actor.user)
    if held := mine.filter(queue__in=queues).order_by("claimed_at").first():
        return held
    for queue in fair_order(actor.user, now):
        if not readiness(actor.user, queue, now):
            continue
        item = claim_next(actor=actor, queue=queue, now=now)
        if item is not None:
            return item
    return None


def fair_order(user: User, now: datetime) -> list[Queue]:
    """The person's queues in which something free waits, the one whose turn it is first."""
    free = ReviewItem.objects.filter(queue__in=Queue.objects.workable_by(user)).claimable(now)
    heads = (
        unconflicted(free, user)
        .order_by("queue_id", "-priority", "due_at", "pk")
        .distinct("queue_id")
        .values_list("queue_id", "created_at", "due_at")
    )
    used = {queue: share_used(created, due, now) for queue, created, due in heads}
    found = Queue.objects.select_related("sla__calendar").in_bulk(used)
    return [found[pk] for pk in sorted(used, key=lambda one: (-used[one], one))]


def share_used(created_at: datetime, due_at: datetime, now: datetime) -> float:
    """Of the time from opening to due, how much is over: 1 at the due time, more after it."""
    whole = (due_at - created_at).total_seconds()
    return (now - created_at).total_seconds() / max(whole, 1.0)
