"""Use cases at a stage and cards that are approved: each with the decided change behind it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest
from governance.approvals.policies import DECISION_HOURS, STARTING_POLICIES, VALIDITY_DAYS
from governance.model_cards.models import ModelCard
from governance.registry.models import UseCase


def decided(
    kind: str,
    subject_id: int,
    proposer: User,
    *,
    proposal: dict[str, Any],
    base: dict[str, Any] | None = None,
    now: datetime | None = None,
    state: str = "applied",
) -> ChangeRequest:
    """A request as it stands after its decision, without the people who took it."""
    now = now or timezone.now()
    policy, _ = ApprovalPolicy.objects.get_or_create(
        kind=kind,
        tier="minimal",
        active=True,
        defaults={
            "sign_offs": STARTING_POLICIES[(kind, "minimal")],
            "decision_hours": DECISION_HOURS["minimal"],
            "validity_days": VALIDITY_DAYS["minimal"],
        },
    )
    return ChangeRequest.objects.create(
        kind=kind,
        subject_id=subject_id,
        subject_label=kind,
        title=f"Decided for a test: {kind}",
        reason="A test needs it.",
        proposal=proposal,
        snapshot={},
        digest="0" * 64,
        base=base or {},
        base_digest="0" * 64,
        tier="minimal",
        proposer=proposer,
        state=state,
        policy=policy,
        opened_at=now,
        due_at=now,
        expires_at=now,
        closed_at=now,
    )


def approve(change: ChangeRequest, now: datetime | None = None) -> Approval:
    """The approval that came of it, for ten years."""
    starts = now or change.opened_at
    return Approval.objects.create(
        change=change,
        kind=change.kind,
        subject_id=change.subject_id,
        digest=change.digest,
        valid_from=starts,
        valid_until=starts.replace(year=starts.year + 10, day=1),
    )


def at_stage(use_case: UseCase, stage: str) -> UseCase:
    """Move it there under a decided change."""
    if use_case.stage == stage:
        return use_case
    proposal, base = {"target": stage}, {"stage": use_case.stage}
    change = decided("use_case_stage", use_case.pk, use_case.owner, proposal=proposal, base=base)
    use_case.stage, use_case.stage_change = stage, change
    use_case.save(update_fields=["stage", "stage_change"])
    return use_case


def approve_card(card: ModelCard) -> ModelCard:
    """Approve it under an approval in force."""
    approve(decided("model_card", card.pk, card.author, proposal={}))
    card.state = "approved"
    card.save(update_fields=["state"])
    return card
