"""Outcomes, states and who may fill a slot. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

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
        Edge("open", "go_stale", "stale", "the engine", "content or base has changed"),
        Edge("stale", "revise", "open", "the proposer", "earlier decisions are void"),
        Edge("stale", "withdraw", "withdrawn", "the proposer"),
    ),
)
UNDECIDED = frozenset({"open", "changes_requested", "stale"})

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

CONDITION_STATES = ("open", "met", "overdue")


@dataclass(frozen=True)
class Slot:
    """One sign-off: whom it takes, who has filled it."""

    identifier: int
    eligible: frozenset[int]
    filled_by: int | None = None


def slot_to_fill(
    slots: Collection[Slot], person: int, decided: frozenset[int] = frozenset()
) -> int | None:
    """The free slot that this person should take; None if there is none for them.

    Of the slots after which the others can still be filled, the one with the fewest eligible
    people, so that a narrow slot is not left to somebody who cannot come. `decided` are the
    people who have spoken already and fill nothing more.
    """
    if person in decided or any(slot.filled_by == person for slot in slots):
        return None
    free = [slot for slot in slots if slot.filled_by is None and person in slot.eligible]
    if not free:
        return None
    spoken = decided | {person}

    def rank(slot: Slot) -> tuple[bool, int, int]:
        others = [one for one in slots if one is not slot]
        return bool(cannot_be_filled(others, spoken)), len(slot.eligible), slot.identifier

    return min(free, key=rank).identifier


def cannot_be_filled(slots: Collection[Slot], decided: frozenset[int]) -> list[int]:
    """Free slots for which no distinct person is left, by their identifiers."""
    left = [
        Slot(slot.identifier, slot.eligible - decided) for slot in slots if slot.filled_by is None
    ]
    placed = _placed(left)
    return sorted(slot.identifier for slot in left if slot.identifier not in placed)


def _placed(slots: Collection[Slot]) -> set[int]:
    """As many slots as distinct people can fill (bipartite matching by augmenting paths)."""
    taken: dict[int, int] = {}
    by_id = {slot.identifier: slot for slot in slots}

    def place(identifier: int, seen: set[int]) -> bool:
        for person in sorted(by_id[identifier].eligible - seen):
            seen.add(person)
            if person not in taken or place(taken[person], seen):
                taken[person] = identifier
                return True
        return False

    return {identifier for identifier in sorted(by_id) if place(identifier, set())}


NOTICE_DAYS = (30, 7, 1)


def notice_due(days_left: int, noticed: int | None) -> int | None:
    """Which notice before the end is due now: 30, 7 or 1 days, each given once; None if none."""
    due = [
        days for days in NOTICE_DAYS if days_left <= days and (noticed is None or days < noticed)
    ]
    return min(due) if due else None
