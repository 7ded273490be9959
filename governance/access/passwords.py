"""Passwords that are changed: by the person, by a code that was mailed, or by an administrator."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from governance.access.models import User
from governance.access.policies import check_can_manage_people
from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, WrongState


@transaction.atomic
def give_password(
    *, actor: Actor, user: User, password: str, now: datetime, reason: str = ""
) -> User:
    """A new first password for somebody who cannot get in; wherever they are signed in, it ends.

    Raises Invalid for a weak one, WrongState for oneself and for who is deactivated.
    """
    check_can_manage_people(actor)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if actor.user is not None and actor.user.pk == user.pk:
        raise WrongState("Nothing was changed: change your own password on your account page.")
    if not user.is_active:
        raise WrongState(f"Nothing was changed: {user} is deactivated; reactivate them first.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            "The password stays as it was. " + " ".join(error.messages),
            fields={"password": error.messages},
        ) from None
    _set(user, password)
    record(actor=actor, action="user.password_given", subject=user, now=now, reason=reason)
    return user


@transaction.atomic
def change_own(*, user: User, password: str, now: datetime, by_mail: bool = False) -> None:
    """What the person chose, checked before; `by_mail`: they typed the code that was mailed."""
    _set(user, password)
    action = "user.password_reset" if by_mail else "user.password_changed"
    record(actor=Actor.person(user), action=action, subject=user, now=now)


def _set(user: User, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
