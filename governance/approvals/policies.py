"""The starting approval policies, by kind and tier: data that the installation copies."""

from __future__ import annotations

from governance.kernel.authority import Permission as P

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
    ("budget", "minimal"): _sign_offs((P.SIGN_BUDGET, 1)),
    ("budget", "limited"): _sign_offs((P.SIGN_BUDGET, 1), (P.SIGN_BOARD, 1)),
    ("budget", "high"): _sign_offs((P.SIGN_BUDGET, 1), (P.SIGN_BOARD, 1)),
}
