"""Whose turn it is in a request, who has spoken, who may stop it, and who is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from governance.access.models import User
from governance.approvals.models import ChangeRequest, Delegation, SignOffSlot
from governance.approvals.rules import in_want, step_reached
from governance.approvals.shapes import titles
from governance.kernel.authority import Permission


def have_spoken(change: ChangeRequest) -> frozenset[int]:
    """Who has decided, or has been decided for: one sign-off each, whoever gave it."""
    standing = change.decisions.filter(is_void=False)
    pairs = standing.values_list("person_id", "on_behalf_of_id")
    return frozenset(one for pair in pairs for one in pair if one is not None)


def veto_of(change: ChangeRequest, person: User) -> str:
    """The role by which this person may stop the request; empty if there is none.

    A veto is a rejection without a slot: whoever holds such a role when they reject, has no
    conflict and has not decided on this revision closes the request, at any step. They can do
    nothing else without a slot, and nobody vetoes in somebody's place. The roles are those of
    the policy that the request is under; the people are not frozen, since a veto only stops.
    """
    for role in change.policy.veto:
        if person.may(Permission(role), change.team):
            return str(role)
    return ""


def why_not_yet(slots: Sequence[SignOffSlot], people: Collection[int]) -> str:
    """Whose turn it is, if that of these people comes later; empty if it never does."""
    reached = step_reached([slot.as_slot() for slot in slots])
    free = [slot for slot in slots if slot.filled_by_id is None]
    if not any(slot.step != reached and slot.as_slot().eligible & set(people) for slot in free):
        return ""
    first = [slot for slot in free if slot.step == reached]
    signing = " and ".join(dict.fromkeys(slot.label for slot in first))
    names = {one.pk: one.name for slot in first for one in slot.eligible.all()}
    waits = f" ({' or '.join(names.values())})" if names else ""
    return f"It is not your turn yet. First must sign: {signing}{waits}."


def turn_in_words(
    slots: list[SignOffSlot], person: User, spoken: frozenset[int], now: datetime
) -> str:
    """Whose turn it is, if this person's or that of whom they stand in for comes later."""
    if person.pk in spoken:
        return ""
    stood_in_for = {one.delegator_id for one in delegations_to(person, now)}
    return why_not_yet(slots, {person.pk} | (stood_in_for - spoken))


def delegations_to(delegate: User, now: datetime) -> QuerySet[Delegation]:
    """Those that let this person sign in somebody's place now."""
    usable = Delegation.objects.usable(now).filter(delegate=delegate)
    return usable.select_related("delegator").order_by("pk")


def slots_in_want(change: ChangeRequest) -> list[SignOffSlot]:
    """The free slots that compete for too few people; empty if somebody is left for all."""
    slots = list(change.slots.prefetch_related("eligible"))
    wanting = set(in_want([slot.as_slot() for slot in slots], have_spoken(change)))
    return [slot for slot in slots if slot.pk in wanting]


def why_stuck(wanting: Sequence[SignOffSlot]) -> str:
    """What is missing and what to do about it; empty if nothing is."""
    if not wanting:
        return ""
    who = ", ".join(dict.fromkeys(slot.label for slot in wanting))
    return (
        f"This request is blocked: too few people are left who could sign as {who}. An "
        "administrator can grant the role to somebody without a conflict and then ask them "
        "here. Or the proposer opens a new revision, which asks everybody who holds the roles."
    )


@dataclass(frozen=True)
class Step:
    """The slots that are signed at one time; `state` is done, now or later."""

    number: int
    state: str
    slots: tuple[SignOffSlot, ...]


def steps_of(change: ChangeRequest) -> list[Step]:
    """The slots by their steps, with people and who filled them."""
    slots = list(change.slots.select_related("filled_by").prefetch_related("eligible"))
    reached = step_reached([slot.as_slot() for slot in slots])
    numbers = sorted({slot.step for slot in slots})
    return [
        Step(number, _state(number, reached), tuple(s for s in slots if s.step == number))
        for number in numbers
    ]


def _state(number: int, reached: int | None) -> str:
    if reached is None or number < reached:
        return "done"
    return "now" if number == reached else "later"


def veto_in_words(change: ChangeRequest) -> str:
    """As in "Safety officer may stop this at any step"; empty if no role may."""
    veto = change.policy.veto
    return f"{titles(veto)} may stop this at any step." if veto else ""
