"""Announce what happened: rows written with the event, sent after the commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import transaction

from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint
from telemetry.webhooks.registries import event_kinds

DELIVER = "telemetry.webhooks.tasks.deliver"


@transaction.atomic
def announce(*, kind: str, use_case_id: int, data: dict[str, Any], now: datetime) -> None:
    """One delivery for each active endpoint of the use case that asked to hear of this kind.

    `data` holds ids and states; nobody decided yet who may read a text. The rows stand or fall
    with the caller's transaction.
    """
    event_kinds[kind]  # an unknown kind is a mistake of ours, and shows in the first test
    endpoints = WebhookEndpoint.objects.filter(
        use_case_id=use_case_id, is_active=True, events__contains=[kind]
    )
    for endpoint in endpoints:
        enqueue(endpoint, kind, data, now)


def enqueue(
    endpoint: WebhookEndpoint, kind: str, data: dict[str, Any], now: datetime
) -> WebhookDelivery:
    """The row in the outbox, and the hint to a worker once it is committed."""
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        kind=kind,
        body={"type": kind, "timestamp": now.isoformat(), "data": data},
        occurred_at=now,
        next_try_at=now,
    )
    hint(delivery.pk)
    return delivery


def hint(delivery_id: UUID) -> None:
    """Tell a worker; without a broker the due deliveries are found every half minute."""
    name = str(delivery_id)
    transaction.on_commit(
        lambda: current_app.send_task(DELIVER, [name], queue="housekeeping"), robust=True
    )
