"""What a difference goes through, and when two figures are the same. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class LineState(StrEnum):
    OPEN = "open"
    MATCHED = "matched"
    ADJUSTED = "adjusted"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"


_FINANCE = "finance"
LINE_STATES = TransitionTable(
    "ReconciliationLine.state",
    LineState.OPEN,
    (
        Edge("open", "match", "matched", "the comparison", "it lies within the tolerances"),
        Edge("open", "adjust", "adjusted", _FINANCE, "the difference is booked"),
        Edge("open", "accept", "accepted", _FINANCE, "it stays as it is"),
        Edge("open", "dispute", "disputed", _FINANCE, "the provider is asked"),
        Edge("disputed", "adjust", "adjusted", _FINANCE, "the provider was right"),
        Edge("disputed", "accept", "accepted", _FINANCE, "the provider took it back"),
    ),
)
UNRESOLVED = (LineState.OPEN, LineState.DISPUTED)


def is_within(ours: Decimal, theirs: Decimal, absolute: Decimal, percent: Decimal) -> bool:
    """Whether they differ by no more than an amount, or than percent of theirs."""
    difference = abs(theirs - ours)
    return difference <= absolute or difference * 100 <= percent * abs(theirs)


def share_of(ours: Decimal, theirs: Decimal) -> Decimal | None:
    """The difference in percent of ours to two places; None where ours is 0."""
    if not ours:
        return None
    return ((theirs - ours) * 100 / ours).quantize(Decimal("0.01"))
