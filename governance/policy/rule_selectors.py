"""Reads of rule sets that pages and API share."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from governance.approvals.models import Decision
from governance.policy.models import RuleSet, RuleSetVersion

APPROVING = ("approve", "approve_with_conditions")


def versions() -> QuerySet[RuleSetVersion]:
    """Every version with who proposed and who approved it."""
    decisions = Decision.objects.filter(is_void=False, outcome__in=APPROVING)
    return RuleSetVersion.objects.select_related("change__proposer").prefetch_related(
        Prefetch(
            "change__decisions", decisions.select_related("person"), to_attr="approving_decisions"
        )
    )


def rule_sets() -> QuerySet[RuleSet]:
    """Every set with the version in force as `in_force`, and what the installation brought as
    `as_installed`: lists of one, or of none.
    """
    active = versions().filter(active=True)
    installed = RuleSetVersion.objects.filter(version=1, change=None)
    return RuleSet.objects.prefetch_related(
        Prefetch("versions", active, to_attr="in_force"),
        Prefetch("versions", installed, to_attr="as_installed"),
    )


def approvers(version: RuleSetVersion) -> list[str]:
    """Names of those who approved it; empty for what the installation brought."""
    if version.change is None:
        return []
    return [one.person.name for one in version.change.approving_decisions]  # type: ignore[attr-defined]  # prefetched
