"""Who signs an open request when people leave it: free their slots, ask present holders.

Only slots that nobody has filled are touched. A favourable decision that somebody gave while
they held the role stays, also when they leave before the request is decided: it was given with
the right, and the engine asks whether it was when it is given, not later.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from governance.access.models import User
from governance.access.selectors import holders
from governance.approvals.models import ChangeRequest, SignOffSlot
from governance.approvals.moving import locked_change, tell_signatories, url_of, write_event
from governance.approvals.planning import holders_of
from governance.approvals.rules import UNDECIDED
from governance.approvals.seating import have_spoken, slots_in_want, why_stuck
from governance.approvals.trained import signatories_of
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState

A_PERSON_LEFT = "A person left."


@transaction.atomic
def replan(*, actor: Actor, change_id: int, reason: str, now: datetime) -> list[User]:
    """Ask those who hold the roles now, where too few of the people asked are left.

    Nobody is added to a slot that can be filled without them. Raises WrongState when nothing
    is missing, or nobody without a conflict could be added; the people that were added else.
    """
    change = locked_change(change_id)
    _check_can_replan(actor, change)
    if change.state not in UNDECIDED:
        raise WrongState(f"Nothing was changed: this request is {change.state}.")
    if not reason.strip():
        raise Invalid("Nothing was changed: say why.", fields={"reason": ["Say why."]})
    wanting = slots_in_want(change)
    if not wanting:
        raise WrongState("Nothing was changed: somebody is left for every open sign-off.")
    added = _ask_holders(change, wanting, actor, now, reason.strip()[:500])
    if not added:
        raise WrongState(
            "Nothing was changed: nobody else without a conflict holds the role. Grant it to "
            "somebody first."
        )
    return added


def may_replan(actor: Actor, change: ChangeRequest) -> bool:
    """Whoever grants the roles, but not in what they proposed, wrote, own or benefit from."""
    is_in_conflict = actor.user is not None and actor.user.pk in change.conflicted
    return actor.may(Permission.PEOPLE_MANAGE) and not is_in_conflict


def _check_can_replan(actor: Actor, change: ChangeRequest) -> None:
    if not may_replan(actor, change):
        raise NotAllowed(
            "Nothing was changed: an administrator without a conflict in this request asks "
            "further people to sign."
        )


def _ask_holders(
    change: ChangeRequest,
    wanting: Sequence[SignOffSlot],
    actor: Actor,
    now: datetime,
    reason: str,
) -> list[User]:
    """Add the present holders to these slots, write who came and tell whose turn it is."""
    out = {*change.conflicted, *have_spoken(change)}
    added: dict[int, User] = {}
    for slot in wanting:
        asked = {one.pk for one in slot.eligible.all()} | out
        present, _ = signatories_of(slot.roles, change.team, now)
        new = [one for one in present if one.pk not in asked]
        slot.eligible.add(*new)
        added |= {one.pk: one for one in new}
    if added:
        names = sorted(one.name for one in added.values())
        write_event(actor, "change.replanned", change, now, reason=reason, after={"asked": names})
        if change.state == "open":
            tell_signatories(change, now)
    return list(added.values())


def free_slots_of(person: User, now: datetime) -> None:
    """Somebody's account or role has ended: where they were asked, others are."""
    asked = ChangeRequest.objects.undecided().filter(slots__filled_by=None, slots__eligible=person)
    for change_id in asked.order_by("pk").values_list("pk", flat=True).distinct():
        tend_slots(actor=Actor.system("approvals"), change_id=change_id, now=now)


def changes_left(now: datetime) -> list[int]:
    """Undecided requests that still ask somebody who no longer holds the role."""
    slots = SignOffSlot.objects.filter(change__state__in=UNDECIDED, filled_by=None)
    held: dict[tuple[tuple[str, ...], int | None], set[int]] = {}
    found = set()
    for slot in slots.select_related("change__team").prefetch_related("eligible"):
        key = (slot.roles, slot.change.team_id)
        if key not in held:
            held[key] = {one.pk for one in holders_of(slot.roles, slot.change.team, now)}
        if any(one.pk not in held[key] for one in slot.eligible.all()):
            found.add(slot.change_id)
    return sorted(found)


@transaction.atomic
def tend_slots(*, actor: Actor, change_id: int, now: datetime) -> bool:
    """Take out of the free slots who no longer holds their role; whether somebody was.

    Where too few are left then, those who hold the role now are asked; if that does not
    suffice, whoever can do something about it is told.
    """
    change = locked_change(change_id)
    gone = _take_out_leavers(change, now) if change.state in UNDECIDED else []
    if not gone:
        return False
    left = {"no_longer_asked": sorted(one.name for one in gone)}
    write_event(actor, "change.slots_freed", change, now, reason=A_PERSON_LEFT, after=left)
    wanting = slots_in_want(change)
    if wanting:
        _ask_holders(change, wanting, actor, now, A_PERSON_LEFT)
    tell_if_stuck(change, now)
    return True


def _take_out_leavers(change: ChangeRequest, now: datetime) -> Collection[User]:
    gone: dict[int, User] = {}
    for slot in change.slots.filter(filled_by=None).prefetch_related("eligible"):
        held = {one.pk for one in holders_of(slot.roles, change.team, now)}
        leavers = [one for one in slot.eligible.all() if one.pk not in held]
        slot.eligible.remove(*leavers)
        gone |= {one.pk: one for one in leavers}
    return gone.values()


def tell_if_stuck(change: ChangeRequest, now: datetime) -> None:
    """The proposer, the board and the administrators, when too few are left to sign."""
    if not why_stuck(slots_in_want(change)):
        return
    people = {change.proposer_id: change.proposer}
    for permission in (Permission.SIGN_BOARD, Permission.PEOPLE_MANAGE):
        people |= {one.pk: one for one in holders(permission, now=now)}
    title = f"Nobody is left to sign: {change.title}"
    notify(users=people.values(), title=title, url=url_of(change), now=now)
