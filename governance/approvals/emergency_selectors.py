"""What pages, API and the board's work list say of emergencies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.urls import reverse

from governance.access.models import User
from governance.approvals.emergencies import may_ask, may_let_through, voices_of
from governance.approvals.emergency_models import Emergency
from governance.approvals.models import ChangeRequest, ChangeRequestQuerySet
from governance.approvals.rules import EMERGENCY_VOICES
from governance.home.registries import InboxItem
from governance.kernel.authority import Actor, Permission

COUNTED = timedelta(days=90)


@dataclass(frozen=True)
class EmergencyOutlook:
    """One request's emergency, if it is one, and what the person can do about it."""

    emergency: Emergency | None
    voices: int
    needed: int
    can_ask: bool
    can_let_through: bool


def emergency_outlook(change: ChangeRequest, actor: Actor, now: datetime) -> EmergencyOutlook:
    emergency = Emergency.objects.filter(change=change).first()
    return EmergencyOutlook(
        emergency=emergency,
        voices=voices_of(change) if emergency else 0,
        needed=EMERGENCY_VOICES,
        can_ask=may_ask(change, actor),
        can_let_through=may_let_through(change, actor, now),
    )


@dataclass(frozen=True)
class EmergencyFigures:
    """How many were applied at once in the last 90 days, and what became of them."""

    applied: int
    ratified: int
    reverted: int

    @property
    def waiting(self) -> int:
        return self.applied - self.ratified - self.reverted


def emergency_figures(changes: ChangeRequestQuerySet, now: datetime) -> EmergencyFigures:
    """Of those changes."""
    recent = changes.filter(emergency__applied_at__gt=now - COUNTED)
    facts = recent.aggregate(
        applied=Count("pk"),
        ratified=Count("pk", filter=Q(state="applied")),
        reverted=Count("pk", filter=Q(state="reverted")),
    )
    return EmergencyFigures(**facts)


def emergencies_waiting(user: User, now: datetime) -> list[InboxItem]:
    """For the board: what waits for others to ratify it, until when; their own is a sign-off."""
    if not user.may(Permission.SIGN_BOARD):
        return []
    waiting = (
        Emergency.objects.unratified()
        .filter(change__in=ChangeRequest.objects.visible_to(user))
        .exclude(change__in=ChangeRequest.objects.waiting_for(user))
        .select_related("change")
        .order_by("ratify_by")[:50]
    )
    return [
        InboxItem(
            title=one.change.title,
            detail="Applied as an emergency; without its sign-offs by then it is reverted",
            url=reverse("approvals:detail", args=[one.change_id]),
            due_at=one.ratify_by,
            kind="emergency",
        )
        for one in waiting
    ]
