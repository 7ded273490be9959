"""Who holds what; whose key is this."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from governance.access.keys import hash_secret
from governance.access.models import ApiKey, Grant, GrantQuerySet, Team, User
from governance.access.registries import KeySubject, grant_scopes, key_subjects
from governance.kernel.authority import ROLES, Permission, Role
from governance.kernel.errors import PlacetError

LAST_USED_GRAIN = timedelta(minutes=1)


class KeyRefused(PlacetError):
    """The API key is missing, wrong, expired or revoked. Which of them is not told."""

    status = 401
    code = "invalid_api_key"


def key_of_prefix(prefix: str) -> ApiKey | None:
    """The key of that public prefix, with its team."""
    return ApiKey.objects.select_related("team").filter(prefix=prefix).first()


def note_used(key: ApiKey, now: datetime) -> None:
    """Its row alone: nothing is decided by it."""
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def authenticate_key(
    presented: str,
    now: datetime,
    *,
    find: Callable[[str], ApiKey | None] = key_of_prefix,
    note: Callable[[ApiKey, datetime], None] = note_used,
) -> ApiKey:
    """The live key of that text; raises KeyRefused. Comparison takes constant time.

    `find` gives the key of a prefix; the gateway's remembers keys that did not change. `note` is
    told once a minute that the key is used.
    """
    parts = presented.split("_", 2)
    key = find(parts[1]) if len(parts) == 3 and parts[0] == "plc" else None
    stored = key.secret_hash if key else "0" * 64
    matches = hmac.compare_digest(stored, hash_secret(parts[-1]))
    if key is None or not matches or not key.is_live(now):
        raise KeyRefused(
            "This API key is not valid. Ask the use case's product owner for a live one."
        )
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_GRAIN:
        key.last_used_at = now
        note(key, now)
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
    successors = ApiKey.objects.filter(replaces=OuterRef("pk"))
    keys = ApiKey.objects.select_related("team", "created_by").annotate(
        was_rotated=Exists(successors)
    )
    return keys if reach.everywhere else keys.filter(team_id__in=reach.team_ids)


def teams_for(user: User, permission: Permission) -> QuerySet[Team]:
    """Teams on which the person holds `permission`."""
    reach = user.reach(permission)
    return Team.objects.all() if reach.everywhere else Team.objects.filter(pk__in=reach.team_ids)


def key_subjects_for(user: User) -> QuerySet[Any]:
    """What the person may make keys for."""
    return key_subjects["use_cases"](user)


def key_subject_for(user: User, slug: str) -> KeySubject | None:
    """The one of that short name, if the person may make keys for it."""
    found = key_subjects_for(user).filter(slug=slug).first()
    return None if found is None else KeySubject.of(found)


def with_scope(grants: GrantQuerySet) -> QuerySet[Grant]:
    """With person and scope on each, at one query per kind of scope."""
    return grants.select_related("user", "scope_type").prefetch_related("scope")


def roles_of(user: User, now: datetime) -> list[Grant]:
    return list(with_scope(Grant.objects.live(now).filter(user=user)))


def past_roles_of(user: User, now: datetime) -> list[Grant]:
    """What was revoked or ran out, latest first."""
    ended = Grant.objects.filter(Q(revoked_at__isnull=False) | Q(ends_at__lte=now), user=user)
    return list(with_scope(ended).order_by("-starts_at", "-pk"))


def people_with_roles(now: datetime) -> QuerySet[User]:
    """Everybody, active first, with what each holds now as `held`."""
    live = with_scope(Grant.objects.live(now))
    return User.objects.order_by("-is_active", "name", "pk").prefetch_related(
        Prefetch("grants", live, to_attr="held")
    )


def members_of(team: Team, now: datetime) -> list[Grant]:
    """Who holds which role on this very team, by name."""
    scope_type = ContentType.objects.get_for_model(Team)
    on_it = Grant.objects.live(now).filter(scope_type=scope_type, scope_id=team.pk)
    return list(on_it.select_related("user").order_by("user__name", "user_id", "role"))


def teams_with_parents() -> QuerySet[Team]:
    """By name, which counting would otherwise forget."""
    counted = Team.objects.select_related("parent").annotate(key_count=Count("api_keys"))
    return counted.order_by("name", "pk")


def scopes_for(role: Role) -> list[tuple[str, list[tuple[str, str]]]]:
    """Where the role can be granted, for a select: (kind, [("kind:id", name)]), narrow first."""
    kinds = dict.fromkeys([role.granted_on, "organisation"])
    return [
        (
            kind.capitalize(),
            [(f"{kind}:{row.pk}", str(row)) for row in grant_scopes[kind]._default_manager.all()],
        )
        for kind in kinds
    ]
