"""What the engine plugs into the kernel, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Count
from django.urls import reverse

from governance.access.models import User
from governance.access.registries import leaving
from governance.approvals.bundle_subject import BundleSubject
from governance.approvals.emergency_selectors import emergencies_waiting
from governance.approvals.last_holders import REMINDED, WARNED, last_holders_to_follow
from governance.approvals.meetings import MAY_RUN, may_run
from governance.approvals.models import (
    Approval,
    ChangeRequest,
    Condition,
    Decision,
    DeclaredConflict,
    Delegation,
    Meeting,
)
from governance.approvals.registries import change_subjects
from governance.approvals.replanning import free_slots_of
from governance.approvals.rules import (
    APPROVAL_STATES,
    CHANGE_STATES,
    ITEM_STATES,
    MEETING_STATES,
    POINT_STATES,
    SIGNING,
)
from governance.approvals.subjects import PolicySubject
from governance.approvals.training_subject import TrainingSubject
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission as P
from governance.kernel.registries import transition_tables

transition_tables.add("ChangeRequest.state", CHANGE_STATES)
transition_tables.add("Approval.state", APPROVAL_STATES)
leaving.add("sign-offs", free_slots_of)
transition_tables.add("ChangePoint.state", POINT_STATES)
transition_tables.add("Meeting.state", MEETING_STATES)
transition_tables.add("AgendaItem.state", ITEM_STATES)

change_subjects.add(PolicySubject.kind, PolicySubject())
change_subjects.add(TrainingSubject.kind, TrainingSubject())
change_subjects.add(BundleSubject.kind, BundleSubject())

for action, sentence in {
    "policy.installed": "{actor} installed the policy {subject}",
    "policy.replaced": "{actor} put the policy {subject} in place of the one before",
    "change.opened": "{actor} put “{subject}” before its signatories",
    "change.decided": "{actor} decided on “{subject}”",
    "change.moved": "{actor} moved “{subject}”",
    "change.revised": "{actor} revised “{subject}”",
    "change.points_asked": "{actor} asked for changes of “{subject}”, point by point",
    "change.point_resolved": "{actor} answered a point of “{subject}”",
    "change.point_reopened": "{actor} opened a point of “{subject}” again",
    "change.thread_resolved": "{actor} marked a thread of “{subject}” as resolved",
    "change.thread_reopened": "{actor} opened a thread of “{subject}” again",
    "change.commented": "{actor} commented on “{subject}”",
    "change.conflict_declared": "{actor} declared a conflict of interest in “{subject}”",
    "change.replanned": "{actor} asked further people to sign “{subject}”",
    "change.slots_freed": "{actor} freed the slots of who left “{subject}”",
    "emergency.asked": "{actor} said that “{subject}” cannot wait",
    "emergency.applied": "{actor} was the second to let “{subject}” through, so it was applied",
    "emergency.ratified": "{actor} ratified the emergency “{subject}” with the last sign-off",
    "emergency.reverted": "{actor} reverted the emergency “{subject}”",
    "bundle.not_applied": "{actor} could not apply all parts of “{subject}”, so none was",
    "approval.granted": "{actor} gave the last sign-off to “{subject}”",
    "approval.suspend": "{actor} suspended the approval of “{subject}”",
    "approval.resume": "{actor} put the approval of “{subject}” back in force",
    "approval.revoke": "{actor} revoked the approval of “{subject}”",
    "approval.reinstate": "{actor} rolled back to the approval of “{subject}”",
    "approval.expire": "{actor} ended the approval of “{subject}”, whose validity ran out",
    "condition.met": "{actor} met a condition of “{subject}”",
    REMINDED: "{actor} reminded of a training that runs out: {subject}",
    WARNED: "{actor} warned that nobody follows on {subject}",
    "meeting.planned": "{actor} planned the meeting {subject}",
    "meeting.agenda_changed": "{actor} changed the agenda of {subject}",
    "meeting.opened": "{actor} opened the meeting {subject}",
    "meeting.attended": "{actor} took down who is at {subject}",
    "meeting.item": "{actor} went on with an item of {subject}",
    "meeting.minuted": "{actor} closed {subject}, whose minutes have this digest",
    "delegation.made": "{actor} let somebody sign in their place: {subject}",
    "delegation.ended": "{actor} ended a delegation: {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "changes",
    NavigationItem("Decide", "Changes", "approvals:list", "git-pull-request", (P.CHANGE_VIEW,), 10),
)
navigation.add(
    "approvals",
    NavigationItem(
        "Decide", "Approvals", "approvals:standing", "badge-check", (P.CHANGE_VIEW,), 20
    ),
)
navigation.add(
    "meetings", NavigationItem("Decide", "Meetings", "approvals:meetings", "gavel", MAY_RUN, 15)
)
navigation.add(
    "approval-policies",
    NavigationItem("Decide", "Who signs what", "approvals:policies", "scale", (P.CHANGE_VIEW,), 60),
)


def _asked(change: ChangeRequest) -> str:
    if change.state == "provisional":
        return "Applied as an emergency; without its sign-offs by then it is reverted"
    urgency = "cannot wait and " if hasattr(change, "emergency") else ""
    return f"{change.proposer} {urgency}asks for your decision; {change.tier} risk"


def sign_offs_waiting(user: User, now: datetime) -> list[InboxItem]:
    """Requests that wait for this person's decision."""
    stands_in = Delegation.objects.live(now).filter(delegate=user).exists()
    if not stands_in and not any(user.may(permission) for permission in SIGNING):
        return []
    waiting = ChangeRequest.objects.waiting_for(user).select_related("proposer", "emergency")[:50]
    return [
        InboxItem(
            title=change.title,
            detail=_asked(change),
            url=reverse("approvals:detail", args=[change.pk]),
            due_at=change.due_at,
            kind="change",
        )
        for change in waiting
    ]


