"""What a reviewer may decide. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from governance.kernel.terms import Oversight, RiskTier, cannot_be_kept
from governance.kernel.transitions import Edge, TransitionTable
from governance.policy.rules import effective_oversight
from reviews.decisions import exact_json


class Verdict(StrEnum):
    APPROVE = "approve"
    CORRECT = "correct"
    REJECT = "reject"
    ESCALATE = "escalate"


# What ends it; escalating hands it on.
ENDING_VERDICTS = ("approve", "correct", "reject")


@dataclass(frozen=True)
class Judgement:
    """What the person filled in. `corrected_text` only counts for the verdict correct."""

    verdict: Verdict
    corrected_text: str | None
    rationale: str
    labels: tuple[str, ...]
    seconds_spent: int


class PendingState(StrEnum):
    WAITING = "waiting"
    FINAL = "final"
    UNDONE = "undone"
    LAPSED = "lapsed"


PENDING_STATES = TransitionTable(
    "PendingDecision.state",
    PendingState.WAITING,
    (
        Edge("waiting", "finalise", "final", "the clock", "the queue's undo time has passed"),
        Edge("waiting", "undo", "undone", "the reviewer who decided", "before that"),
        Edge("waiting", "lapse", "lapsed", "the housekeeping job", "its text is kept no longer"),
    ),
)

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
    """JSON with line breaks and its own digits, everything else as it is.

    Two spellings of one JSON are equal.
    """
    try:
        written = exact_json.dumps(exact_json.loads(text))
    except (exact_json.NotExact, RecursionError):
        return text
    # Half of a surrogate pair can be escaped in JSON, and stand on no page.
    return text if cannot_be_kept(written) else written
