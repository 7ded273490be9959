"""Create and deactivate people, grant and revoke roles, make and end keys."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models, transaction
from guardian.shortcuts import assign_perm, remove_perm

from governance.access.models import ApiKey, Grant, Organisation, Team, User
from governance.audit.services import record
from governance.kernel.authority import ROLES, Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

KEY_SCOPES = ("calls:create", "calls:read")
ROTATION_OVERLAP = timedelta(hours=24)
_ALPHABET = string.ascii_lowercase + string.digits


def check_can_manage_people(actor: Actor) -> None:
    if not actor.may(Permission.PEOPLE_MANAGE):
        raise NotAllowed("Nothing was changed: only an administrator manages people and teams.")


@transaction.atomic
def create_organisation(*, actor: Actor, name: str, now: datetime) -> Organisation:
    """The one organisation; a second call renames nothing and returns the first."""
    check_can_manage_people(actor)
    organisation = Organisation.objects.first()
    if organisation is None:
        organisation = Organisation.objects.create(name=name)
        record(actor=actor, action="organisation.created", subject=organisation, now=now)
    return organisation


@transaction.atomic
def create_team(
    *, actor: Actor, name: str, slug: str, code: str, now: datetime, parent: Team | None = None
) -> Team:
    check_can_manage_people(actor)
    if Team.objects.filter(models.Q(slug=slug) | models.Q(code=code)).exists():
        raise Invalid(
            "No team was created: another one has this short name or cost code.",
            fields={"code": ["Another team has this cost code or short name."]},
        )
    team = Team.objects.create(name=name, slug=slug, code=code, parent=parent)
    after = {"name": name, "code": code}
    record(actor=actor, action="team.created", subject=team, now=now, after=after, team_id=team.pk)
    return team


@transaction.atomic
def create_user(
    *, actor: Actor, email: str, name: str, now: datetime, password: str | None = None
) -> User:
    """A person without any role. Raises Invalid for a bad or taken address or weak password."""
    check_can_manage_people(actor)
    email = email.strip().lower()
    try:
        validate_email(email)
        if password is not None:
            validate_password(password)
    except ValidationError as error:
        raise Invalid("Nobody was added. " + " ".join(error.messages)) from None
    if User.objects.filter(email__iexact=email).exists():
        raise Invalid(
            "Nobody was added: somebody has this address already.",
            fields={"email": ["Somebody has this address already."]},
        )
    user = User.objects.create_user(email, name.strip(), password)
    record(actor=actor, action="user.created", subject=user, now=now, after={"email": email})
    return user


@transaction.atomic
def deactivate_user(*, actor: Actor, user: User, now: datetime, reason: str = "") -> User:
    """They can no longer sign in or decide; what they did keeps their name."""
    check_can_manage_people(actor)
    user = User.objects.select_for_update().get(pk=user.pk)
    if actor.user is not None and actor.user.pk == user.pk:
        raise WrongState("Nothing was changed: you cannot deactivate yourself.")
    user.is_active = False
    user.save(update_fields=["is_active"])
    record(actor=actor, action="user.deactivated", subject=user, now=now, reason=reason)
    return user


@transaction.atomic
def grant_role(
    *,
    actor: Actor,
    user: User,
    role: str,
    scope: models.Model,
    now: datetime,
    ends_at: datetime | None = None,
    reason: str = "",
) -> Grant:
    """Give a person a role on the organisation, a team or a queue.

    The permissions stand on the scope object through django-guardian as well, so that any
    Django code that asks `has_perm(codename, scope)` gets the same answer.
    """
    check_can_manage_people(actor)
    if role not in ROLES:
        raise Invalid(f"Nothing was granted: there is no role {role}.", fields={"role": ["?"]})
    kind = scope._meta.model_name
    if kind not in {"organisation", ROLES[role].granted_on}:
        raise Invalid(
            f"Nothing was granted: {ROLES[role].title} is granted on a {ROLES[role].granted_on}."
        )
    scope_type = ContentType.objects.get_for_model(scope)
    current = Grant.objects.filter(
        user=user, role=role, scope_type=scope_type, scope_id=scope.pk, revoked_at=None
    ).first()
    if current is not None:
        raise WrongState(f"Nothing was granted: {user} holds this role there already.")
    grant = Grant.objects.create(
        user=user,
        role=role,
        scope_type=scope_type,
        scope_id=scope.pk,
        starts_at=now,
        ends_at=ends_at,
        granted_by_label=actor.label,
    )
    for permission in sorted(ROLES[role].permissions):
        assign_perm(permission.value, user, scope)
    user.forget_reaches()
    _record_grant(actor, "role.granted", grant, now, reason)
    return grant


@transaction.atomic
def revoke_grant(*, actor: Actor, grant_id: int, now: datetime, reason: str = "") -> Grant:
    """Take a role away; acts at the person's next step."""
    check_can_manage_people(actor)
    grant: Grant = get_or_404(Grant.objects.select_for_update(), pk=grant_id, revoked_at=None)
    grant.revoked_at = now
    grant.save(update_fields=["revoked_at"])
    _mirror_removal(grant, now)
    _record_grant(actor, "role.revoked", grant, now, reason)
    return grant


