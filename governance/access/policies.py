"""Who may manage people, and what must still hold after it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from governance.access.models import Grant, Organisation
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
