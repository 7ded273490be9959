"""What feedback goes through, which rule takes it, and what a decision makes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from governance.kernel.transitions import Edge, TransitionTable
from reviews.intake.rules import point_of

LONGEST_COMMENT = 5_000
LONGEST_KEY = 200
MOST_PER_CALL = 20
"""Feedbacks of one call, after which no more is taken."""


class Thumb(StrEnum):
    UP = "up"
    DOWN = "down"


class FeedbackState(StrEnum):
    KEPT = "kept"
    IN_REVIEW = "in_review"
    SECOND_LOOK = "second_look"
    CONFIRMED = "confirmed"
    OVERTURNED = "overturned"
    CORRECTED = "corrected"
    LAPSED = "lapsed"


OPEN_STATES = (FeedbackState.IN_REVIEW, FeedbackState.SECOND_LOOK)
DECIDED_STATES = (FeedbackState.CONFIRMED, FeedbackState.OVERTURNED, FeedbackState.CORRECTED)

_RULE = "a feedback rule"
_REVIEWER = "a reviewer of the queue"
_LEAD = "a review lead"
_JUDGED = {"confirm": "confirmed", "overturn": "overturned", "correct": "corrected"}

FEEDBACK_STATES = TransitionTable(
    "Feedback.state",
    FeedbackState.KEPT,
    (
        Edge("kept", "take", "in_review", _RULE, "nobody decided on the answer yet"),
        Edge("kept", "look_again", "second_look", _RULE, "a person decided on the answer before"),
        *(Edge("in_review", act, to, _REVIEWER) for act, to in _JUDGED.items()),
        *(Edge("second_look", act, to, _LEAD) for act, to in _JUDGED.items()),
        *(
            Edge(state, act, to, _LEAD, "the decision is overturned later")
            for state in ("confirmed", "overturned", "corrected")
            for act, to in _JUDGED.items()
        ),
        Edge("in_review", "lapse", "lapsed", "the housekeeping job", "its call is kept no longer"),
        Edge(
            "second_look", "lapse", "lapsed", "the housekeeping job", "its call is kept no longer"
        ),
    ),
)


def what_follows(verdict: str, *, is_after_delivery: bool, overturns: bool) -> str | None:
    """The action on the feedback of an item that was decided so; None for what decides nothing.

    Approving what was delivered confirms it. Approving in the place of an earlier decision on a
    held answer says that what was sent was wrong.
    """
    if verdict == "correct":
        return "correct"
    if verdict == "reject":
        return "overturn"
    if verdict == "approve":
        return "overturn" if overturns and not is_after_delivery else "confirm"
    return None


@dataclass(frozen=True)
class FeedbackFacts:
    """What the rules may ask of a feedback."""

    call_id: UUID
    use_case: str
    thumb: str
    has_text: bool = False
    has_correction: bool = False


@dataclass(frozen=True)
class Conditions:
    """All that are named must hold; an empty one is no condition."""

    use_cases: tuple[str, ...] = ()
    thumbs: tuple[str, ...] = ()
    with_text: bool = False
    with_correction: bool = False

    def hold(self, one: FeedbackFacts) -> bool:
        return (
            (not self.use_cases or one.use_case in self.use_cases)
            and (not self.thumbs or one.thumb in self.thumbs)
            and (one.has_text or not self.with_text)
            and (one.has_correction or not self.with_correction)
        )


@dataclass(frozen=True)
class Rule:
    """One version of one rule. `share` in percent; `most_open` items of it wait at a time."""

    slug: str
    number: int
    position: int
    conditions: Conditions
    share: Decimal
    most_open: int

    @property
    def name(self) -> str:
        return f"feedback:{self.slug}@{self.number}"

    def takes(self, one: FeedbackFacts) -> bool:
        """Drawn by the call, so that saying it twice draws no second lot."""
        return self.conditions.hold(one) and point_of(one.call_id, self.name) < self.share / 100


def taking(rules: Iterable[Rule], one: FeedbackFacts) -> Rule | None:
    """The first rule, in their order, that takes the feedback."""
    ordered = sorted(rules, key=lambda rule: (rule.position, rule.slug))
    return next((rule for rule in ordered if rule.takes(one)), None)