def _mirror_removal(grant: Grant, now: datetime) -> None:
    """Remove from django-guardian what no other live grant on that scope still gives."""
    others = Grant.objects.live(now).filter(
        user=grant.user, scope_type=grant.scope_type, scope_id=grant.scope_id
    )
    kept = {p for other in others for p in ROLES[other.role].permissions}
    for permission in sorted(ROLES[grant.role].permissions - kept):
        remove_perm(permission.value, grant.user, grant.scope)


def _record_grant(actor: Actor, action: str, grant: Grant, now: datetime, reason: str) -> None:
    after = {"user": grant.user.email, "role": grant.role, "scope": str(grant.scope)}
    team_id = int(grant.scope_id) if grant.scope_type.model == "team" else None
    record(
        actor=actor,
        action=action,
        subject=grant,
        now=now,
        after=after,
        reason=reason,
        team_id=team_id,
    )


def hash_secret(secret: str) -> str:
    """SHA-256 is enough: the secret has 256 random bits, there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_api_key(
    *,
    actor: Actor,
    use_case_id: int,
    use_case_slug: str,
    team: Team,
    name: str,
    now: datetime,
    scopes: Sequence[str] = KEY_SCOPES,
    expires_at: datetime | None = None,
    requests_per_minute: int = 60,
    replaces: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """A key and its secret text `plc_<prefix>_<secret>`, which is shown this once."""
    if not actor.may(Permission.API_KEY_MANAGE, team):
        raise NotAllowed(
            "No key was made: an administrator or the team's product owner makes its keys."
        )
    unknown = set(scopes) - set(KEY_SCOPES)
    if unknown or not scopes:
        raise Invalid("No key was made: choose what it may do.", fields={"scopes": ["Choose."]})
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        name=name,
        use_case_id=use_case_id,
        use_case_slug=use_case_slug,
        team=team,
        prefix=prefix,
        secret_hash=hash_secret(secret),
        scopes=list(scopes),
        requests_per_minute=requests_per_minute,
        created_at=now,
        created_by=_creator(actor),
        expires_at=expires_at,
        replaces=replaces,
    )
    after = {"use_case": use_case_slug, "prefix": prefix, "scopes": list(scopes)}
    record(
        actor=actor, action="api_key.created", subject=key, now=now, after=after, team_id=team.pk
    )
    return key, f"plc_{prefix}_{secret}"


def _creator(actor: Actor) -> Any:
    if actor.user is None:
        raise NotAllowed("No key was made: a key is made by a person.")
    return actor.user


@transaction.atomic
def rotate_api_key(*, actor: Actor, key_id: int, now: datetime) -> tuple[ApiKey, str]:
    """A new key of the same kind; the old one works for another 24 hours."""
    old: ApiKey = get_or_404(ApiKey.objects.select_for_update(), pk=key_id)
    if not old.is_live(now):
        raise WrongState("Nothing was changed: this key has ended; make a new one.")
    fresh, secret = create_api_key(
        actor=actor,
        use_case_id=old.use_case_id,
        use_case_slug=old.use_case_slug,
        team=old.team,
        name=old.name,
        scopes=old.scopes,
        requests_per_minute=old.requests_per_minute,
        now=now,
        replaces=old,
    )
    last_moment = now + ROTATION_OVERLAP
    old.expires_at = min(old.expires_at or last_moment, last_moment)
    old.save(update_fields=["expires_at"])
    return fresh, secret


@transaction.atomic
def revoke_api_key(*, actor: Actor, key_id: int, reason: str, now: datetime) -> ApiKey:
    """End a key at once, on every process."""
    key: ApiKey = get_or_404(ApiKey.objects.select_for_update(), pk=key_id)
    allowed = actor.may(Permission.API_KEY_MANAGE, key.team)
    if not allowed and not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("The key still works: you may not revoke keys of this team.")
    if key.revoked_at is not None:
        raise WrongState("Nothing was changed: this key was revoked before.")
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    record(
        actor=actor,
        action="api_key.revoked",
        subject=key,
        now=now,
        reason=reason,
        team_id=key.team_id,
    )
    return key
