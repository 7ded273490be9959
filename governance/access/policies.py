"""Who may manage people, and what must still hold after it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from governance.access.models import Grant, Organisation, User
from governance.kernel.authority import ROLES, Actor, Permission
from governance.kernel.errors import NotAllowed, WrongState

KEEPER_ROLES = tuple(r.code for r in ROLES.values() if Permission.PEOPLE_MANAGE in r.organisation)


def check_can_manage_people(actor: Actor) -> None:
    if not actor.may(Permission.PEOPLE_MANAGE):
        raise NotAllowed("Nothing was changed: only an administrator manages people and teams.")


def lock_administration() -> None:
    """One at a time from here to the end of the transaction: whoever takes roles away.

    Without it two administrators could revoke each other and leave nobody.
    """
    list(Organisation.objects.select_for_update(no_key=True).order_by("pk"))


def check_administrators_remain(*, without: Q, now: datetime) -> None:
    """Raise WrongState when taking away the grants of `without` leaves nobody for good.

    A grant that ends does not count: the day it ran out, nobody could grant anything.
    """
    lasting = Grant.objects.live(now).filter(
        role__in=KEEPER_ROLES, ends_at=None, user__is_active=True
    )
    if not lasting.exclude(without).exists():
        raise WrongState(
            "Nothing was changed: nobody would be left to manage people. "
            "Grant Administrator, without an end, to somebody else first."
        )


# Without a holder of these nothing could be approved, not even who signs instead.
NEVER_WITHOUT = (Permission.SIGN_BOARD, Permission.SIGN_COMPLIANCE)


def check_signatories_remain(*, user: User, without: Q, now: datetime) -> None:
    """Raise WrongState when the grants of `without` are the last that let anybody sign so.

    Only what this person gives up is looked at: what nobody holds already is no reason.
    """
    if not user.is_active:
        return
    live = Grant.objects.live(now).filter(user__is_active=True)
    gone = set(live.filter(without, user=user).values_list("role", flat=True))
    kept = set(live.exclude(without).values_list("role", flat=True))
    for permission in NEVER_WITHOUT:
        giving = {one.code for one in ROLES.values() if permission in one.permissions}
        if gone & giving and not kept & giving:
            title = ROLES[min(gone & giving)].title
            raise WrongState(
                f"Nothing was changed: {user} is the last who could sign as {title}. Grant {title} "
                "to somebody else first."
            )
