"""Who holds what; whose key is this."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet

from governance.access.models import ApiKey, Grant, Team, User
from governance.access.services import hash_secret
from governance.kernel.authority import ROLES, Permission
from governance.kernel.errors import PlacetError

LAST_USED_GRAIN = timedelta(minutes=1)


class KeyRefused(PlacetError):
    """The API key is missing, wrong, expired or revoked. Which of them is not told."""

    status = 401
    code = "invalid_api_key"


def authenticate_key(presented: str, now: datetime) -> ApiKey:
    """The live key of that text; raises KeyRefused. Comparison takes constant time."""
    parts = presented.split("_", 2)
    key = None
    if len(parts) == 3 and parts[0] == "plc":
        key = ApiKey.objects.select_related("team").filter(prefix=parts[1]).first()
    stored = key.secret_hash if key else "0" * 64
    matches = hmac.compare_digest(stored, hash_secret(parts[-1]))
    if key is None or not matches or not key.is_live(now):
        raise KeyRefused(
            "This API key is not valid. Ask the use case's product owner for a live one."
        )
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_GRAIN:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def holders(permission: Permission, scope: Any = None, *, now: datetime) -> QuerySet[User]:
    """Active people who hold `permission` on the scope (None: organisation-wide), now."""
    wide = [r.code for r in ROLES.values() if permission in r.organisation]
    narrow = [r.code for r in ROLES.values() if permission in r.scoped]
    match = Q(role__in=wide) | Q(role__in=narrow, scope_type__model="organisation")
    if scope is not None:
        scope_type = ContentType.objects.get_for_model(scope)
        match |= Q(role__in=narrow, scope_type=scope_type, scope_id=scope.pk)
    grants = Grant.objects.live(now).filter(match)
    return User.objects.filter(is_active=True, pk__in=grants.values("user")).order_by("name")


def keys_visible_to(user: User) -> QuerySet[ApiKey]:
    reach = user.reach(Permission.API_KEY_MANAGE)
    keys = ApiKey.objects.select_related("team", "created_by")
    return keys if reach.everywhere else keys.filter(team_id__in=reach.team_ids)


def teams_for(user: User, permission: Permission) -> QuerySet[Team]:
    """Teams on which the person holds `permission`."""
    reach = user.reach(permission)
    return Team.objects.all() if reach.everywhere else Team.objects.filter(pk__in=reach.team_ids)


def roles_of(user: User, now: datetime) -> list[Grant]:
    return list(Grant.objects.live(now).filter(user=user).select_related("scope_type"))
