"""What policy puts into the navigation and answers for the gates."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from governance.approvals.registries import change_subjects
from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.terms import Oversight, RiskTier
from governance.policy.rule_sets import RuleSetSubject
from governance.policy.rules import OVERSIGHT_FLOOR, lacks_oversight
from governance.registry.models import UseCase
from governance.registry.registries import GateEvidence, gate_evidence

navigation.add(
    "policy",
    NavigationItem(
        "Govern", "Obligations", "policy:overview", "shield", (Permission.USE_CASE_VIEW,), 70
    ),
)
navigation.add(
    "rule_sets",
    NavigationItem(
        "Govern",
        "Screening rules",
        "policy:rule-sets",
        "scan-search",
        (Permission.USE_CASE_VIEW,),
        71,
    ),
)
change_subjects.add(RuleSetSubject.kind, RuleSetSubject())
for action, sentence in {
    "rule_set.installed": "{actor} installed the {subject}",
    "rule_set.begun": "{actor} began the {subject}",
    "rule_set.replaced": "{actor} put other rules into the {subject}",
}.items():
    audit_actions.add(action, sentence)

audit_actions.add("encryption.rewrapped", "{actor} moved encrypted values to {subject}")


def oversight_gap(use_case: UseCase, now: datetime) -> str:
    """Not assessed counts as high: nobody knows yet that less is enough."""
    tier = RiskTier(use_case.tier or RiskTier.HIGH)
    if not lacks_oversight(Oversight(use_case.oversight), tier):
        return ""
    declared, floor = (one.replace("_", " ") for one in (use_case.oversight, OVERSIGHT_FLOOR[tier]))
    return f"oversight “{floor}” or stricter, because its risk is {tier}; it says “{declared}”."


gate_evidence.add(
    "oversight",
    GateEvidence(oversight_gap, lambda one: reverse("registry:step", args=[one.slug, "data"])),
)
