"""What alerts plug into the kernel and the shell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from governance.access.models import User
from governance.audit.registries import audit_actions
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.models import UseCase
from governance.registry.registries import Panel, use_case_panels
from telemetry.alerts.metrics import alert_metrics, level_metrics
from telemetry.alerts.models import Alert, ServiceLevel
from telemetry.alerts.registries import metric_sources
from telemetry.alerts.rules import ALERT_STATES, AlertState

transition_tables.add("Alert.state", ALERT_STATES)

audit_actions.add("alert.raised", "{actor} raised the alert {subject}")
audit_actions.add("alert.reopened", "{actor} reopened the alert {subject}")
audit_actions.add("alert.acknowledged", "{actor} acknowledged the alert {subject}")
audit_actions.add("alert.resolved", "{actor} resolved the alert {subject}")

for action, sentence in {
    "service_level.set": "{actor} set the service level {subject}",
    "service_level.changed": "{actor} changed the service level {subject}",
    "service_level.switched_on": "{actor} switched the service level {subject} on",
    "service_level.switched_off": "{actor} switched the service level {subject} off",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "service levels",
    NavigationItem(
        "Run", "Service levels", "alerts:levels", "gauge", (Permission.ALERT_VIEW,), order=38
    ),
)
navigation.add(
    "alerts",
    NavigationItem("Run", "Alerts", "alerts:list", "bell-ring", (Permission.ALERT_VIEW,), order=40),
)


def alerts_waiting(user: User, now: datetime) -> list[InboxItem]:
    """Open alerts that this person can look after."""
    if not user.may(Permission.ALERT_MANAGE):
        return []
    waiting = Alert.objects.visible_to(user).filter(state=AlertState.OPEN)[:20]
    return [
        InboxItem(
            title=alert.title,
            detail=f"{alert.severity} alert, seen {_often(alert.count)}",
            url=reverse("alerts:list"),
            due_at=None,
            kind="alert",
        )
        for alert in waiting
    ]


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


inbox.add("alerts", alerts_waiting)
metric_sources.add("alerts", alert_metrics)
metric_sources.add("service levels", level_metrics)


def levels_panel(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    """What the use case promises, and how it keeps it."""
    if not user.may(Permission.ALERT_VIEW, use_case.team):
        return {}
    levels = ServiceLevel.objects.filter(use_case=use_case).select_related("use_case")
    return {
        "use_case": use_case,
        "levels": list(levels),
        "may_set": user.may(Permission.USE_CASE_MANAGE, use_case.team),
    }


use_case_panels.add(
    "service levels",
    Panel(
        "Service levels",
        62,
        "telemetry/alerts/_use_case_panel.html",
        levels_panel,
        (Permission.ALERT_VIEW,),
    ),
)
