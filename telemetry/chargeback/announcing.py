"""What webhooks hear of months: that one is sealed, its total, and where its files are."""

from __future__ import annotations

from datetime import datetime

from telemetry.chargeback.models import Statement
from telemetry.webhooks.models import WebhookEndpoint
from telemetry.webhooks.outbox import enqueue
from telemetry.webhooks.registries import EventKind

CLOSED = "statement.closed"
KINDS = {
    CLOSED: EventKind(
        "A month of the team is closed",
        "Its total and SHA-256; fetch the statement as CSV, XLSX, FOCUS or PDF by its address.",
    ),
}


def announce_closed(statement: Statement, now: datetime) -> None:
    """Once to each endpoint of the team's use cases that asked to hear of it."""
    endpoints = WebhookEndpoint.objects.filter(
        team_id=statement.team_id, is_active=True, events__contains=[CLOSED]
    )
    data = {
        "statement": statement.pk,
        "team": statement.team.slug,
        "month": f"{statement.period:%Y-%m}",
        "total": f"{statement.total:.9f}",
        "currency": statement.currency,
        "sha256": statement.sha256,
        "url": f"/api/v1/statements/{statement.pk}/download/",
    }
    for endpoint in endpoints.select_related("use_case"):
        enqueue(endpoint, CLOSED, data, now)
