"""What a reviewer may decide. Pure."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    APPROVE = "approve"
    CORRECT = "correct"
    REJECT = "reject"
    ESCALATE = "escalate"


NEEDS_RATIONALE = frozenset({Verdict.REJECT, Verdict.ESCALATE})
"""A caller who gets nothing, and a colleague who gets more work, deserve the reason."""

CALL_VERDICT = {
    Verdict.APPROVE: "released",
    Verdict.CORRECT: "corrected",
    Verdict.REJECT: "rejected",
}
"""What the call becomes by the decision."""
