"""A person says that they have an interest in a request, and decides nothing of it then."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from governance.access.models import User
from governance.approvals.models import ChangeRequest, DeclaredConflict
from governance.approvals.moving import locked_change, tell_signatories, write_event
from governance.approvals.replanning import tell_if_stuck
from governance.approvals.rules import FAVOURABLE, UNDECIDED, Outcome
from governance.approvals.shapes import roles_of
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState

# What counts for a request: a signature, or a voice that lets an emergency through.
VOICES = FAVOURABLE | {Outcome.EMERGENCY}


@transaction.atomic
def declare_conflict(
    *, actor: Actor, change_id: int, reason: str, now: datetime
) -> DeclaredConflict:
    """Leave all slots of this request, with whoever would sign in one's place.

    What the person signed on this revision, or was signed for them, becomes void with its
    conditions, and the slot is free again. It cannot be taken back, and holds for every
    revision. Raises WrongState once the request is decided, or when they are left out already.
    """
    change = locked_change(change_id)
    if actor.kind != "person":
        raise NotAllowed("Nothing was changed: people have conflicts of interest.")
    if change.state not in UNDECIDED:
        raise WrongState(f"Nothing was changed: this request is {change.state}.")
    if actor.user.pk in change.conflicted:
        raise WrongState("Nothing was changed: you are left out of this request already.")
    if not may_declare(actor, change):
        raise NotAllowed("Nothing was changed: you are not asked to sign this request.")
    if not reason.strip():
        raise Invalid(
            "Nothing was declared: say in a sentence what the interest is.",
            fields={"reason": ["Say what the interest is."]},
        )
    declared = DeclaredConflict.objects.create(
        change=change, person=actor.user, reason=reason.strip()[:500], at=now
    )
    change.conflicted = sorted({*change.conflicted, actor.user.pk})
    change.save(update_fields=["conflicted"])
    for slot in change.slots.filter(eligible=actor.user):
        slot.eligible.remove(actor.user)
    voided = _void_signatures(change, actor.user)
    after = {"signatures_void": voided}
    write_event(actor, "change.conflict_declared", change, now, reason=declared.reason, after=after)
    if voided and change.state == "open":
        tell_signatories(change, now)
    tell_if_stuck(change, now)
    return declared


def may_declare(actor: Actor, change: ChangeRequest) -> bool:
    """Asked to sign, in their own or somebody's place, or of a role that signs or stops it."""
    if actor.kind != "person" or actor.user.pk in change.conflicted:
        return False
    roles = {*roles_of(change.policy.sign_offs), *change.policy.veto}
    if any(actor.may(Permission(role), change.team) for role in roles):
        return True
    return ChangeRequest.objects.asking(actor.user).filter(pk=change.pk).exists()


def _void_signatures(change: ChangeRequest, person: User) -> int:
    """What they signed in anybody's name, or anybody in theirs; how many."""
    signed = change.decisions.filter(
        Q(person=person) | Q(on_behalf_of=person), is_void=False, outcome__in=VOICES
    )
    found = list(signed.select_related("slot"))
    for decision in found:
        decision.conditions.all().delete()
        decision.is_void = True
        decision.save(update_fields=["is_void"])
        if decision.slot is not None and decision.outcome in FAVOURABLE:
            decision.slot.filled_by = None
            decision.slot.save(update_fields=["filled_by"])
    return len(found)
