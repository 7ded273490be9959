"""Open, revise, withdraw: the verbs of a request. Deciding stands in deciding.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from governance.approvals import standing
from governance.approvals.conflicts import declare_conflict
from governance.approvals.deciding import NewCondition, StaleChange, decide
from governance.approvals.discussing import comment
from governance.approvals.models import (
    ApprovalPolicy,
    ChangeRequest,
    SignOffSlot,
)
from governance.approvals.moving import close, locked_change, tell_signatories, write_event
from governance.approvals.planning import (
    business_hours_after,
    plan_slots,
    policy_of,
    why_blocked,
)
from governance.approvals.pointing import answer_point, check_points_answered
from governance.approvals.policies import DECISION_HOURS, STARTING_POLICIES, VALIDITY_DAYS
from governance.approvals.ratifying import revert_overdue
from governance.approvals.registries import ChangeSubject, change_subjects
from governance.approvals.replanning import replan
from governance.approvals.rules import CHANGE_STATES
from governance.approvals.staleness import freeze_evidence
from governance.approvals.standing import end_approval, mark_stale, meet_condition
from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.canonical import digest
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier

__all__ = [
    "NewCondition",
    "StaleChange",
    "answer_point",
    "business_hours_after",
    "comment",
    "decide",
    "declare_conflict",
    "end_approval",
    "install_starting_policies",
    "keep_house",
    "mark_stale",
    "meet_condition",
    "open_change",
    "replan",
    "revise",
    "withdraw",
]
EXPIRES_AFTER = timedelta(days=60)


@transaction.atomic
def install_starting_policies(*, actor: Actor, now: datetime) -> int:
    """Write the starting policies where there are none yet; how many were written."""
    written = 0
    for (kind, tier), sign_offs in STARTING_POLICIES.items():
        policy, is_new = ApprovalPolicy.objects.get_or_create(
            kind=kind,
            tier=tier,
            active=True,
            defaults={
                "sign_offs": sign_offs,
                "decision_hours": DECISION_HOURS[tier],
                "validity_days": VALIDITY_DAYS[tier],
                "made_at": now,
            },
        )
        if is_new:
            after = {"sign_offs": sign_offs, "validity_days": policy.validity_days}
            record(actor=actor, action="policy.installed", subject=policy, now=now, after=after)
            written += 1
    return written


@transaction.atomic
def open_change(
    *,
    actor: Actor,
    kind: str,
    subject_id: int,
    proposal: dict[str, Any],
    title: str,
    reason: str,
    now: datetime,
) -> ChangeRequest:
    """Put a proposal before its signatories. The policy and the eligible people are frozen.

    Raises Invalid when the gate misses something or there is no reason, WrongState when a
    request for the same subject is undecided or nobody could sign.
    """
    subject_kind = change_subjects[kind]
    subject = subject_kind.find(subject_id)
    subject_kind.check_can_propose(actor, subject)
    _check_gate(subject_kind, subject, proposal, reason)
    tier = subject_kind.tier(subject, proposal)
    policy = policy_of(subject_kind, subject, proposal, tier)
    change = ChangeRequest(
        kind=kind,
        subject_id=subject_id,
        subject_label=str(subject)[:300],
        title=title[:200],
        reason=reason.strip(),
        proposal=proposal,
        tier=tier,
        team=subject_kind.team(subject),
        proposer=actor.user,
        state=CHANGE_STATES.target("draft", "open"),
        policy=policy,
        opened_at=now,
        due_at=business_hours_after(now, policy.decision_hours),
        expires_at=now + EXPIRES_AFTER,
    )
    _take_snapshot(change, subject_kind, subject)
    try:
        with transaction.atomic():
            change.save()
    except IntegrityError:
        raise WrongState(
            "Nothing was opened: another change of this is still undecided. "
            "Decide, revise or withdraw that one first."
        ) from None
    _freeze_slots(change, now)
    write_event(actor, "change.opened", change, now, reason=change.reason)
    tell_signatories(change, now)
    return change


def _check_gate(kind: ChangeSubject, subject: Any, proposal: dict[str, Any], reason: str) -> None:
    missing = kind.missing(subject, proposal)
    if missing:
        raise Invalid("Nothing was opened. Still missing: " + " ".join(missing))
    if not reason.strip():
        raise Invalid(
            "Nothing was opened: say why, in a sentence the board can judge.",
            fields={"reason": ["Say why this should happen."]},
        )


def _take_snapshot(change: ChangeRequest, kind: ChangeSubject, subject: Any) -> None:
    change.snapshot = kind.snapshot(subject, change.proposal)
    change.digest = digest(change.snapshot)
    change.base = kind.base(subject, change.proposal)
    change.base_digest = digest(change.base)
    change.evidence = freeze_evidence(kind, subject, change.proposal)
    change.stale_because, change.stale_voids = [], []
    conflicted = kind.authors(subject, change.proposal) | {change.proposer_id}
    if change.pk is not None:
        conflicted |= set(change.declared_conflicts.values_list("person_id", flat=True))
    change.conflicted = sorted(conflicted)


def _freeze_slots(change: ChangeRequest, now: datetime) -> None:
    """Rules 1, 2 and 6: who may sign is fixed now; no one in conflict; an empty set blocks."""
    planned = plan_slots(change.policy.sign_offs, change.team, change.conflicted, now)
    blocked = why_blocked(planned)
    if blocked:
        raise WrongState(f"Nothing was opened: {blocked}")
    slots = SignOffSlot.objects.bulk_create(
        SignOffSlot(
            change=change,
            permission=one.roles[0],
            any_of=list(one.roles[1:]),
            step=one.step,
            position=one.position,
        )
        for one in planned
    )
    eligible = SignOffSlot.eligible.through
    eligible.objects.bulk_create(
        eligible(signoffslot=slot, user=person)
        for slot, one in zip(slots, planned, strict=True)
        for person in one.people
    )


@transaction.atomic
def revise(
    *,
    actor: Actor,
    change_id: int,
    reason: str,
    now: datetime,
    proposal: dict[str, Any] | None = None,
) -> ChangeRequest:
    """A new revision by the proposer: a fresh snapshot, earlier decisions void, slots free."""
    change = locked_change(change_id)
    _check_is_proposer(actor, change)
    check_points_answered(change)
    kind = change_subjects[change.kind]
    subject = kind.find(change.subject_id)
    kind.check_can_propose(actor, subject)
    change.proposal = proposal or change.proposal
    change.state = CHANGE_STATES.target(change.state, "revise")
    _check_gate(kind, subject, change.proposal, reason)
    change.revision += 1
    change.reason = reason.strip()
    change.tier = kind.tier(subject, change.proposal)
    change.policy = policy_of(kind, subject, change.proposal, RiskTier(change.tier))
    change.due_at = business_hours_after(now, change.policy.decision_hours)
    change.expires_at = now + EXPIRES_AFTER
    _take_snapshot(change, kind, subject)
    change.save()
    change.decisions.update(is_void=True, slot=None)
    change.conditions.all().delete()
    change.slots.all().delete()
    _freeze_slots(change, now)
    after = {"revision": change.revision, "digest": change.digest}
    write_event(actor, "change.revised", change, now, reason=reason, after=after)
    tell_signatories(change, now)
    return change


@transaction.atomic
def withdraw(*, actor: Actor, change_id: int, reason: str, now: datetime) -> ChangeRequest:
    """The proposer takes it back while it is undecided."""
    change = locked_change(change_id)
    _check_is_proposer(actor, change)
    close(change, "withdraw", actor, now, reason=reason.strip()[:500])
    return change


def keep_house(*, now: datetime) -> None:
    """Revert emergencies that nobody ratified in time, then all the rest that time does."""
    revert_overdue(now=now)
    standing.keep_house(now=now)


def _check_is_proposer(actor: Actor, change: ChangeRequest) -> None:
    if actor.user is None or actor.user.pk != change.proposer_id:
        raise NotAllowed(f"Nothing was changed: only {change.proposer} can do this.")