inbox.add("sign-offs", sign_offs_waiting)
inbox.add("last holders", last_holders_to_follow)
inbox.add("emergencies", emergencies_waiting)


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


def meetings_to_hold(user: User, now: datetime) -> list[InboxItem]:
    """Meetings that are planned or open, for those who run them."""
    if not may_run(user):
        return []
    coming = Meeting.objects.exclude(state="closed").select_related("chaired_by")
    counted = coming.annotate(item_count=Count("items")).order_by("held_on", "pk")
    return [
        InboxItem(
            title=one.title,
            detail=f"A meeting, {getattr(one, 'item_count', 0)} on its agenda; {one.chaired_by} chairs it",
            url=reverse("approvals:meeting", args=[one.pk]),
            due_at=datetime.combine(one.held_on + timedelta(days=1), time.min, UTC),
            kind="meeting",
        )
        for one in counted[:20]
    ]


inbox.add("meetings", meetings_to_hold)


def _changes(scope: PackScope) -> Iterator[dict[str, Any]]:
    rows = ChangeRequest.objects.filter(
        opened_at__gte=scope.starts_at, opened_at__lt=scope.ends_at
    ).select_related("proposer", "emergency", "bundle")
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
            "emergency": hasattr(change, "emergency"),
            "bundled_in": change.bundle.change_id if change.bundle else None,
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
            "emergency",
            "bundled_in",
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


def _conflicts(scope: PackScope) -> Iterator[dict[str, Any]]:
    rows = DeclaredConflict.objects.filter(at__gte=scope.starts_at, at__lt=scope.ends_at)
    if scope.team_id is not None:
        rows = rows.filter(change__team_id=scope.team_id)
    for conflict in rows.select_related("person").order_by("pk").iterator(chunk_size=500):
        yield {
            "id": conflict.pk,
            "change": conflict.change_id,
            "person": conflict.person.email,
            "reason": conflict.reason,
            "at": conflict.at,
        }


evidence_sections.add(
    "conflicts",
    EvidenceSection(
        "conflicts",
        "Declared conflicts of interest",
        ("id", "change", "person", "reason", "at"),
        _conflicts,
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
