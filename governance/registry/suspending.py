"""What a rule stops by itself: a use that nobody may approve, and data above what may see it."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from governance.access.models import User
from governance.access.selectors import holders
from governance.approvals.models import Approval
from governance.approvals.standing import end_approval
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.terms import RiskTier
from governance.registry.models import RiskAssessment, UseCase
from governance.registry.registries import use_case_kinds
from governance.registry.selectors import facts_of, prohibited_by

SYSTEM = Actor.system("registry")


def forbidden_because(use_case: UseCase, assessment: RiskAssessment | None) -> tuple[str, ...]:
    """The rules by which nobody may approve it as it was assessed last; empty if somebody may."""
    if assessment is None:
        return ()
    if found := prohibited_by(assessment):
        return found
    rules = tuple(
        rule["because"]
        for rule in assessment.fired_rules
        if rule.get("tier") == RiskTier.UNACCEPTABLE
    )
    if not rules and use_case.tier == RiskTier.UNACCEPTABLE:
        return ("A person judged its risk unacceptable.",)
    return rules


def standing_approvals(use_case_ids: list[int]) -> list[Approval]:
    """In force, of every kind that rests on these use cases."""
    found: list[Approval] = []
    for kind, rests in use_case_kinds.items():
        standing = Approval.objects.filter(kind=kind, state="in_force")
        found += standing.filter(subject_id__in=list(rests.subjects(use_case_ids)))
    return sorted(found, key=lambda one: one.pk)


def suspend_forbidden(*, use_case: UseCase, assessment: RiskAssessment, now: datetime) -> int:
    """Stop what was approved before the last assessment forbade it; how many approvals.

    Part of the transaction that records the assessment, which holds the use case locked.
    """
    because = forbidden_because(use_case, assessment)
    if not because:
        return 0
    stopped = standing_approvals([use_case.pk])
    reason = f"Nobody may approve this use: {' '.join(because)}"
    suspend(stopped, reason, now)
    if stopped:
        tell([use_case], "Suspended, its use is not allowed", now)
    return len(stopped)


def suspend(approvals: list[Approval], reason: str, now: datetime) -> None:
    for one in approvals:
        end_approval(
            actor=SYSTEM, approval_id=one.pk, action="suspend", reason=reason[:300], now=now
        )


def tell(use_cases: list[UseCase], title: str, now: datetime, *, widely: bool = True) -> None:
    """Tell each owner, and unless it is only theirs to mend the board and compliance."""
    wide = (Permission.SIGN_BOARD, Permission.SIGN_COMPLIANCE) if widely else ()
    for use_case in use_cases:
        told: dict[int, User] = {use_case.owner_id: use_case.owner}
        for permission in wide:
            told |= {one.pk: one for one in holders(permission, use_case.team, now=now)}
        url = reverse("registry:detail", args=[use_case.slug])
        notify(users=list(told.values()), title=f"{title}: {use_case}", url=url, now=now)


def why_not_resumed(approval: Approval, now: datetime) -> str:
    """Why this approval stays suspended whoever asks; empty when people may decide."""
    if approval.kind not in use_case_kinds:
        return ""
    kind = use_case_kinds[approval.kind]
    found = UseCase.objects.filter(pk__in=kind.use_cases([approval.subject_id]).values())
    use_case = found.prefetch_related("datasets").first()
    if use_case is None:
        return ""
    because = forbidden_because(use_case, use_case.risk_assessments.first())
    if because:
        return f"nobody may approve this use: {' '.join(because)}"
    data = facts_of(use_case).datasets
    if data and approval.pk in kind.unfit([use_case.pk], data, ("in_force", "suspended")):
        return f"its data is {data}, above what this approval covers."
    return ""
