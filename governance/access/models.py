"""People, teams, grants and keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from guardian.mixins import GuardianUserMixin

from governance.access.training_models import Training, TrainingRecord
from governance.kernel.authority import ROLES, Actor, Permission

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

SCOPE_PERMISSIONS: list[tuple[str, str | StrPromise]] = [
    (p.value, p.value.replace("_", " ")) for p in Permission
]

__all__ = [
    "ROLE_CHOICES",
    "ApiKey",
    "Grant",
    "GrantQuerySet",
    "Organisation",
    "Reach",
    "Team",
    "Training",
    "TrainingRecord",
    "User",
]
ROLE_CHOICES = [(role.code, role.title) for role in ROLES.values()]


class Organisation(models.Model):
    """The one organisation this installation serves; the widest scope of a grant."""

    name = models.CharField(max_length=200)

    class Meta:
        permissions = SCOPE_PERMISSIONS

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """A cost centre; every cost is booked to exactly one."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    code = models.CharField(max_length=30, unique=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )

    class Meta:
        ordering = ["name"]
        permissions = SCOPE_PERMISSIONS

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Reach:
    """Where a person holds one permission."""

    everywhere: bool = False
    team_ids: frozenset[int] = field(default_factory=frozenset)
    queue_ids: frozenset[int] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.team_ids) or bool(self.queue_ids)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, name: str, password: str | None = None) -> User:
        """A person who can sign in once they have a password; no role yet."""
        user = self.model(email=self.normalize_email(email).lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username or "")


class User(AbstractBaseUser, PermissionsMixin, GuardianUserMixin):
    """A person. Deactivated, never deleted: decisions keep their name."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150)
    is_active = models.BooleanField(default=True)
    is_staff = False
    time_zone = models.CharField(max_length=50, default="Europe/Amsterdam")
    joined_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(Lower("email"), name="email_unique_any_case")]

    def __str__(self) -> str:
        return self.name

    def may(self, permission: Permission, scope: Any = None) -> bool:
        """Whether the person holds `permission` on a team or queue; None asks: anywhere?"""
        reach = self.reach(permission)
        if reach.everywhere or scope is None:
            return bool(reach)
        if isinstance(scope, Team):
            return scope.pk in reach.team_ids
        return scope.pk in reach.queue_ids

    def reach(self, permission: Permission) -> Reach:
        """Where this person holds `permission` now; one query per instance for all of them."""
        cached = self.__dict__.get("_reaches")
        if cached is None:
            cached = self.__dict__["_reaches"] = self._read_reaches(timezone.now())
        found: Reach = cached.get(permission, Reach())
        return found

    def forget_reaches(self) -> None:
        """Read the grants anew at the next question."""
        self.__dict__.pop("_reaches", None)

    def _read_reaches(self, now: datetime) -> dict[Permission, Reach]:
        if not self.is_active or self.pk is None:
            return {}
        live = Grant.objects.live(now).filter(user=self).select_related("scope_type")
        return reaches_of(live)


def reaches_of(grants: Iterable[Grant]) -> dict[Permission, Reach]:
    """What live grants add up to, permission by permission."""
    everywhere: set[Permission] = set()
    teams: dict[Permission, set[int]] = {}
    queues: dict[Permission, set[int]] = {}
    for grant in grants:
        role = ROLES[grant.role]
        everywhere |= role.organisation
        if grant.scope_type.model == "organisation":
            everywhere |= role.scoped
            continue
        narrowed = teams if grant.scope_type.model == "team" else queues
        for permission in role.scoped:
            narrowed.setdefault(permission, set()).add(int(grant.scope_id))
    return {
        permission: Reach(
            permission in everywhere,
            frozenset(teams.get(permission, ())),
            frozenset(queues.get(permission, ())),
        )
        for permission in everywhere | teams.keys() | queues.keys()
    }


class GrantQuerySet(models.QuerySet["Grant"]):
    def live(self, now: datetime) -> GrantQuerySet:
        """Begun and not ended; an expired grant gives nothing."""
        begun = self.filter(starts_at__lte=now, revoked_at=None)
        return begun.filter(Q(ends_at=None) | Q(ends_at__gt=now))


class Grant(models.Model):
    """A person holds a role in a scope, from and until. Revoked, never deleted."""

    user = models.ForeignKey(User, models.PROTECT, related_name="grants")
    role = models.CharField(max_length=30, choices=ROLE_CHOICES)
    scope_type = models.ForeignKey(ContentType, models.PROTECT)
    scope_id = models.BigIntegerField()
    scope = GenericForeignKey("scope_type", "scope_id")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    granted_by_label = models.CharField(max_length=200)

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["role", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "scope_type", "scope_id"],
                condition=Q(revoked_at=None),
                name="one_live_grant",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {ROLES[self.role].title}"

    @property
    def title(self) -> str:
        return ROLES[self.role].title

    def state_at(self, now: datetime) -> str:
        """live, due (not begun), expired (ran out by itself) or revoked."""
        has_run_out = self.ends_at is not None and self.ends_at <= now
        if self.revoked_at is not None and (self.ends_at is None or self.revoked_at < self.ends_at):
            return "revoked"
        if has_run_out:
            return "expired"
        return "live" if self.starts_at <= now else "due"


class ApiKey(models.Model):
    """The credential of one application for one use case. Only a hash of it is kept."""

    name = models.CharField(max_length=100)
    use_case_id = models.BigIntegerField(db_index=True)
    use_case_slug = models.SlugField(max_length=80)
    team = models.ForeignKey(Team, models.PROTECT, related_name="api_keys")
    prefix = models.CharField(max_length=8, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    requests_per_minute = models.PositiveIntegerField(default=60)
    # Input and output together; empty: no limit of its own.
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="successors"
    )
    # Of the form it was made with: the same form sent twice makes no second key.
    form_token = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} (plc_{self.prefix}…)"

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    def state_at(self, now: datetime) -> str:
        """live, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if self.is_live(now) else "expired"

    def as_actor(self) -> Actor:
        return Actor.key(str(self.pk), str(self))
