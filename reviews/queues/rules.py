"""What a review item goes through. Pure."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable

LEASE = timedelta(minutes=10)
"""How long a claim holds without a sign of life; typing renews it."""

MOST_SKIPS = 3
"""After so many skips by one person the item is not offered to them again."""

UNDO_SECONDS = 10
LONGEST_UNDO_SECONDS = 600
"""How long a decision can be taken back, before the answer leaves; 0 is not at all."""


class ItemState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    PENDING = "pending"
    ASKED = "asked"
    DECIDED = "decided"


REVIEW_ITEM_STATES = TransitionTable(
    "ReviewItem.state",
    ItemState.WAITING,
    (
        Edge("waiting", "claim", "claimed", "a reviewer of the queue", "nobody holds it"),
        Edge("claimed", "release", "waiting", "the reviewer who holds it"),
        Edge("claimed", "skip", "waiting", "the reviewer who holds it", "with a reason"),
        Edge("claimed", "lease_ran_out", "waiting", "the housekeeping job"),
        Edge("claimed", "decide", "decided", "the reviewer who holds it"),
        Edge("claimed", "hold_back", "pending", "the reviewer who holds it", "it can be undone"),
        Edge("pending", "undo", "claimed", "the reviewer who decided", "before it is final"),
        Edge("pending", "finalise", "decided", "the clock", "the undo time has passed"),
        Edge("pending", "expire", "decided", "the housekeeping job", "its text is kept no longer"),
        Edge("claimed", "escalate", "waiting", "the reviewer who holds it", "in the next queue"),
        Edge("waiting", "escalate", "waiting", "a review lead, or a breached SLA", "next queue"),
        Edge("claimed", "ask", "asked", "the reviewer who holds it", "the clock stands still"),
        Edge("asked", "answer", "waiting", "whoever was asked", "the clock goes on"),
        Edge("asked", "withdraw", "waiting", "who asked, or a review lead", "the clock goes on"),
        Edge("asked", "expire", "decided", "the housekeeping job", "its text is kept no longer"),
        Edge("waiting", "expire", "decided", "the housekeeping job", "its text is kept no longer"),
        Edge("waiting", "move", "waiting", "a review lead of both queues", "in another queue"),
        Edge("claimed", "hand", "waiting", "the reviewer who holds it", "kept for a colleague"),
        Edge("claimed", "share", "waiting", "the reviewer who holds it", "others must agree"),
        Edge("claimed", "expire", "decided", "the housekeeping job", "its text is kept no longer"),
    ),
)
