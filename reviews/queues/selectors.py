"""Reads that the queue pages and the API share."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet

from governance.access.models import User
from reviews.queues.models import Queue, QueueQuerySet, ReviewItem
from reviews.queues.rules import ItemState


def queues_with_counts(user: User, now: datetime) -> QueueQuerySet:
    """Queues the person sees, each with waiting, claimed, overdue, near, decided today."""
    gated = Q(items__gates__isnull=False)
    waiting = gated & Q(items__state=ItemState.WAITING)
    # What somebody outside is asked about has a clock that stands: it is not late meanwhile.
    unfinished = gated & Q(items__state__in=(ItemState.WAITING, ItemState.CLAIMED))
    return (
        Queue.objects.filter(pk__in=Queue.objects.visible_to(user).values("pk"))
        .select_related("sla__calendar", "escalates_to")
        .annotate(
            waiting=Count("items", filter=waiting),
            asked=Count("items", filter=gated & Q(items__state=ItemState.ASKED)),
            claimed=Count("items", filter=gated & Q(items__state=ItemState.CLAIMED)),
            overdue=Count("items", filter=unfinished & Q(items__due_at__lt=now)),
            near=Count(
                "items", filter=unfinished & Q(items__warn_at__lte=now, items__due_at__gte=now)
            ),
            decided_lately=Count(
                "items", filter=gated & Q(items__decided_at__gte=now - timedelta(days=1))
            ),
            next_due_at=Min("items__due_at", filter=unfinished),
        )
        .order_by("name")
    )


def items_of(queue: Queue, user: User) -> QuerySet[ReviewItem]:
    """All that the board of a queue lists for this person, most urgent first."""
    return (
        ReviewItem.objects.visible_to(user)
        .filter(queue=queue)
        .select_related("call__use_case", "claimed_by")
        .order_by("-priority", "due_at", "pk")
    )


def time_to_decide(queue: Queue, since: datetime) -> timedelta | None:
    """Mean elapsed time from opening to decision since then; None when nothing was decided."""
    took = ExpressionWrapper(F("decided_at") - F("created_at"), output_field=DurationField())
    decided = ReviewItem.objects.filter(queue=queue, decided_at__gte=since)
    mean: timedelta | None = decided.aggregate(mean=Avg(took))["mean"]
    return mean
