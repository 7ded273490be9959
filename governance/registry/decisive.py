"""What of a use case a decision rests on, whatever kind of change it is about."""

from __future__ import annotations

from django.db.models import Model

from governance.approvals.evidence_rules import Worse
from governance.approvals.registries import Evidence
from governance.kernel.terms import RiskTier
from governance.registry.models import UseCase


def use_case_of(subject: Model) -> UseCase | None:
    """The use case that a change is about: the subject, or what the subject belongs to."""
    found = subject if isinstance(subject, UseCase) else getattr(subject, "use_case", None)
    return found if isinstance(found, UseCase) else None


def risk_evidence(subject: Model) -> list[Evidence]:
    """The tier as it is assessed now; a higher one than at opening is worse."""
    use_case = use_case_of(subject)
    if use_case is None or not use_case.tier:
        return []
    tier = RiskTier(use_case.tier)
    return [
        Evidence(
            "Risk of the use case", tier, tier, key="risk", worse=Worse.HIGHER, grade=tier.level
        )
    ]
