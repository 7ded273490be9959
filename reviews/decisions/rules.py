"""What a reviewer may decide. Pure."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum

from governance.kernel.terms import Oversight, RiskTier
from governance.policy.rules import effective_oversight


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

LONGEST_TEXT = 200_000
LONGEST_RATIONALE = 5_000
LONGEST_SECONDS = 7 * 24 * 3600

_OVERSIGHT = {
    Oversight.NONE: "no answer waits for a person",
    Oversight.SAMPLED: "a sample of {share} % of the answers waits for a person",
    Oversight.LOW_CONFIDENCE: "answers of low or unknown confidence wait for a person",
    Oversight.ON_FINDING: "answers in which the screens found something wait for a person",
    Oversight.ALL: "every answer waits for a person",
}


def oversight_in_words(declared: Oversight, tier: RiskTier, share: Decimal) -> str:
    """The sentence that says which policy holds answers of such a use case, and whose it is."""
    effective = effective_oversight(declared, tier)
    means = _OVERSIGHT[effective].format(share=f"{share.normalize():f}")
    if effective == declared:
        return f"The use case declares that {means}."
    own = _OVERSIGHT[declared].format(share=f"{share.normalize():f}")
    return f"Its {tier} risk obliges that {means}; the use case itself only declares that {own}."


def readable(text: str) -> str:
    """JSON with line breaks, everything else as it is. Two spellings of one JSON are equal."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
