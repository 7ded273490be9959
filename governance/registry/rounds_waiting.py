"""Scoring rounds that wait for a person: for their score, or for their lead."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from governance.access.models import User
from governance.home.registries import InboxItem
from governance.registry.models import RoundSeat, ScoringRound
from governance.registry.rounds import due_at


def rounds_waiting(user: User, now: datetime) -> list[InboxItem]:
    asked = RoundSeat.objects.filter(assessor=user, submitted_at=None, round__state="open")
    seats = asked.select_related("round__use_case", "round__lead")[:20]
    led = ScoringRound.objects.filter(lead=user, state__in=["open", "revealed"])
    return [
        *(_to_score(one.round) for one in seats),
        *(_to_lead(one) for one in led.select_related("use_case")[:20] if _waits(one, now)),
    ]


def _waits(found: ScoringRound, now: datetime) -> bool:
    """For its lead: all is shown, or the day has passed and somebody is missing."""
    return found.state == "revealed" or due_at(found) <= now


def _to_score(found: ScoringRound) -> InboxItem:
    detail = f"{found.lead} asks for your own score; nobody sees it until all are in"
    return _item(f"Score {found.use_case}", detail, found, "scoring")


def _to_lead(found: ScoringRound) -> InboxItem:
    if found.state == "revealed":
        title = f"Agree on the scores of {found.use_case}"
        return _item(title, "They are shown; record the consensus", found, "consensus")
    title = f"Some scores of {found.use_case} are late"
    return _item(title, "Wait, or close the round with what is in", found, "consensus")


def _item(title: str, detail: str, found: ScoringRound, kind: str) -> InboxItem:
    url = reverse("registry:round", args=[found.use_case.slug, found.pk])
    return InboxItem(title=title, detail=detail, url=url, due_at=due_at(found), kind=kind)
