"""The alert: what, how bad, since when, who looks after it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from governance.access.models import Team, User
from governance.kernel.authority import Permission
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
        return self.filter(models.Q(team_id__in=reach.team_ids) | models.Q(team=None))


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
