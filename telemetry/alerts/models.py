"""The alert: what, how bad, since when, who looks after it; and what a use case promises."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.registry.models import UseCase
from telemetry.alerts.burning import Tally, budget_left
from telemetry.alerts.registries import Indicator, indicators
from telemetry.alerts.rules import AlertState, Severity


class AlertQuerySet(models.QuerySet["Alert"]):
    def unresolved(self) -> AlertQuerySet:
        return self.exclude(state=AlertState.RESOLVED)

    def visible_to(self, user: User) -> AlertQuerySet:
        """Alerts of the person's reach; those without a team are for everyone who sees alerts."""
        reach = user.reach(Permission.ALERT_VIEW)
        if reach.everywhere:
            return self
        if not reach.team_ids:
            return self.none()
        return self.filter(Q(team_id__in=reach.team_ids) | Q(team=None))


class Alert(models.Model):
    """One cause that stands. `cause` is a stable key such as "drift:12" or "budget:4:95"."""

    cause = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=10, choices=[(s.value, s.value) for s in Severity])
    state = models.CharField(
        max_length=12,
        choices=[(s.value, s.value) for s in AlertState],
        default=AlertState.OPEN,
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="alerts")
    url = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    resolved_by_label = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        indexes = [models.Index(fields=["state", "-last_seen_at"])]

    def __str__(self) -> str:
        return self.title


class ServiceLevelQuerySet(models.QuerySet["ServiceLevel"]):
    def visible_to(self, user: User) -> ServiceLevelQuerySet:
        reach = user.reach(Permission.ALERT_VIEW)
        return self if reach.everywhere else self.filter(use_case__team_id__in=reach.team_ids)


class ServiceLevel(models.Model):
    """What a use case promises: so many percent of its events are good, over a window of days.

    `total`, `bad` and `burning` are those of the last check, so that a list asks nothing more.
    """

    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="service_levels")
    indicator = models.CharField(max_length=20)
    threshold = models.PositiveIntegerField(null=True, blank=True)
    objective = models.DecimalField(max_digits=6, decimal_places=3)
    window_days = models.PositiveSmallIntegerField(default=28)
    minimum_events = models.PositiveIntegerField(default=20)
    is_enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    created_by_label = models.CharField(max_length=200)
    counted_until = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    total = models.BigIntegerField(default=0)
    bad = models.BigIntegerField(default=0)
    burning: Any = models.JSONField(default=list, blank=True)

    objects = ServiceLevelQuerySet.as_manager()

    class Meta:
        ordering = ["use_case__title", "indicator"]
        constraints = [
            models.UniqueConstraint(
                fields=["use_case", "indicator"], name="one_level_of_a_kind_for_a_use_case"
            ),
            models.CheckConstraint(
                condition=Q(objective__gte=50) & Q(objective__lt=100),
                name="a_level_leaves_a_budget",
            ),
            models.CheckConstraint(
                condition=Q(window_days__gte=1) & Q(window_days__lte=90),
                name="a_level_has_a_window",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.indicator.replace('_', ' ')} of {self.use_case}"

    @property
    def means(self) -> Indicator:
        return indicators[self.indicator]

    @property
    def promise(self) -> str:
        """The objective as a sentence."""
        share = f"{self.objective.normalize():f}"
        good = self.means.good.format(threshold=f"{self.threshold or 0:,}")
        return f"{share} % of {good}, over {self.window_days} days"

    @property
    def tally(self) -> Tally:
        return Tally(self.total, self.bad)

    @property
    def left(self) -> Decimal | None:
        """The share of the error budget that was left at the last check."""
        return budget_left(self.tally, self.objective)

    @property
    def left_percent(self) -> str:
        if self.left is None:
            return "none"
        share = abs(self.left) * 100
        return f"{share:.1f} %" if self.left >= 0 else f"overdrawn by {share:,.0f} %"

    @property
    def state(self) -> str:
        """off, not_counted, no_events, burning, overdrawn or kept."""
        if not self.is_enabled:
            return "off"
        if self.checked_at is None:
            return "not_counted"
        if self.left is None:
            return "no_events"
        if self.burning:
            return "burning"
        return "overdrawn" if self.left < 0 else "kept"


class ServiceSlot(models.Model):
    """The events of one minute of a level; minutes without events have no row."""

    level = models.ForeignKey(ServiceLevel, models.CASCADE, related_name="slots")
    starts_at = models.DateTimeField()
    total = models.PositiveIntegerField()
    bad = models.PositiveIntegerField()

    class Meta:
        ordering = ["level", "starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["level", "starts_at"], name="one_slot_a_minute"),
            models.CheckConstraint(
                condition=Q(total__gt=0) & Q(bad__lte=F("total")), name="bad_events_are_events"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bad} of {self.total} bad at {self.starts_at}"
