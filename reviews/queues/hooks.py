"""What queues plug into the kernel, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django.db.models import Count, Min, Q
from django.urls import reverse

from governance.access.models import User
from governance.access.registries import grant_scopes
from governance.audit.registries import audit_actions
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from reviews.queues.models import Queue
from reviews.queues.rules import REVIEW_ITEM_STATES, ItemState

transition_tables.add("ReviewItem.state", REVIEW_ITEM_STATES)
grant_scopes.add("queue", Queue)

for action, sentence in {
    "review.opened": "{actor} put {subject} before people",
    "review.claimed": "{actor} claimed {subject}",
    "review.released": "{actor} put {subject} back",
    "review.skipped": "{actor} skipped {subject}",
    "review.escalated": "{actor} escalated {subject}",
    "review.lease_ran_out": "{actor} returned {subject}, whose lease ran out",
    "review.breached": "{actor} saw {subject} pass its due time",
    "queue.created": "{actor} created the queue {subject}",
    "queue.changed": "{actor} changed the queue {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "reviews",
    NavigationItem(
        "Work",
        "Reviews",
        "queues:list",
        "inbox",
        (Permission.REVIEW_WORK, Permission.REVIEW_MANAGE, Permission.REVIEW_VIEW),
        order=20,
    ),
)


def items_waiting(user: User, now: datetime) -> list[InboxItem]:
    """One line per queue in which answers wait for this person."""
    waiting = (
        Queue.objects.workable_by(user)
        .annotate(
            waiting=Count("items", filter=Q(items__state=ItemState.WAITING)),
            earliest=Min("items__due_at", filter=Q(items__state=ItemState.WAITING)),
        )
        .filter(waiting__gt=0)
    )
    return [
        InboxItem(
            title=f"{queue.name}: {queue.waiting} answers wait for a decision",
            detail="Held answers reach their caller only after a person decided.",
            url=reverse("decisions:next", args=[queue.slug]),
            due_at=queue.earliest,
            kind="review",
            count=queue.waiting,
        )
        for queue in cast(Iterable[Any], waiting)
    ]


inbox.add("reviews", items_waiting)
