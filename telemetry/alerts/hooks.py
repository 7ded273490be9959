"""What alerts plug into the kernel and the shell."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from governance.access.models import User
from governance.audit.registries import audit_actions
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from telemetry.alerts.models import Alert
from telemetry.alerts.rules import ALERT_STATES, AlertState

transition_tables.add("Alert.state", ALERT_STATES)

audit_actions.add("alert.raised", "{actor} raised the alert {subject}")
audit_actions.add("alert.reopened", "{actor} reopened the alert {subject}")
audit_actions.add("alert.acknowledged", "{actor} acknowledged the alert {subject}")
audit_actions.add("alert.resolved", "{actor} resolved the alert {subject}")

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
            detail=f"{alert.severity} alert, seen {alert.count} times",
            url=reverse("alerts:list"),
            due_at=None,
            kind="alert",
        )
        for alert in waiting
    ]


inbox.add("alerts", alerts_waiting)
