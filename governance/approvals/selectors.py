"""Reads that pages, API and the gateway share."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from governance.access.models import User
from governance.approvals.models import Approval, ChangeRequest, ChangeRequestQuerySet


def approval_in_force(
    *,
    kind: str,
    subject_id: int,
    now: datetime,
    digest: str | None = None,
    environment: str | None = None,
) -> Approval | None:
    """The approval that lets this stand now, or None: then it may not run."""
    approvals = Approval.objects.in_force(now).filter(kind=kind, subject_id=subject_id)
    if digest is not None:
        approvals = approvals.filter(digest=digest)
    if environment is not None:
        approvals = approvals.filter(environment=environment)
    return approvals.first()


def open_change_for(kind: str, subject_id: int) -> ChangeRequest | None:
    return ChangeRequest.objects.undecided().filter(kind=kind, subject_id=subject_id).first()


def changes_visible_to(user: User) -> ChangeRequestQuerySet:
    return ChangeRequest.objects.visible_to(user).select_related("proposer", "team")


def standing(kind: str, subject: models.Model, now: datetime) -> dict[str, object]:
    """What the `_standing.html` fragment shows: the approval and the undecided change."""
    approval = (
        Approval.objects.filter(kind=kind, subject_id=subject.pk)
        .select_related("change")
        .order_by("-valid_from", "-pk")
        .first()
    )
    return {
        "approval": approval,
        "open_change": open_change_for(kind, subject.pk),
        "now": now,
    }
