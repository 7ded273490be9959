"""The monitor and its checks. A check that is over never changes (the database refuses it)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.registry.models import UseCase
from telemetry.drift.rules import FINAL_STATES, OPEN_STATES, CheckState, Measure


class DriftMonitorQuerySet(models.QuerySet["DriftMonitor"]):
    def visible_to(self, user: User) -> DriftMonitorQuerySet:
        """Monitors of the person's reach under DRIFT_VIEW."""
        reach = user.reach(Permission.DRIFT_VIEW)
        return self if reach.everywhere else self.filter(use_case__team_id__in=reach.team_ids)

    def due(self, now: Any) -> DriftMonitorQuerySet:
        return self.filter(is_enabled=True, next_due_at__lte=now)

    def with_last_check(self) -> DriftMonitorQuerySet:
        """Adds `last_state`, `last_checked_at`, and `since`: when it came into that state."""
        over = DriftCheck.objects.over().filter(monitor=OuterRef("pk")).order_by("-pk")
        other = over.exclude(state=OuterRef("last_state"))
        same = DriftCheck.objects.over().filter(
            monitor=OuterRef("pk"), pk__gt=Coalesce(OuterRef("last_other"), 0)
        )
        return (
            self.annotate(
                last_state=Subquery(over.values("state")[:1]),
                last_checked_at=Subquery(over.values("measured_at")[:1]),
            )
            .annotate(last_other=Subquery(other.values("pk")[:1]))
            .annotate(since=Subquery(same.order_by("pk").values("measured_at")[:1]))
        )


class DriftMonitor(models.Model):
    """One measure of a use case's calls: a reference window against the one that follows it."""

    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="drift_monitors")
    measure = models.CharField(max_length=20, choices=[(m.value, m.label) for m in Measure])
    reference_days = models.PositiveSmallIntegerField(default=28)
    current_days = models.PositiveSmallIntegerField(default=7)
    minimum_sample = models.PositiveIntegerField(default=100)
    threshold = models.DecimalField(max_digits=5, decimal_places=4)
    interval_minutes = models.PositiveIntegerField(default=60)
    is_enabled = models.BooleanField(default=True)
    next_due_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    created_by_label = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    objects = DriftMonitorQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["next_due_at"], condition=Q(is_enabled=True), name="monitor_due")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["use_case", "measure", "reference_days", "current_days"],
                name="one_monitor_per_windows",
            ),
            models.CheckConstraint(
                condition=Q(threshold__gt=0, threshold__lte=1), name="threshold_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} of {self.use_case}"

    @property
    def title(self) -> str:
        return Measure(self.measure).label

    @property
    def alert_cause(self) -> str:
        return f"drift:{self.pk}"


class DriftCheckQuerySet(models.QuerySet["DriftCheck"]):
    def open(self) -> DriftCheckQuerySet:
        return self.filter(state__in=OPEN_STATES)

    def over(self) -> DriftCheckQuerySet:
        return self.filter(state__in=FINAL_STATES)


class DriftCheck(models.Model):
    """One comparison: both windows, what was counted in them, what was found.

    The settings it was measured with are its own copy. `effect` is the distance D for output
    length and the difference of the shares, with its sign, for validation failures.
    """

    monitor = models.ForeignKey(DriftMonitor, models.PROTECT, related_name="checks")
    state = models.CharField(
        max_length=20,
        choices=[(s.value, s.value) for s in CheckState],
        default=CheckState.DUE,
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)

    reference_from = models.DateTimeField(null=True, blank=True)
    reference_until = models.DateTimeField(null=True, blank=True)
    reference_count = models.PositiveIntegerField(default=0)
    reference_replayed = models.PositiveIntegerField(default=0)
    current_from = models.DateTimeField(null=True, blank=True)
    current_until = models.DateTimeField(null=True, blank=True)
    current_count = models.PositiveIntegerField(default=0)
    current_replayed = models.PositiveIntegerField(default=0)
    minimum_sample = models.PositiveIntegerField(default=0)
    threshold = models.DecimalField(max_digits=5, decimal_places=4, null=True, blank=True)

    test = models.CharField(max_length=30, blank=True)
    statistic = models.FloatField(null=True, blank=True)
    p_value = models.FloatField(null=True, blank=True)
    effect = models.FloatField(null=True, blank=True)
    sentence = models.TextField(blank=True)
    picture: Any = models.JSONField(default=dict, blank=True)
    failure = models.CharField(max_length=500, blank=True)

    objects = DriftCheckQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["monitor", "-id"], name="check_newest"),
            models.Index(
                fields=["requested_at"],
                condition=Q(state__in=["due", "running"]),
                name="check_open",
            ),
            models.Index(fields=["measured_at"], name="check_measured"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["monitor"],
                condition=Q(state__in=["due", "running"]),
                name="one_open_check",
            ),
            models.CheckConstraint(
                condition=Q(reference_replayed__lte=F("reference_count"))
                & Q(current_replayed__lte=F("current_count")),
                name="replayed_is_a_part",
            ),
        ]

    def __str__(self) -> str:
        return f"Check {self.pk} of {self.monitor}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def size(self) -> float | None:
        """The effect without its sign: what the threshold is for."""
        return None if self.effect is None else abs(self.effect)

    @property
    def difference(self) -> str:
        return "not measured" if self.effect is None else f"{self.effect:.1%}"

    @property
    def threshold_percent(self) -> str:
        return "none" if self.threshold is None else f"{self.threshold:.1%}"

    @property
    def p_text(self) -> str:
        if self.p_value is None:
            return "not measured"
        return "below 0.0001" if self.p_value < 0.0001 else f"{self.p_value:.4f}"
