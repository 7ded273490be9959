"""Approval policies: what they may say, and the starting ones that the installation copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.approvals.rules import SIGNING
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
    ("budget", "minimal"): _sign_offs((P.SIGN_BUDGET, 1)),
    ("budget", "limited"): _sign_offs((P.SIGN_BUDGET, 1), (P.SIGN_BOARD, 1)),
    ("budget", "high"): _sign_offs((P.SIGN_BUDGET, 1), (P.SIGN_BOARD, 1)),
}

LEAST_HOURS = 8
# Forty working days: a decision is due before the request runs out after sixty days.
MOST_HOURS = 320
MOST_DAYS = 1825
MOST_OF_ONE = 5


@dataclass(frozen=True)
class PolicyContent:
    """What one version says: how many of each sign-off, how fast, and for how long it holds."""

    counts: dict[str, int]
    decision_hours: int
    validity_days: int

    @property
    def sign_offs(self) -> SignOffs:
        return [{"permission": one, "count": count} for one, count in self.counts.items()]

    def as_proposal(self) -> dict[str, Any]:
        return {
            "sign_offs": self.sign_offs,
            "decision_hours": self.decision_hours,
            "validity_days": self.validity_days,
        }


def read_content(given: Mapping[str, Any]) -> PolicyContent:
    """The content from facts that are not trusted; raises Invalid with all that does not fit."""
    problems: dict[str, list[str]] = {}
    counts = _counts(given.get("sign_offs"), problems)
    hours = _whole(given, "decision_hours", LEAST_HOURS, MOST_HOURS, problems)
    days = _whole(given, "validity_days", 1, MOST_DAYS, problems)
    if problems:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=problems)
    return PolicyContent(counts, hours, days)


def _whole(
    given: Mapping[str, Any], name: str, least: int, most: int, problems: dict[str, list[str]]
) -> int:
    value = given.get(name)
    if type(value) is int and least <= value <= most:
        return value
    problems[name] = [f"A whole number from {least} to {most}."]
    return 0


def _counts(given: Any, problems: dict[str, list[str]]) -> dict[str, int]:
    """By permission, in their order, zeros left out."""
    counts: dict[str, int] = {}
    for one in given if isinstance(given, list) else []:
        permission, count = _pair(one)
        if permission not in SIGNING or permission in counts:
            problems["sign_offs"] = [f"Each once, of {', '.join(SIGNING)}."]
        elif type(count) is not int or not 0 <= count <= MOST_OF_ONE:
            problems[permission] = [f"A whole number from 0 to {MOST_OF_ONE}."]
        else:
            counts[permission] = count
    if not any(counts.values()):
        problems.setdefault("sign_offs", ["Somebody must sign: ask for at least one sign-off."])
    return {one.value: counts[one] for one in SIGNING if counts.get(one)}


def _pair(one: Any) -> tuple[str, Any]:
    if not isinstance(one, Mapping):
        return "", None
    return str(one.get("permission", "")), one.get("count")
