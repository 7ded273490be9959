"""Let somebody sign in one's place for a while, and end that."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from governance.access.models import User
from governance.approvals.models import Delegation
from governance.approvals.rules import SIGNING
from governance.audit.services import record
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404


@transaction.atomic
def delegate_signing(
    *,
    actor: Actor,
    delegate: User,
    permission: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    now: datetime,
    url: str = "",
) -> Delegation:
    """Let `delegate` give one kind of sign-off in the actor's place.

    Only what one holds oneself can be passed on, so a delegate cannot delegate on. A start
    in the past is now. Raises Invalid when another delegation of the same overlaps.
    """
    _check_holds(actor, permission)
    starts_at = max(starts_at, now)
    _check_fits(actor, delegate, starts_at, ends_at, reason)
    try:
        with transaction.atomic():
            made = Delegation.objects.create(
                delegator=actor.user,
                delegate=delegate,
                permission=permission,
                starts_at=starts_at,
                ends_at=ends_at,
                reason=reason.strip()[:300],
                made_at=now,
            )
    except IntegrityError:
        raise Invalid(
            "Nothing was delegated: somebody stands in for you in that time already.",
            fields={"ends_at": ["This overlaps another delegation of yours. End that one first."]},
        ) from None
    after = {"permission": permission, "starts_at": starts_at, "ends_at": ends_at}
    record(actor=actor, action="delegation.made", subject=made, now=now, after=after, reason=reason)
    title = f"You sign in the place of {actor.user} until {ends_at:%d %b %Y}"
    notify(users=[delegate], title=title, url=url, now=now)
    return made


def _check_holds(actor: Actor, permission: str) -> None:
    if permission not in SIGNING:
        raise Invalid(
            "Nothing was delegated: choose what to let somebody sign.",
            fields={"permission": [f"One of {', '.join(SIGNING)}."]},
        )
    if actor.kind != "person" or not actor.may(Permission(permission)):
        raise NotAllowed(
            "Nothing was delegated: you can only pass on a role that you hold yourself. Who "
            "stands in for somebody cannot delegate on."
        )


def _check_fits(
    actor: Actor, delegate: User, starts_at: datetime, ends_at: datetime, reason: str
) -> None:
    problems = {}
    if delegate.pk == actor.user.pk or not delegate.is_active:
        problems["delegate"] = ["Choose somebody else."]
    if ends_at <= starts_at:
        problems["ends_at"] = ["It must end after it starts, and not in the past."]
    if not reason.strip():
        problems["reason"] = ["Say why."]
    if problems:
        raise Invalid("Nothing was delegated: some fields do not fit.", fields=problems)


@transaction.atomic
def end_delegation(*, actor: Actor, delegation_id: int, reason: str, now: datetime) -> Delegation:
    """End it now, or before it starts: by either of the two, or who manages people."""
    delegations = Delegation.objects.select_for_update(of=("self",))
    found: Delegation = get_or_404(
        delegations.select_related("delegator", "delegate"), pk=delegation_id
    )
    if not may_end_delegation(actor, found):
        raise NotAllowed("Nothing was changed: the two concerned end a delegation.")
    if found.ends_at <= now:
        raise WrongState("Nothing was changed: this delegation has ended already.")
    before = {"ends_at": found.ends_at}
    found.ends_at, found.ended_at = max(now, found.starts_at), now
    found.save(update_fields=["ends_at", "ended_at"])
    after = {"ends_at": found.ends_at}
    record(
        actor=actor,
        action="delegation.ended",
        subject=found,
        now=now,
        before=before,
        after=after,
        reason=reason,
    )
    return found


def may_end_delegation(actor: Actor, delegation: Delegation) -> bool:
    two = (delegation.delegator_id, delegation.delegate_id)
    is_theirs = actor.user is not None and actor.user.pk in two
    return is_theirs or actor.may(Permission.PEOPLE_MANAGE)
