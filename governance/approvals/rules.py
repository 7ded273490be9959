"""Outcomes, states and who may fill a slot. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from governance.kernel.authority import ROLES
from governance.kernel.authority import Permission as P
from governance.kernel.transitions import Edge, TransitionTable

SIGNING = (
    P.SIGN_BOARD,
    P.SIGN_BUDGET,
    P.SIGN_COMPLIANCE,
    P.SIGN_DATA,
    P.SIGN_SAFETY,
    P.SIGN_TECHNICAL,
)


def signs_as(permission: str) -> str:
    """The title of the role that gives this sign-off."""
    titles = [role.title for role in ROLES.values() if P(permission) in role.permissions]
    return titles[0] if titles else permission


class Outcome(StrEnum):
    APPROVE = "approve"
    APPROVE_WITH_CONDITIONS = "approve_with_conditions"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    ABSTAIN = "abstain"
    EMERGENCY = "emergency"


# Letting an emergency through is a decision, but not one of those that fill a sign-off.
ORDINARY = tuple(one for one in Outcome if one != Outcome.EMERGENCY)
FAVOURABLE = frozenset({Outcome.APPROVE, Outcome.APPROVE_WITH_CONDITIONS})

CHANGE_STATES = TransitionTable(
    "ChangeRequest.state",
    "draft",
    (
        Edge("draft", "open", "open", "the proposer", "the gate misses nothing"),
        Edge("open", "grant", "approved", "the last sign-off", "every slot is filled"),
        Edge("approved", "apply", "applied", "the engine", "in the same transaction"),
        Edge("open", "request_changes", "changes_requested", "a signatory"),
        Edge("changes_requested", "revise", "open", "the proposer", "earlier decisions are void"),
        Edge("changes_requested", "withdraw", "withdrawn", "the proposer"),
        Edge("open", "revise", "open", "the proposer", "earlier decisions are void"),
        Edge("open", "reject", "rejected", "a signatory", "with a reason"),
        Edge("open", "withdraw", "withdrawn", "the proposer"),
        Edge("open", "expire", "expired", "the housekeeping job"),
        Edge("open", "go_stale", "stale", "the engine", "content, base or evidence has changed"),
        Edge("stale", "revise", "open", "the proposer", "earlier decisions are void"),
        Edge("stale", "withdraw", "withdrawn", "the proposer"),
        Edge("open", "let_through", "provisional", "two signatories", "an emergency, at once"),
        Edge("provisional", "ratify", "applied", "the last sign-off", "in time"),
        Edge(
            "provisional",
            "revert",
            "reverted",
            "a signatory or the housekeeping job",
            "refused, or not ratified in time",
        ),
        Edge("open", "bundle", "bundled", "the proposer", "nobody has decided yet"),
        Edge("bundled", "unbundle", "open", "the proposer", "takes the bundle apart"),
        Edge("bundled", "apply", "applied", "the engine", "with all others of its bundle"),
        Edge("bundled", "reject", "rejected", "a signatory", "with its bundle"),
        Edge("bundled", "expire", "expired", "the housekeeping job", "with its bundle"),
    ),
)
UNDECIDED = frozenset({"open", "bundled", "changes_requested", "provisional", "stale"})
# Where a signatory's decision counts.
DECIDABLE = frozenset({"open", "provisional"})

# How many let an emergency through, and how many working days they gain at the most.
EMERGENCY_VOICES = 2
EMERGENCY_DAYS = 3

APPROVAL_STATES = TransitionTable(
    "Approval.state",
    "in_force",
    (
        Edge("in_force", "suspend", "suspended", "a failed condition, or an incident"),
        Edge("suspended", "resume", "in_force", "a signatory of its kind"),
        Edge("in_force", "expire", "expired", "the housekeeping job", "its validity ran out"),
        Edge("suspended", "expire", "expired", "the housekeeping job", "its validity ran out"),
        Edge("in_force", "revoke", "revoked", "a signatory of its kind", "with a reason"),
        Edge("suspended", "revoke", "revoked", "a signatory of its kind", "with a reason"),
        Edge("in_force", "supersede", "superseded", "the engine", "a newer one was granted"),
        Edge("suspended", "supersede", "revoked", "the engine", "a newer one; nobody resumed it"),
        Edge("superseded", "reinstate", "in_force", "a roll-back", "while its validity lasts"),
    ),
)

POINT_STATES = TransitionTable(
    "ChangePoint.state",
    "open",
    (
        Edge("open", "resolve", "resolved", "the proposer", "with what was done"),
        Edge("resolved", "reopen", "open", "who asked, or a signatory", "with a reason"),
    ),
)

MEETING_STATES = TransitionTable(
    "Meeting.state",
    "planned",
    (
        Edge("planned", "open", "open", "the board or compliance", "something is on the agenda"),
        Edge("open", "close", "closed", "the board or compliance", "somebody was there"),
    ),
)
ITEM_STATES = TransitionTable(
    "AgendaItem.state",
    "waiting",
    (
        Edge("waiting", "finish", "done", "the board or compliance", "the meeting is open"),
        Edge("waiting", "defer", "deferred", "the board or compliance", "with a reason"),
        Edge("done", "take_up", "waiting", "the board or compliance"),
        Edge("deferred", "take_up", "waiting", "the board or compliance"),
    ),
)

CONDITION_STATES = ("open", "met", "overdue")


@dataclass(frozen=True)
class Slot:
    """One sign-off: whom it takes, who has filled it, in which step it comes."""

    identifier: int
    eligible: frozenset[int]
    filled_by: int | None = None
    step: int = 1


def step_reached(slots: Collection[Slot]) -> int | None:
    """The step whose slots can be filled now: the first with a free one; None if all are."""
    return min((slot.step for slot in slots if slot.filled_by is None), default=None)


def slot_to_fill(
    slots: Collection[Slot], person: int, decided: frozenset[int] = frozenset()
) -> int | None:
    """The free slot that this person should take; None if there is none for them now.

    Only of the step that is reached. Of the slots after which the others can still be filled,
    the one with the fewest eligible people, so that a narrow slot is not left to somebody who
    cannot come. `decided` are the people who have spoken already and fill nothing more.
    """
    if person in decided or any(slot.filled_by == person for slot in slots):
        return None
    now = step_reached(slots)
    free = [
        slot
        for slot in slots
        if slot.filled_by is None and slot.step == now and person in slot.eligible
    ]
    if not free:
        return None
    spoken = decided | {person}

    def rank(slot: Slot) -> tuple[bool, int, int]:
        others = [one for one in slots if one is not slot]
        return bool(cannot_be_filled(others, spoken)), len(slot.eligible), slot.identifier

    return min(free, key=rank).identifier


def cannot_be_filled(slots: Collection[Slot], decided: frozenset[int]) -> list[int]:
    """Free slots for which no distinct person is left, by their identifiers."""
    left = _free(slots, decided)
    return sorted(set(left) - set(_matched(left).values()))


def in_want(slots: Collection[Slot], decided: frozenset[int]) -> list[int]:
    """The free slots that are too many for their people together; one more person for any of
    them helps. Empty if distinct people are left for all.
    """
    left = _free(slots, decided)
    matched = _matched(left)
    reached = set(left) - set(matched.values())
    waiting = list(reached)
    while waiting:
        # Whoever could sign here signs elsewhere: that slot competes for the same people.
        others = {matched[person] for person in left[waiting.pop()].eligible} - reached
        reached |= others
        waiting += others
    return sorted(reached)


def _free(slots: Collection[Slot], decided: frozenset[int]) -> dict[int, Slot]:
    return {
        slot.identifier: Slot(slot.identifier, slot.eligible - decided)
        for slot in slots
        if slot.filled_by is None
    }


def _matched(slots: Mapping[int, Slot]) -> dict[int, int]:
    """Whom to put where, so that as many slots as possible have a distinct person.

    Bipartite matching by augmenting paths; steps do not matter, since nobody signs twice.
    """
    taken: dict[int, int] = {}

    def place(identifier: int, seen: set[int]) -> bool:
        for person in sorted(slots[identifier].eligible - seen):
            if person in seen:
                continue
            seen.add(person)
            if person not in taken or place(taken[person], seen):
                taken[person] = identifier
                return True
        return False

    for identifier in sorted(slots):
        place(identifier, set())
    return taken


def can_be_ratified(
    slots: Collection[Slot], spoken: frozenset[int], voices: int = EMERGENCY_VOICES
) -> bool:
    """Whether so many can still let it through and others be left for every free slot."""
    able = frozenset().union(*(slot.eligible for slot in slots)) - spoken
    return any(
        not cannot_be_filled(slots, spoken | frozenset(chosen))
        for chosen in combinations(sorted(able), voices)
    )


NOTICE_DAYS = (30, 7, 1)


def notice_due(days_left: int, noticed: int | None) -> int | None:
    """Which notice before the end is due now: 30, 7 or 1 days, each given once; None if none."""
    due = [
        days for days in NOTICE_DAYS if days_left <= days and (noticed is None or days < noticed)
    ]
    return min(due) if due else None
