"""What the engine plugs into the kernel, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.urls import reverse

from governance.access.models import User
from governance.approvals.models import Approval, ChangeRequest, Condition, Decision, Delegation
from governance.approvals.registries import change_subjects
from governance.approvals.rules import APPROVAL_STATES, CHANGE_STATES, SIGNING
from governance.approvals.subjects import PolicySubject
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission as P
from governance.kernel.registries import transition_tables

transition_tables.add("ChangeRequest.state", CHANGE_STATES)
transition_tables.add("Approval.state", APPROVAL_STATES)

change_subjects.add(PolicySubject.kind, PolicySubject())

for action, sentence in {
    "policy.installed": "{actor} installed the policy {subject}",
    "policy.replaced": "{actor} put the policy {subject} in place of the one before",
    "change.opened": "{actor} put “{subject}” before its signatories",
    "change.decided": "{actor} decided on “{subject}”",
    "change.moved": "{actor} moved “{subject}”",
    "change.revised": "{actor} revised “{subject}”",
    "change.commented": "{actor} commented on “{subject}”",
    "approval.granted": "{actor} gave the last sign-off to “{subject}”",
    "approval.suspend": "{actor} suspended the approval of “{subject}”",
    "approval.resume": "{actor} put the approval of “{subject}” back in force",
    "approval.revoke": "{actor} revoked the approval of “{subject}”",
    "approval.reinstate": "{actor} rolled back to the approval of “{subject}”",
    "approval.expire": "{actor} ended the approval of “{subject}”, whose validity ran out",
    "condition.met": "{actor} met a condition of “{subject}”",
    "delegation.made": "{actor} let somebody sign in their place: {subject}",
    "delegation.ended": "{actor} ended a delegation: {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "changes",
    NavigationItem("Govern", "Changes", "approvals:list", "git-pull-request", (P.CHANGE_VIEW,), 10),
)
navigation.add(
    "approvals",
    NavigationItem(
        "Govern", "Approvals", "approvals:standing", "badge-check", (P.CHANGE_VIEW,), 20
    ),
)
navigation.add(
    "approval-policies",
    NavigationItem("Govern", "Who signs what", "approvals:policies", "scale", (P.CHANGE_VIEW,), 60),
)


def sign_offs_waiting(user: User, now: datetime) -> list[InboxItem]:
    """Requests that wait for this person's decision."""
    stands_in = Delegation.objects.live(now).filter(delegate=user).exists()
    if not stands_in and not any(user.may(permission) for permission in SIGNING):
        return []
    waiting = ChangeRequest.objects.waiting_for(user).select_related("proposer")[:50]
    return [
        InboxItem(
            title=change.title,
            detail=f"{change.proposer} asks for your decision; {change.tier} risk",
            url=reverse("approvals:detail", args=[change.pk]),
            due_at=change.due_at,
            kind="change",
        )
        for change in waiting
    ]


inbox.add("sign-offs", sign_offs_waiting)


def conditions_to_meet(user: User, now: datetime) -> list[InboxItem]:
    """Conditions of granted changes that this person answers for."""
    owed = Condition.objects.standing().unmet().filter(owner=user).select_related("change")[:50]
    return [
        InboxItem(
            title=condition.text,
            detail=f"A condition of “{condition.change}”; overdue, it suspends the approval",
            url=f"{reverse('approvals:conditions')}?show=mine",
            due_at=datetime.combine(condition.due_on + timedelta(days=1), time.min, UTC),
            kind="condition",
        )
        for condition in owed
    ]


inbox.add("conditions", conditions_to_meet)


def _changes(scope: PackScope) -> Iterator[dict[str, Any]]:
    rows = ChangeRequest.objects.filter(
        opened_at__gte=scope.starts_at, opened_at__lt=scope.ends_at
    ).select_related("proposer")
    if scope.team_id:
        rows = rows.filter(team_id=scope.team_id)
    for change in rows.order_by("pk").iterator(chunk_size=500):
        yield {
            "id": change.pk,
            "kind": change.kind,
            "title": change.title,
            "tier": change.tier,
            "proposer": change.proposer.email,
            "state": change.state,
            "revision": change.revision,
            "digest": change.digest,
            "opened_at": change.opened_at,
            "closed_at": change.closed_at,
        }


def _decisions(scope: PackScope) -> Iterator[dict[str, Any]]:
    rows = Decision.objects.filter(at__gte=scope.starts_at, at__lt=scope.ends_at)
    if scope.team_id:
        rows = rows.filter(change__team_id=scope.team_id)
    people = ("person", "on_behalf_of", "slot")
    for decision in rows.select_related(*people).order_by("pk").iterator(chunk_size=500):
        yield {
            "id": decision.pk,
            "change": decision.change_id,
            "revision": decision.revision,
            "person": decision.person.email,
            "on_behalf_of": decision.on_behalf_of.email if decision.on_behalf_of else "",
            "signed_as": decision.slot.label if decision.slot else "",
            "outcome": decision.outcome,
            "rationale": decision.rationale,
            "digest_seen": decision.digest_seen,
            "void": decision.is_void,
            "at": decision.at,
        }


evidence_sections.add(
    "changes",
    EvidenceSection(
        "changes",
        "Change requests",
        (
            "id",
            "kind",
            "title",
            "tier",
            "proposer",
            "state",
            "revision",
            "digest",
            "opened_at",
            "closed_at",
        ),
        _changes,
        counted_by=("kind", "state"),
    ),
)
evidence_sections.add(
    "decisions",
    EvidenceSection(
        "decisions",
        "Decisions",
        (
            "id",
            "change",
            "revision",
            "person",
            "on_behalf_of",
            "signed_as",
            "outcome",
            "rationale",
            "digest_seen",
            "void",
            "at",
        ),
        _decisions,
        counted_by=("outcome", "signed_as"),
    ),
)

APPROVAL_COLUMNS = (
    "id",
    "change",
    "title",
    "kind",
    "digest",
    "environment",
    "state",
    "valid_from",
    "valid_until",
    "ended_at",
    "end_reason",
)


def _approvals(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Approvals that were alive at some time of the period."""
    begun = Approval.objects.filter(valid_from__lt=scope.ends_at, valid_until__gte=scope.starts_at)
    rows = begun.exclude(ended_at__lt=scope.starts_at).select_related("change")
    if scope.team_id is not None:
        rows = rows.filter(change__team_id=scope.team_id)
    for approval in rows.order_by("pk").iterator(chunk_size=500):
        related = {"change": approval.change_id, "title": approval.change.title}
        yield {
            name: related[name] if name in related else getattr(approval, name)
            for name in APPROVAL_COLUMNS
        }


evidence_sections.add(
    "approvals",
    EvidenceSection(
        "approvals",
        "Approvals in force",
        APPROVAL_COLUMNS,
        _approvals,
        counted_by=("kind", "state"),
    ),
)
