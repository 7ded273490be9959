"""Approval policies: what they may say, and the starting ones that the installation copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.approvals.shapes import SignOff, read_sign_offs, read_veto
from governance.kernel.authority import Permission as P
from governance.kernel.errors import Invalid
from governance.kernel.terms import RiskTier

# Nobody approves an unacceptable risk.
APPROVABLE = tuple(tier for tier in RiskTier if tier != RiskTier.UNACCEPTABLE)
SignOffs = list[dict[str, object]]


def _sign_offs(*needed: tuple[P, int]) -> SignOffs:
    return [{"permission": permission.value, "count": count} for permission, count in needed]


DECISION_HOURS = {"minimal": 40, "limited": 40, "high": 80}
VALIDITY_DAYS = {"minimal": 730, "limited": 365, "high": 180}

STARTING_POLICIES: dict[tuple[str, str], SignOffs] = {
    ("use_case_stage", "minimal"): _sign_offs((P.SIGN_BOARD, 1)),
    ("use_case_stage", "limited"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_COMPLIANCE, 1)),
    ("use_case_stage", "high"): _sign_offs(
        (P.SIGN_BOARD, 1), (P.SIGN_SAFETY, 1), (P.SIGN_COMPLIANCE, 1), (P.SIGN_DATA, 1)
    ),
    ("model_card", "minimal"): _sign_offs((P.SIGN_BOARD, 1)),
    ("model_card", "limited"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_SAFETY, 1)),
    ("model_card", "high"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_SAFETY, 1), (P.SIGN_DATA, 1)),
    ("deployment", "minimal"): _sign_offs((P.SIGN_BOARD, 1)),
    ("deployment", "limited"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_DATA, 1)),
    ("deployment", "high"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_SAFETY, 1), (P.SIGN_DATA, 1)),
    ("prompt_release", "minimal"): _sign_offs((P.SIGN_BOARD, 1)),
    ("prompt_release", "limited"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_TECHNICAL, 1)),
    ("prompt_release", "high"): _sign_offs(
        (P.SIGN_BOARD, 1), (P.SIGN_TECHNICAL, 1), (P.SIGN_SAFETY, 1)
    ),
    # Two people of two roles at every tier: even a small organisation can change its policies.
    **{
        ("approval_policy", tier): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_COMPLIANCE, 1))
        for tier in DECISION_HOURS
    },
    ("disclosure", "minimal"): _sign_offs((P.SIGN_COMPLIANCE, 1)),
    ("disclosure", "limited"): _sign_offs((P.SIGN_COMPLIANCE, 1)),
    ("disclosure", "high"): _sign_offs((P.SIGN_COMPLIANCE, 1), (P.SIGN_BOARD, 1)),
    # Compliance proposes these three, so somebody else signs them.
    **{
        (kind, tier): _sign_offs((P.SIGN_BOARD, 1))
        for kind in ("training_requirement", "vendor", "policy_document")
        for tier in DECISION_HOURS
    },
    # What use cases are scored by is the board's.
    **{("scoring_model", tier): _sign_offs((P.SIGN_BOARD, 1)) for tier in DECISION_HOURS},
    # Who screens proposes the rules; who sees less by them needs two more who agree.
    ("rule_set", "minimal"): _sign_offs((P.SIGN_BOARD, 1)),
    ("rule_set", "limited"): _sign_offs((P.SIGN_BOARD, 1)),
    ("rule_set", "high"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_COMPLIANCE, 1)),
    # What a deployment costs: finance signs, and never who proposed it.
    **{("prices", tier): _sign_offs((P.SIGN_BUDGET, 1)) for tier in DECISION_HOURS},
    # A second person of finance.
    **{("adjustment", tier): _sign_offs((P.SIGN_BUDGET, 1)) for tier in DECISION_HOURS},
    ("budget", "minimal"): _sign_offs((P.SIGN_BUDGET, 1)),
    ("budget", "limited"): _sign_offs((P.SIGN_BUDGET, 1), (P.SIGN_BOARD, 1)),
    ("budget", "high"): _sign_offs((P.SIGN_BUDGET, 1), (P.SIGN_BOARD, 1)),
    ("new_budget", "minimal"): _sign_offs((P.SIGN_BUDGET, 1)),
    ("new_budget", "limited"): _sign_offs((P.SIGN_BUDGET, 1)),
    ("new_budget", "high"): _sign_offs((P.SIGN_BUDGET, 1), (P.SIGN_BOARD, 1)),
    # Finance asks for these two, so others sign them.
    **{
        ("statement_reopening", tier): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_COMPLIANCE, 1))
        for tier in DECISION_HOURS
    },
    ("allocation_rule", "minimal"): _sign_offs((P.SIGN_BOARD, 1)),
    ("allocation_rule", "limited"): _sign_offs((P.SIGN_BOARD, 1)),
    ("allocation_rule", "high"): _sign_offs((P.SIGN_BOARD, 1), (P.SIGN_COMPLIANCE, 1)),
}

LEAST_HOURS = 8
# Forty working days: a decision is due before the request runs out after sixty days.
MOST_HOURS = 320
MOST_DAYS = 1825


@dataclass(frozen=True)
class PolicyContent:
    """What one version says: who signs and may stop it, how fast, for how long it holds."""

    lines: tuple[SignOff, ...]
    decision_hours: int
    validity_days: int
    veto: tuple[str, ...] = ()

    @property
    def sign_offs(self) -> SignOffs:
        return [one.as_json() for one in self.lines]

    @property
    def shaped(self) -> list[SignOff]:
        """The lines that say more than a count of one role in the first step."""
        return [one for one in self.lines if not one.is_plain]

    @property
    def counts(self) -> dict[str, int]:
        """By role, the other lines."""
        return {one.roles[0]: one.count for one in self.lines if one.is_plain}

    def as_proposal(self) -> dict[str, Any]:
        return {
            "sign_offs": self.sign_offs,
            "decision_hours": self.decision_hours,
            "validity_days": self.validity_days,
            "veto": list(self.veto),
        }


def read_content(given: Mapping[str, Any]) -> PolicyContent:
    """The content from facts that are not trusted; raises Invalid with all that does not fit."""
    problems: dict[str, list[str]] = {}
    lines = read_sign_offs(given.get("sign_offs"), problems)
    veto = read_veto(given.get("veto"), problems)
    hours = _whole(given, "decision_hours", LEAST_HOURS, MOST_HOURS, problems)
    days = _whole(given, "validity_days", 1, MOST_DAYS, problems)
    if problems:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=problems)
    return PolicyContent(lines, hours, days, veto)


def _whole(
    given: Mapping[str, Any], name: str, least: int, most: int, problems: dict[str, list[str]]
) -> int:
    value = given.get(name)
    if type(value) is int and least <= value <= most:
        return value
    problems[name] = [f"A whole number from {least} to {most}."]
    return 0
