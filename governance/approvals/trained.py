"""Only who is trained for the role signs in it: who is left out, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse

from governance.access.models import Team, User
from governance.access.selectors import holders
from governance.access.training_selectors import why_untrained, why_untrained_each
from governance.approvals.models import ChangeRequest
from governance.approvals.rules import signs_as
from governance.approvals.shapes import titles
from governance.kernel.authority import Permission
from governance.kernel.errors import NotAllowed

if TYPE_CHECKING:
    from governance.approvals.planning import PlannedSlot


@dataclass(frozen=True)
class Untrained:
    """Somebody who holds the role and may not sign in it, with the words for why."""

    person: User
    why: str


def only_trained(
    people: Collection[User], permission: Permission, now: datetime
) -> tuple[list[User], tuple[Untrained, ...]]:
    """Who may sign under that permission, and who is left out for want of a training."""
    whys = why_untrained_each(people, permission, now)
    left_out = tuple(Untrained(one, whys[one.pk]) for one in people if one.pk in whys)
    return [one for one in people if one.pk not in whys], left_out


def signatories_of(
    roles: Sequence[str], team: Team | None, now: datetime
) -> tuple[list[User], tuple[Untrained, ...]]:
    """Who may sign in one of the roles now, each once, by name; and who only lacks a training."""
    trained: dict[int, User] = {}
    untrained: dict[int, Untrained] = {}
    for role in map(Permission, roles):
        found, left_out = only_trained(list(holders(role, team, now=now)), role, now)
        trained |= {one.pk: one for one in found}
        untrained |= {one.person.pk: one for one in left_out}
    people = sorted(trained.values(), key=lambda one: (one.name, one.pk))
    return people, tuple(one for pk, one in untrained.items() if pk not in trained)


def untrained_in_words(slots: Sequence[PlannedSlot]) -> str:
    """As in "Left out: Bea Board, no valid training “AI literacy”. ", each person once."""
    found = {one.person.pk: one for slot in slots for one in slot.untrained}
    if not found:
        return ""
    words = "; ".join(f"{one.person.name}, {one.why}" for one in found.values())
    return f"Left out: {words}. An administrator or compliance can record it. "


def trained_for(permissions: Sequence[str], user: User, now: datetime) -> set[str]:
    """Of the permissions under which this person would sign, those they are trained for.

    Raises NotAllowed, saying what is missing and where it is taken, when none of them is left.
    """
    whys = {one: why_untrained(user, one, now) for one in dict.fromkeys(permissions)}
    if whys and all(whys.values()):
        first = next(iter(whys))
        raise NotAllowed(
            f"Your decision was not counted: to sign as {signs_as(first)} you need a training, "
            f"and there is {whys[first]} of yours. “My training” ({reverse('access:my-training')}) "
            "says where it is taken; an administrator or compliance records it."
        )
    return {one for one, why in whys.items() if not why}


@dataclass(frozen=True)
class LeftOut:
    """Somebody who would sign a request if they were trained."""

    signs_as: str
    person: User
    why: str


def left_out_of(change: ChangeRequest, now: datetime) -> list[LeftOut]:
    """Whom only a missing training keeps from the free sign-offs of an open request now."""
    if change.state != "open":
        return []
    free = dict.fromkeys(slot.roles for slot in change.slots.filter(filled_by=None))
    return [
        LeftOut(titles(roles), one.person, one.why)
        for roles in free
        for one in signatories_of(roles, change.team, now)[1]
        if one.person.pk not in change.conflicted
    ]
