"""API keys: make, rotate, revoke."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from governance.access.models import ApiKey, Team
from governance.access.rules import (
    KEY_SCOPES,
    MOST_REQUESTS_PER_MINUTE,
    MOST_TOKENS_PER_MINUTE,
    ROTATION_OVERLAP,
    rotated_expiry,
)
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

_ALPHABET = string.ascii_lowercase + string.digits


def hash_secret(secret: str) -> str:
    """SHA-256 is enough: the secret has 256 random bits, there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_can_make_keys(actor: Actor, team: Team) -> None:
    if not actor.may(Permission.API_KEY_MANAGE, team):
        raise NotAllowed(
            "No key was made: an administrator or the team's product owner makes its keys."
        )
    if actor.user is None:
        raise NotAllowed("No key was made: a key is made by a person.")


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
    tokens_per_minute: int | None = None,
    form_token: UUID | None = None,
) -> tuple[ApiKey, str]:
    """A key and its secret text `plc_<prefix>_<secret>`, which is shown this once.

    `form_token` names the form it was asked for with: sent again, it raises WrongState.
    """
    check_can_make_keys(actor, team)
    name = name.strip()
    faults = _faults(name, scopes, expires_at, now)
    faults |= _limit_faults(requests_per_minute, tokens_per_minute)
    if faults:
        sentences = " ".join(one for messages in faults.values() for one in messages)
        raise Invalid(f"No key was made. {sentences}", fields=faults)
    _check_not_sent_before(form_token)
    key = ApiKey(
        name=name,
        use_case_id=use_case_id,
        use_case_slug=use_case_slug,
        team=team,
        scopes=[one for one in KEY_SCOPES if one in scopes],
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        created_at=now,
        created_by=actor.user,
        expires_at=expires_at,
        form_token=form_token,
    )
    return key, _make(actor, key, now)


def _faults(
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
    now: datetime,
) -> dict[str, list[str]]:
    faults = {}
    if not 0 < len(name) <= 100:
        faults["name"] = ["Give a name of at most 100 characters: which application uses it?"]
    if not scopes or set(scopes) - set(KEY_SCOPES):
        faults["scopes"] = ["Choose what it may do."]
    if expires_at is not None and expires_at <= now:
        faults["expires_at"] = ["The end has passed; choose a later one or none."]
    return faults


def _limit_faults(requests_per_minute: int, tokens_per_minute: int | None) -> dict[str, list[str]]:
    faults = {}
    if not 1 <= requests_per_minute <= MOST_REQUESTS_PER_MINUTE:
        faults["requests_per_minute"] = [f"Give a number from 1 to {MOST_REQUESTS_PER_MINUTE}."]
    if tokens_per_minute is not None and not 1 <= tokens_per_minute <= MOST_TOKENS_PER_MINUTE:
        faults["tokens_per_minute"] = [
            f"Give a number from 1 to {MOST_TOKENS_PER_MINUTE}, or none."
        ]
    return faults


def _check_not_sent_before(form_token: UUID | None) -> None:
    made = ApiKey.objects.filter(form_token=form_token).first() if form_token else None
    if made is not None:
        raise WrongState(
            f"No second key was made: this form was sent before, and made {made}. "
            "Its secret was shown then and is kept nowhere; if nobody copied it, rotate that key."
        )


def _make(actor: Actor, key: ApiKey, now: datetime) -> str:
    """Save the key with a fresh secret; the secret's text."""
    key.prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    key.secret_hash = hash_secret(secret)
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError:
        _check_not_sent_before(key.form_token)
        raise
    after = {
        "use_case": key.use_case_slug,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "expires_at": _text(key.expires_at),
    }
    _record(actor, "api_key.created", key, now, after=after)
    return f"plc_{key.prefix}_{secret}"


@transaction.atomic
def rotate_api_key(*, actor: Actor, key_id: int, now: datetime) -> tuple[ApiKey, str]:
    """A new key of the same kind and lifetime; the old one works for another 24 hours.

    A key is rotated once: a second time would leave a key about that nobody knows.
    """
    old: ApiKey = get_or_404(
        ApiKey.objects.select_for_update(no_key=True, of=("self",)).select_related("team"),
        pk=key_id,
    )
    check_can_make_keys(actor, old.team)
    if not old.is_live(now):
        raise WrongState("Nothing was changed: this key has ended; make a new one.")
    successor = old.successors.first()
    if successor is not None:
        raise WrongState(
            f"Nothing was changed: this key was rotated before, {successor} replaces it. "
            "If nobody copied the secret of that one, rotate it."
        )
    fresh = ApiKey(
        name=old.name,
        use_case_id=old.use_case_id,
        use_case_slug=old.use_case_slug,
        team=old.team,
        scopes=old.scopes,
        requests_per_minute=old.requests_per_minute,
        tokens_per_minute=old.tokens_per_minute,
        created_at=now,
        created_by=actor.user,
        expires_at=rotated_expiry(old.created_at, old.expires_at, now),
        replaces=old,
    )
    secret = _make(actor, fresh, now)
    before = {"expires_at": _text(old.expires_at)}
    last_moment = now + ROTATION_OVERLAP
    old.expires_at = min(old.expires_at or last_moment, last_moment)
    old.save(update_fields=["expires_at"])
    after = {"expires_at": _text(old.expires_at), "replaced_by": fresh.prefix}
    _record(actor, "api_key.rotated", old, now, before=before, after=after)
    return fresh, secret


@transaction.atomic
def limit_api_key(
    *,
    actor: Actor,
    key_id: int,
    requests_per_minute: int,
    tokens_per_minute: int | None,
    now: datetime,
) -> ApiKey:
    """How much it may call in a minute from the next call on, on every process."""
    found = ApiKey.objects.select_for_update(no_key=True, of=("self",)).select_related("team")
    key: ApiKey = get_or_404(found, pk=key_id)
    if not actor.may(Permission.API_KEY_MANAGE, key.team):
        raise NotAllowed("Nothing was changed: you may not manage keys of this team.")
    if not key.is_live(now):
        raise WrongState("Nothing was changed: this key has ended; make a new one.")
    if faults := _limit_faults(requests_per_minute, tokens_per_minute):
        raise Invalid("Nothing was changed: a limit does not fit.", fields=faults)
    after = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute}
    before = {name: getattr(key, name) for name in after}
    if before == after:
        return key
    key.requests_per_minute, key.tokens_per_minute = requests_per_minute, tokens_per_minute
    key.save(update_fields=list(after))
    _record(actor, "api_key.limited", key, now, before=before, after=after)
    return key


@transaction.atomic
def revoke_api_key(*, actor: Actor, key_id: int, reason: str, now: datetime) -> ApiKey:
    """End a key at once, on every process."""
    found = ApiKey.objects.select_for_update(no_key=True, of=("self",)).select_related("team")
    key: ApiKey = get_or_404(found, pk=key_id)
    allowed = actor.may(Permission.API_KEY_MANAGE, key.team)
    if not allowed and not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("The key still works: you may not revoke keys of this team.")
    if key.revoked_at is not None:
        raise WrongState("Nothing was changed: this key was revoked before.")
    if not reason.strip():
        raise Invalid(
            "The key still works: say why it is revoked.", fields={"reason": ["Say why."]}
        )
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    _record(actor, "api_key.revoked", key, now, reason=reason.strip())
    return key


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _record(actor: Actor, action: str, key: ApiKey, now: datetime, **facts: Any) -> None:
    record(actor=actor, action=action, subject=key, now=now, team_id=key.team_id, **facts)
