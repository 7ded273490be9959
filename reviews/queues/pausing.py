"""The clock of an item stands still while somebody outside the queue is asked."""

from __future__ import annotations

from datetime import datetime

from governance.kernel.authority import Actor
from reviews.queues.models import Pause, ReviewItem
from reviews.queues.retiming import retime_item
from reviews.queues.services import put_back


def pause(item: ReviewItem, *, now: datetime) -> Pause:
    """In the caller's transaction: the locked item is with nobody, and its clock stands."""
    put_back(item, "ask")
    return Pause.objects.create(item=item, starts_at=now)


def resume(
    item: ReviewItem, action: str, *, actor: Actor, reason: str, now: datetime
) -> ReviewItem:
    """In the caller's transaction: the clock goes on, and the due times move by what it stood.

    `action` is "answer" or "withdraw". By the calendar as it stands now, in business time, so an
    answer that comes back overnight moves nothing.
    """
    put_back(item, action)
    Pause.objects.filter(item=item, ends_at=None).update(ends_at=now)
    retime_item(item, actor=actor, reason=reason, now=now)
    return item
