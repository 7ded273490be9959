"""What the pages of a meeting choose from."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Q, QuerySet
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import holders
from governance.approvals.meetings import MAY_RUN
from governance.approvals.models import (
    AgendaItem,
    ChangeRequest,
    ChangeRequestQuerySet,
    Meeting,
    SignOffSlot,
)


def open_requests(user: User) -> ChangeRequestQuerySet:
    """Requests that wait for decisions, what is due first first."""
    visible = ChangeRequest.objects.visible_to(user).filter(state="open")
    return visible.select_related("proposer", "team").order_by("due_at", "pk")[:200]


SHOWN = 50
"""Requests that the page of a new meeting shows at a time; an agenda holds no more."""


def requests_offered(user: User, words: str, chosen: Collection[int]) -> list[ChangeRequest]:
    """The chosen ones, then those that wait and are called so, what is due first first."""
    waiting = ChangeRequest.objects.visible_to(user).filter(state="open")
    found = waiting.select_related("proposer", "team").order_by("due_at", "pk")
    kept = list(found.filter(pk__in=chosen)) if chosen else []
    others = found.filter(title__icontains=words) if words else found
    return kept + list(others.exclude(pk__in=chosen)[:SHOWN])


def waiting_count(user: User) -> int:
    return ChangeRequest.objects.visible_to(user).filter(state="open").count()


def candidates_for(user: User, items: Sequence[AgendaItem]) -> list[ChangeRequest]:
    """Open requests that are not on the agenda yet."""
    taken = {one.change_id for one in items}
    return [one for one in open_requests(user) if one.pk not in taken]


def item_shown(items: Sequence[AgendaItem], wanted: str) -> AgendaItem | None:
    """The one asked for, else the first that still waits; None when all are dealt with."""
    asked = (one for one in items if str(one.pk) == wanted)
    waiting = (one for one in items if one.state == "waiting")
    return next(asked, None) or next(waiting, None)


def people_asked(meeting: Meeting, items: Sequence[AgendaItem]) -> QuerySet[User]:
    """Who may be there: chair, those who run meetings, signatories and proposers of the items."""
    now = timezone.now()
    changes = [one.change for one in items]
    signatories = SignOffSlot.eligible.through.objects.filter(signoffslot__change__in=changes)
    proposers = {one.proposer_id for one in changes} | {meeting.chaired_by_id}
    chosen = Q(pk__in=proposers) | Q(pk__in=signatories.values("user"))
    chosen |= Q(pk__in=meeting.attendances.values("person"))
    for permission in MAY_RUN:
        chosen |= Q(pk__in=holders(permission, now=now).values("pk"))
    return User.objects.filter(chosen, is_active=True).order_by("name", "pk")
