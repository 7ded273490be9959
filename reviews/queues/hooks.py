"""What queues plug into the kernel, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from django.db.models import Count, Max, Min, Q
from django.urls import reverse

from governance.access.models import User
from governance.access.registries import grant_scopes
from governance.audit.registries import audit_actions
from governance.compliance.registries import EvidenceSource, control_evidence
from governance.compliance.rules import Evidence
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from reviews.queues import lapsing
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import REVIEW_ITEM_STATES, ItemState
from telemetry.ledger.registries import BodyStore, body_stores

transition_tables.add("ReviewItem.state", REVIEW_ITEM_STATES)
grant_scopes.add("queue", Queue)
body_stores.add(
    "review items",
    BodyStore(
        "Review items that wait", lapsing.count_open, lapsing.lapse_of_calls, lapsing.lapse_due
    ),
)

for action, sentence in {
    "review.opened": "{actor} put {subject} before people",
    "review.claimed": "{actor} claimed {subject}",
    "review.released": "{actor} put {subject} back",
    "review.skipped": "{actor} skipped {subject}",
    "review.escalated": "{actor} escalated {subject}",
    "review.lease_ran_out": "{actor} returned {subject}, whose lease ran out",
    "review.expired": "{actor} closed {subject}, whose text is no longer kept",
    "review.untouched": "{actor} saw that nobody looked at {subject} in time",
    "review.breached": "{actor} saw {subject} pass its due time",
    "queue.created": "{actor} created the queue {subject}",
    "queue.guideline_acknowledged": "{actor} acknowledged the guideline of {subject}",
    "sla.retimed": "{actor} worked out due times again: {subject}",
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
    waits = Q(items__state=ItemState.WAITING, items__gates__isnull=False)
    waiting = (
        Queue.objects.workable_by(user)
        .annotate(
            waiting=Count("items", filter=waits),
            earliest=Min("items__due_at", filter=waits),
        )
        .filter(waiting__gt=0)
    )
    return [
        InboxItem(
            title=f"{queue.name}: {queue.waiting} answer{' waits' if queue.waiting == 1 else 's wait'} for a decision",
            detail="Held answers reach their caller only after a person decided.",
            url=reverse("decisions:next", args=[queue.slug]),
            due_at=queue.earliest,
            kind="review",
            count=queue.waiting,
        )
        for queue in cast(Iterable[Any], waiting)
    ]


inbox.add("reviews", items_waiting)


ANSWERED_WITHIN = timedelta(days=30)


def decided_items(now: datetime, user: User | None) -> Evidence:
    """Of the answers that came to people in thirty days and are due: those that a person decided."""
    due = ReviewItem.objects.filter(created_at__gte=now - ANSWERED_WITHIN)
    due = due.filter(Q(state=ItemState.DECIDED) | Q(due_at__lt=now) & ~Q(state=ItemState.ASKED))
    facts = due.aggregate(
        all=Count("pk"), good=Count("pk", Q(state=ItemState.DECIDED)), last=Max("decided_at")
    )
    sentence = f"{facts['good']} of {facts['all']} held or sampled answers of thirty days that were due were decided by a person."
    return Evidence(sentence, facts["good"], facts["all"], facts["last"], reverse("queues:list"))


control_evidence.add(
    "held-answers",
    EvidenceSource(
        "Held answers decided",
        decided_items,
        Permission.REVIEW_VIEW,
        at_least=Decimal("0.95"),
        fresh_for=ANSWERED_WITHIN,
    ),
)
