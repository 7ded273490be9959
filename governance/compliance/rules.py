"""What a control is, what evidence is, and when evidence answers a control. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

FULL = Decimal(1)


class ControlState(StrEnum):
    """How far our records answer a control."""

    ANSWERED = "answered"
    PARTLY = "partly_answered"
    STALE = "stale"
    NONE = "no_evidence"

    @property
    def in_words(self) -> str:
        return STATE_WORDS[self]


STATE_WORDS = {
    ControlState.ANSWERED: "Answered: all of its evidence is fresh and reaches what is asked.",
    ControlState.PARTLY: "Partly answered: some of its evidence is absent or falls short.",
    ControlState.STALE: "Stale: it has evidence, but some is older than it may be.",
    ControlState.NONE: "No evidence: nothing in the records answers it.",
}

CONTROL_STATE_CHOICES = [(one.value, one.value) for one in ControlState]


@dataclass(frozen=True)
class Control:
    """One thing that a framework asks for, in our own words, and the keys of what answers it."""

    ref: str
    code: str
    title: str
    asks: str
    source: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Framework:
    """A set of controls in our own words."""

    slug: str
    title: str
    version: str
    source: str
    note: str
    controls: tuple[Control, ...]

    def control(self, ref: str) -> Control | None:
        return next((one for one in self.controls if one.ref == ref), None)


@dataclass(frozen=True)
class Evidence:
    """What the records say now: a sentence, n of m, how new the newest record is, where they are."""

    sentence: str
    numerator: int
    denominator: int
    freshness: datetime | None
    url: str

    @property
    def share(self) -> Decimal:
        """From 0 to 1; nothing to count is 0."""
        return Decimal(self.numerator) / self.denominator if self.denominator else Decimal(0)


def evidence_state(
    evidence: Evidence, *, at_least: Decimal, fresh_for: timedelta, now: datetime
) -> ControlState:
    """Of one evidence: nothing shown is none, then its age counts, then how far it reaches."""
    if not evidence.numerator or not evidence.denominator or evidence.freshness is None:
        return ControlState.NONE
    if now - evidence.freshness > fresh_for:
        return ControlState.STALE
    return ControlState.ANSWERED if evidence.share >= at_least else ControlState.PARTLY


def control_state(states: Iterable[ControlState]) -> ControlState:
    """Of a control: answered by all or by none of its evidence; else its weakness is named."""
    found = set(states)
    if not found:
        return ControlState.NONE
    if len(found) == 1:
        return found.pop()
    return ControlState.STALE if ControlState.STALE in found else ControlState.PARTLY


def coverage(states: Sequence[ControlState]) -> dict[str, int]:
    """How many controls are in each state, in the order of the states, and `all`."""
    return {"all": len(states)} | {one.value: states.count(one) for one in ControlState}
