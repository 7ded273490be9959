"""What each person of a queue has in hand, is kept for, and has done. Constant queries."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, Exists, FloatField, OuterRef, Q, QuerySet

from reviews.board.models import Assignment
from reviews.decisions.models import ReviewDecision
from reviews.quality.models import Opinion
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import ItemState


class Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def held(queue: Queue, now: datetime) -> dict[int, int]:
    """Items in people's hands, by person: under a live lease, or decided and not yet final."""
    live = Q(state=ItemState.CLAIMED, lease_until__gte=now) | Q(state=ItemState.PENDING)
    return by_person(queue.items.filter(live, claimed_by__isnull=False), "claimed_by")


def kept(queue: Queue) -> dict[int, int]:
    """Items that wait and are kept for somebody, by person."""
    return by_person(
        queue.items.filter(state=ItemState.WAITING, assignment__in=Assignment.objects.live()),
        "assignment__person",
    )


def by_person(items: QuerySet[ReviewItem], by: str) -> dict[int, int]:
    return dict(items.order_by().values_list(by).annotate(Count("pk")))


def midnight(queue: Queue, now: datetime) -> datetime:
    """When the queue's day began, by the time zone of its calendar."""
    local = now.astimezone(ZoneInfo(queue.sla.calendar.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def done(queue: Queue, since: datetime, **person: Any) -> dict[int, tuple[int, float]]:
    """Person → pieces of work, and the median seconds of the final ones or else of the slots.

    Where somebody filled the last slot, the final decision is the same piece of work.
    """
    own_slot = Opinion.objects.filter(item=OuterRef("item"), person=OuterRef("person"))
    decisions = ReviewDecision.objects.filter(item__queue=queue, at__gte=since, **person)
    opinions = Opinion.objects.filter(item__queue=queue, at__gte=since, **person)
    found: dict[int, tuple[int, float]] = {}
    for rows in (decisions.exclude(Exists(own_slot)), opinions):
        counted = (
            rows.order_by()
            .values_list("person")
            .annotate(count=Count("pk"), median=Median("seconds_spent"))
        )
        for one, count, median in counted:
            known, before = found.get(one, (0, 0.0))
            whole = known + count
            found[one] = (whole, (before * known + median * count) / whole)
    return found
