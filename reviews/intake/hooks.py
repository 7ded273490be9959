"""What intake plugs into the queues and the audit log."""

from __future__ import annotations

from governance.audit.registries import audit_actions
from reviews.intake.routing import route
from reviews.queues.registries import routes

for action, sentence in {
    "intake.created": "{actor} wrote the intake rule {subject}",
    "intake.changed": "{actor} changed the intake rule {subject}",
    "intake.ended": "{actor} ended the intake rule {subject}",
}.items():
    audit_actions.add(action, sentence)
routes.add("intake rules", route)
