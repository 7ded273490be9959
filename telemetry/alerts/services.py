"""Raise, acknowledge, resolve."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.access.models import Team
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed
from governance.kernel.web import get_or_404
from telemetry.alerts.models import Alert
from telemetry.alerts.rules import ALERT_STATES, AlertState, Severity


@transaction.atomic
def raise_alert(
    *,
    cause: str,
    title: str,
    severity: Severity | str,
    now: datetime,
    url: str = "",
    team: Team | None = None,
) -> Alert:
    """The one alert of this cause, opened, counted again, or reopened; audited when it opens."""
    severity = Severity(severity)
    first = {
        "title": title,
        "severity": severity,
        "since": now,
        "last_seen_at": now,
        "url": url,
        "team": team,
    }
    alert, is_new = Alert.objects.select_for_update().get_or_create(cause=cause, defaults=first)
    if is_new:
        _record(Actor.system("alerts"), "alert.raised", alert, now)
        return alert
    alert.title, alert.severity, alert.url = title, severity, url
    alert.last_seen_at, alert.count = now, alert.count + 1
    if alert.state == AlertState.RESOLVED:
        alert.state = ALERT_STATES.target(alert.state, "reopen")
        alert.since, alert.resolved_at, alert.resolved_by_label = now, None, ""
        alert.acknowledged_by, alert.acknowledged_at = None, None
        _record(Actor.system("alerts"), "alert.reopened", alert, now)
    alert.save()
    return alert


@transaction.atomic
def acknowledge_alert(*, actor: Actor, alert_id: int, now: datetime) -> Alert:
    """Say that somebody looks after it; the cause stands until it is resolved."""
    alert: Alert = get_or_404(Alert.objects.select_for_update(), pk=alert_id)
    check_can_manage(actor, alert)
    alert.state = ALERT_STATES.target(alert.state, "acknowledge")
    alert.acknowledged_by, alert.acknowledged_at = actor.user, now
    alert.save(update_fields=["state", "acknowledged_by", "acknowledged_at"])
    _record(actor, "alert.acknowledged", alert, now)
    return alert


@transaction.atomic
def resolve_alert(*, actor: Actor, alert_id: int, now: datetime, reason: str = "") -> Alert:
    """Close it. If the cause comes back, the same alert reopens."""
    alert: Alert = get_or_404(Alert.objects.select_for_update(), pk=alert_id)
    check_can_manage(actor, alert)
    alert.state = ALERT_STATES.target(alert.state, "resolve")
    alert.resolved_at, alert.resolved_by_label = now, actor.label
    alert.save(update_fields=["state", "resolved_at", "resolved_by_label"])
    _record(actor, "alert.resolved", alert, now, reason)
    return alert


@transaction.atomic
def clear_cause(*, cause: str, job: str, now: datetime) -> None:
    """What raised the alert found its cause gone; nothing happens if none is open."""
    alert = Alert.objects.unresolved().select_for_update().filter(cause=cause).first()
    if alert is not None:
        resolve_alert(actor=Actor.system(job), alert_id=alert.pk, now=now, reason="Cause gone.")


def check_can_manage(actor: Actor, alert: Alert) -> None:
    if not actor.may(Permission.ALERT_MANAGE, alert.team):
        raise NotAllowed(
            "Nothing was changed: alerts are looked after by ML engineers of the team and by "
            "safety officers."
        )


def _record(actor: Actor, action: str, alert: Alert, now: datetime, reason: str = "") -> None:
    after = {"cause": alert.cause, "severity": alert.severity, "state": alert.state}
    record(
        actor=actor,
        action=action,
        subject=alert,
        now=now,
        after=after,
        reason=reason,
        team_id=alert.team_id,
    )
