"""Reads that pages, API and the gateway share."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Count, Q

from governance.access.models import User
from governance.approvals.models import (
    Approval,
    ApprovalQuerySet,
    ChangeRequest,
    ChangeRequestQuerySet,
    Condition,
    ConditionQuerySet,
)
from governance.approvals.registries import Consequence, change_subjects, consequences
from governance.approvals.rules import APPROVAL_STATES, NOTICE_DAYS
from governance.kernel.errors import Invalid

SOON = timedelta(days=max(NOTICE_DAYS))


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
    return ChangeRequest.objects.visible_to(user).select_related(
        "proposer", "team", "emergency", "bundle"
    )


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


def approvals_visible_to(user: User, now: datetime) -> ApprovalQuerySet:
    """With change, team and proposer, and how many conditions are open and overdue."""
    unmet = Q(change__conditions__met_at=None)
    overdue = unmet & Q(change__conditions__due_on__lt=now.date())
    return (
        Approval.objects.visible_to(user)
        .select_related("change__team", "change__proposer", "change__policy")
        .annotate(
            conditions_open=Count("change__conditions", filter=unmet),
            conditions_overdue=Count("change__conditions", filter=overdue),
        )
        .order_by("-pk")
    )


def narrowed_approvals(
    approvals: ApprovalQuerySet, *, kind: str, state: str, ends_soon: bool, now: datetime
) -> ApprovalQuerySet:
    """By kind and state, where given; `ends_soon`: what runs out within 30 days.

    An empty state means those in force, "all" every one. Raises Invalid for an unknown word.
    """
    problems = {}
    if kind and kind not in change_subjects:
        problems["kind"] = [f"There is no kind {kind}."]
    if state and state != "all" and state not in APPROVAL_STATES.states:
        problems["state"] = [f"There is no state {state}."]
    if problems:
        raise Invalid("This list has no such filter.", fields=problems)
    if kind:
        approvals = approvals.filter(kind=kind)
    if ends_soon:
        approvals = approvals.ending_before(now + SOON)
    return approvals if state == "all" else approvals.filter(state=state or "in_force")


def consequences_of(approval: Approval, now: datetime) -> list[Consequence]:
    """What stops while this approval does not stand, in numbers, from whoever depends on it."""
    return [one for find in consequences.values() for one in find(approval, now)]


def conditions_visible_to(user: User) -> ConditionQuerySet:
    """Conditions that bind somebody, with owner and change."""
    return Condition.objects.standing().visible_to(user).select_related("owner", "change__team")
