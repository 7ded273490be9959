"""An approval policy as a governed change: who signs what is itself signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team
from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest
from governance.approvals.planning import (
    PlannedSlot,
    holders_of,
    plan_slots,
    shortage,
    shortage_in_words,
)
from governance.approvals.policies import PolicyContent, read_content
from governance.approvals.registries import Evidence, change_subjects
from governance.approvals.services import open_change
from governance.approvals.shapes import shape_of, titles
from governance.approvals.standing import supersede_others
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404

# Who keeps the roles, who decides and who proves: they see what a policy does to the others.
PROPOSE = (Permission.PEOPLE_MANAGE, Permission.SIGN_BOARD, Permission.SIGN_COMPLIANCE)


class PolicySubject:
    """The policy of one kind at one tier; a granted change makes its next version."""

    kind = "approval_policy"
    label = "Approval policy"

    def find(self, subject_id: int) -> ApprovalPolicy:
        found: ApprovalPolicy = get_or_404(ApprovalPolicy.objects.all(), pk=subject_id)
        return found

    def snapshot(self, subject: ApprovalPolicy, proposal: dict[str, Any]) -> dict[str, Any]:
        return _shown(subject, read_content(proposal), subject.version + 1)

    def base(self, subject: ApprovalPolicy, proposal: dict[str, Any]) -> dict[str, Any]:
        return _shown(subject, content_of(subject), subject.version)

    def tier(self, subject: ApprovalPolicy, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier(subject.tier)

    def team(self, subject: ApprovalPolicy) -> Team | None:
        return None

    def authors(self, subject: ApprovalPolicy, proposal: dict[str, Any]) -> set[int]:
        """The proposer writes all of it, and is in conflict anyway."""
        return set()

    def missing(self, subject: ApprovalPolicy, proposal: dict[str, Any]) -> list[str]:
        try:
            content = read_content(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        if not subject.active:
            return ["the policy in force; this version has been replaced."]
        if content == content_of(subject):
            return ["a policy that differs from the one in force."]
        try:
            check_can_be_signed(subject.kind, content, timezone.now())
        except Invalid as refused:
            return [refused.message]
        return []

    def evidence(self, subject: ApprovalPolicy, proposal: dict[str, Any]) -> list[Evidence]:
        undecided = ChangeRequest.objects.undecided().filter(policy=subject).count()
        note = "They keep the policy they were opened under."
        return [
            Evidence(
                "Different people needed",
                _people_needed(read_content(proposal)),
                _people_needed(content_of(subject)),
            ),
            Evidence("Requests undecided under it", str(undecided), str(undecided), note=note),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        apply_policy(change=change, approval=approval, actor=actor, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops by itself: without a policy nothing could be changed, not even this."""

    def url(self, subject: ApprovalPolicy) -> str:
        return reverse("approvals:policy", args=[subject.kind, subject.tier])

    def check_can_propose(self, actor: Actor, subject: ApprovalPolicy) -> None:
        if not any(actor.may(one) for one in PROPOSE):
            raise NotAllowed(
                "Nothing was opened: board members, compliance and administrators propose "
                "approval policies."
            )

    def read_proposal(
        self, subject: ApprovalPolicy, given: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        return _title(subject), read_content(given).as_proposal()


def content_of(policy: ApprovalPolicy) -> PolicyContent:
    lines = tuple(shape_of(one) for one in policy.sign_offs)
    hours, days = policy.decision_hours, policy.validity_days
    return PolicyContent(lines, hours, days, tuple(policy.veto))


def _people_needed(content: PolicyContent) -> str:
    """A share counts who holds the role today."""
    if all(one.share is None for one in content.lines):
        return str(sum(one.count for one in content.lines))
    return str(len(plan_slots(content.sign_offs, None, (), timezone.now())))


def _shown(subject: ApprovalPolicy, content: PolicyContent, version: int) -> dict[str, Any]:
    """The content that is decided on; the version makes it stale when another came first."""
    shown: dict[str, Any] = {
        "kind": subject.kind,
        "tier": subject.tier,
        "version": version,
        "sign_offs": dict(one.as_field() for one in content.lines),
        "decision_hours": content.decision_hours,
        "validity_days": content.validity_days,
    }
    # Without one it reads as it did before there were any, so older requests do not go stale.
    return shown | {"veto": list(content.veto)} if content.veto else shown


def _title(policy: ApprovalPolicy) -> str:
    return f"Who signs {policy.kind.replace('_', ' ')} at tier {policy.tier}"


def check_can_be_signed(kind: str, content: PolicyContent, now: datetime) -> None:
    """Raise Invalid when nobody could fill a slot, saying who is missing beside its field.

    The policy of policies must also leave enough people besides whoever would propose the next
    change, or the organisation could never change it again.
    """
    slots = plan_slots(content.sign_offs, None, (), now)
    missing = shortage(slots)
    if not missing and kind == PolicySubject.kind:
        slots, missing = _shortage_beside_proposer(content, now)
    if missing:
        raise Invalid(
            "This policy could never be met: nobody is left who could sign as "
            f"{shortage_in_words(slots, missing)}. An administrator can grant the role first.",
            fields=_beside_fields(missing),
        )


def _beside_fields(missing: dict[tuple[str, ...], int]) -> dict[str, list[str]]:
    """By the role that is missing, alternatives under all sign-offs."""
    fields: dict[str, list[str]] = {}
    for roles, count in missing.items():
        name = roles[0] if len(roles) == 1 else "sign_offs"
        words = (
            "must hold this role first." if len(roles) == 1 else f"must be {titles(roles)} first."
        )
        fields.setdefault(name, []).append(f"{count} more {words}")
    return fields


def _shortage_beside_proposer(
    content: PolicyContent, now: datetime
) -> tuple[list[PlannedSlot], dict[tuple[str, ...], int]]:
    """What is missing with the proposer who leaves the most; nothing if one leaves enough."""
    proposers = holders_of(PROPOSE, None, now)
    plans = [plan_slots(content.sign_offs, None, {one.pk}, now) for one in proposers]
    left = [(slots, shortage(slots)) for slots in plans]
    return min(left, key=lambda one: sum(one[1].values()), default=([], {}))


def propose_policy(
    *,
    actor: Actor,
    kind: str,
    tier: str,
    proposal: dict[str, Any],
    reason: str,
    now: datetime,
) -> ChangeRequest:
    """Open the change to the next version of that policy; `proposal` is not trusted."""
    policy: ApprovalPolicy = get_or_404(
        ApprovalPolicy.objects.filter(active=True), kind=kind, tier=tier
    )
    change_subjects[PolicySubject.kind].check_can_propose(actor, policy)
    content = read_content(proposal)
    check_can_be_signed(kind, content, now)
    return open_change(
        actor=actor,
        kind=PolicySubject.kind,
        subject_id=policy.pk,
        proposal=content.as_proposal(),
        title=_title(policy),
        reason=reason,
        now=now,
    )


def apply_policy(
    *, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime
) -> ApprovalPolicy:
    """The next version takes the place of the one in force. Open requests keep theirs."""
    old = ApprovalPolicy.objects.select_for_update(no_key=True).get(pk=change.subject_id)
    if not old.active:
        raise WrongState("Nothing was changed: another version of this policy came first.")
    content = read_content(change.proposal)
    check_can_be_signed(old.kind, content, now)
    old.active = False
    old.save(update_fields=["active"])
    new = ApprovalPolicy.objects.create(
        kind=old.kind,
        tier=old.tier,
        version=old.version + 1,
        change=change,
        made_at=now,
        **content.as_proposal(),
    )
    versions = ApprovalPolicy.objects.versions_of(old.kind, old.tier)
    supersede_others(approval, list(versions.values_list("pk", flat=True)), now)
    record(
        actor=actor,
        action="policy.replaced",
        subject=new,
        now=now,
        before=content_of(old).as_proposal(),
        after=content.as_proposal(),
        reason=change.reason,
    )
    return new
