"""What becomes of an item that one reviewer hands to another. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable

LONGEST_NOTE = 1_000
KEPT_HOURS = 8
SHORTEST_KEPT_HOURS = 1
"""How long an item is kept for one person: until it is near due, within these bounds."""


class HandOverState(StrEnum):
    WAITING = "waiting"
    TAKEN = "taken"
    GIVEN_BACK = "given_back"
    RETURNED = "returned"
    REPLACED = "replaced"


HAND_OVER_STATES = TransitionTable(
    "HandOver.state",
    HandOverState.WAITING,
    (
        Edge("waiting", "take", "taken", "the colleague", "they claim the item"),
        Edge("waiting", "give_back", "given_back", "the colleague", "kept for who handed it"),
        Edge("taken", "give_back", "given_back", "the colleague", "who holds it"),
        Edge("waiting", "return", "returned", "the clock", "nobody took it, or they went away"),
        Edge("waiting", "replace", "replaced", "a review lead", "who gave it to somebody else"),
    ),
)


@dataclass(frozen=True)
class Place:
    """How many items of a queue one person may have at a time and take a day, and has; None: any."""

    at_once: int | None
    a_day: int | None
    has: int
    done: int

    @property
    def free(self) -> int | None:
        """How many more may come to them now; None for any number."""
        rooms = []
        if self.at_once is not None:
            rooms.append(self.at_once - self.has)
        if self.a_day is not None:
            rooms.append(self.a_day - self.done - self.has)
        return max(0, min(rooms)) if rooms else None

    def takes(self, count: int) -> bool:
        return self.free is None or self.free >= count

    @property
    def full_words(self) -> str:
        """Which limit is reached, to follow a name: “has 5 of 5 at a time”; empty where none is."""
        if self.at_once is not None and self.has >= self.at_once:
            return f"has {self.has} of {self.at_once} at a time"
        if self.a_day is not None and self.done + self.has >= self.a_day:
            return f"has {self.done + self.has} of {self.a_day} for today"
        return ""
