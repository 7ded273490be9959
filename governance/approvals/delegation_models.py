"""Who signs in whose place, and until when."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from governance.access.models import User
from governance.approvals.rules import SIGNING
from governance.kernel.authority import Permission


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def live(self, now: datetime) -> DelegationQuerySet:
        return self.filter(starts_at__lte=now, ends_at__gt=now)

    def usable(self, now: datetime) -> DelegationQuerySet:
        """Live, and both people still have their account."""
        return self.live(now).filter(delegator__is_active=True, delegate__is_active=True)

    def visible_to(self, user: User) -> DelegationQuerySet:
        """Given or received; all of them for who sees people or the log of everything."""
        if user.may(Permission.PEOPLE_VIEW) or user.reach(Permission.AUDIT_VIEW).everywhere:
            return self
        return self.filter(Q(delegator=user) | Q(delegate=user))


class Delegation(models.Model):
    """Somebody signs in a person's place, for one kind of sign-off, from and until."""

    delegator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    permission = models.CharField(max_length=30, choices=[(str(one), str(one)) for one in SIGNING])
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]
        constraints = [
            ExclusionConstraint(
                name="delegations_do_not_overlap",
                expressions=[
                    (F("delegator"), RangeOperators.EQUAL),
                    (F("permission"), RangeOperators.EQUAL),
                    (
                        Func(
                            F("starts_at"),
                            F("ends_at"),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                condition=~Q(delegator=F("delegate")), name="nobody_delegates_to_themselves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.delegator}, {self.permission.replace('_', ' ')}"

    def state(self, now: datetime) -> str:
        """planned, live or ended."""
        if self.ends_at <= now:
            return "ended"
        return "live" if self.starts_at <= now else "planned"
