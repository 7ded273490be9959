"""What an alert goes through. Pure."""

from __future__ import annotations

from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


ALERT_STATES = TransitionTable(
    "Alert.state",
    AlertState.OPEN,
    (
        Edge("open", "acknowledge", "acknowledged", "a person with the permission"),
        Edge("open", "resolve", "resolved", "a person, or the check that raised it"),
        Edge("acknowledged", "resolve", "resolved", "a person, or the check that raised it"),
        Edge("resolved", "reopen", "open", "the check that raised it", "the cause came back"),
    ),
)
