"""What calendars and SLA policies plug into the audit log."""

from __future__ import annotations

from governance.audit.registries import audit_actions

for action, sentence in {
    "calendar.created": "{actor} created the calendar {subject}",
    "calendar.changed": "{actor} changed the calendar {subject}",
    "sla.created": "{actor} created the SLA policy {subject}",
    "sla.changed": "{actor} changed the SLA policy {subject}",
}.items():
    audit_actions.add(action, sentence)
